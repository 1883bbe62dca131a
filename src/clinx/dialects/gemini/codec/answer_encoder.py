"""Canonical to a whole answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from clinx.canonical.content import (
    Audio,
    File,
    Image,
    Inline,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from clinx.canonical.response import ChatResponse, Choice
from clinx.dialects.base import Answering, Encoded, Envelope, Loss
from clinx.dialects.gemini.codec.grounding import write_grounding
from clinx.dialects.gemini.codec.media import Wire, write_media
from clinx.dialects.gemini.codec.reasons import write_finish
from clinx.dialects.gemini.codec.tokens import write_tokens
from clinx.dialects.gemini.codec.wording import signed, write_call
from clinx.dialects.gemini.endpoints import NAME
from clinx.dialects.gemini.request import config_of
from clinx.dialects.google import names
from clinx.dialects.google.usage import write_usage
from clinx.dialects.losses import UNCITED, harmless
from clinx.errors import InvalidRequest


def encode_answer(response: ChatResponse, answering: Answering) -> Encoded:
    """Write an answer."""
    parts = PartWriter(answering)
    candidates = [_candidate(place, choice, parts) for place, choice in enumerate(response.choices)]
    body: dict[str, object] = {"candidates": candidates}
    if response.usage is not None:
        body["usageMetadata"] = write_usage(response.usage)
    body["modelVersion"] = answering.envelope.model
    body["responseId"] = response.id or answering.new_id("resp_")
    return Encoded(msgspec.json.encode(body), tuple(_losses(response)))


def _candidate(place: int, choice: Choice, parts: PartWriter) -> Wire:
    written = [found for part in choice.parts for found in parts.write(part)]
    texts = [part for part in choice.parts if isinstance(part, Text)]
    tokens = [token for text in texts for token in text.logprobs]
    return {**candidate(place, written, write_finish(choice.finish)), **write_grounding(texts), **write_tokens(tokens)}


def candidate(index: int, parts: Sequence[object], finish: str | None = None) -> Wire:
    """Write a candidate, or a piece of one."""
    written: dict[str, object] = {"content": {"parts": parts, "role": "model"}}
    if finish is not None:
        written["finishReason"] = finish
    return {**written, "index": index}


class PartWriter:
    """Writes parts of one answer."""

    __slots__ = ("_new_id", "shows_thoughts")

    def __init__(self, answering: Answering) -> None:
        """Find out what the caller wants to see."""
        self._new_id = answering.new_id
        self.shows_thoughts = _wants_thoughts(answering.envelope)
        """Clients show thoughts that they did not ask for as if they were the answer."""

    def write(self, part: Part) -> Iterator[object]:
        """Write a part; nothing for one that is hidden, or has no place here."""
        match part:
            case Text():
                yield {"text": part.text, **signed(part.signature)}
            case Refusal():
                yield {"text": part.text}
            case Thinking():
                yield from self._thought(part)
            case ToolCall():
                yield write_call(part, part.id or self._new_id("call_"))
            case Image() | Audio() | File():
                yield from _media(part)
            case Unknown():
                yield from [part.payload] if part.dialect == NAME else []
            case ToolResult():
                return

    def _thought(self, part: Thinking) -> Iterator[object]:
        if self.shows_thoughts and (part.text or signed(part.signature)):
            yield {"text": part.text, "thought": True, **signed(part.signature)}


def _media(part: Image | Audio | File) -> Iterator[object]:
    written = write_media(part)
    if written is not None:
        yield {**written, **signed(part.signature if isinstance(part, Image) else None)}
    elif isinstance(part, Audio) and part.transcript and not isinstance(part.source, Inline):
        yield {"text": part.transcript}


def _wants_thoughts(envelope: Envelope) -> bool:
    try:
        thinking = names.members_of(config_of(envelope.body), "thinkingConfig")
        return thinking is not None and thinking.value(names.spelled(thinking, "includeThoughts")) is True
    except InvalidRequest:
        return False


def _losses(response: ChatResponse) -> Iterator[Loss]:
    for number, choice in enumerate(response.choices):
        for place, part in enumerate(choice.parts):
            path = f"choices[{number}].content[{place}]"
            if isinstance(part, Unknown) and part.dialect != NAME:
                yield harmless(path, "This content has no place in this format.")
            elif isinstance(part, Text) and any(citation.url is None for citation in part.citations):
                yield harmless(f"{path}.citations", UNCITED)
