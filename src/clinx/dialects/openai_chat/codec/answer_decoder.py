"""A whole answer to canonical, leniently: vendors spell much of it their own way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from msgspec import structs

from clinx.canonical.content import (
    Audio,
    Citation,
    Image,
    Inline,
    Part,
    Refusal,
    Text,
    Thinking,
    TokenLogprob,
    ToolCall,
    Unknown,
)
from clinx.canonical.response import ChatResponse, Choice, settled
from clinx.dialects import lenient
from clinx.dialects.lenient import member, sequence, text_in
from clinx.dialects.logprobs import read_logprobs
from clinx.dialects.openai.usage import read_usage
from clinx.dialects.openai_chat.codec.annotations import read_annotations
from clinx.dialects.openai_chat.codec.extensions import read_call_signature, read_thinking_block
from clinx.dialects.openai_chat.codec.media import raw_of, read_source
from clinx.dialects.openai_chat.codec.reports import read_finish
from clinx.dialects.openai_chat.endpoints import NAME

SPEECH: Final = "audio/wav"
"""What generated speech is when nobody says: the format is the request's affair."""


def decode_answer(body: bytes) -> ChatResponse:
    """Read an answer of chat or text completions.

    Raises:
        UpstreamBroken: it is no JSON object.
    """
    with lenient.reading_answer():
        answer = lenient.object_in(lenient.decode_clean(body))
    choices = tuple(_choice(choice) for choice in sequence(answer.get("choices")))
    return ChatResponse(
        text_in(answer.get("id")), text_in(answer.get("model")), choices, read_usage(answer.get("usage"))
    )


def _choice(choice: object) -> Choice:
    message = member(choice, "message")
    parts = tuple(read_parts(cast("Mapping[str, object]", message) if isinstance(message, dict) else {}))
    parts = _with_logprobs(parts, read_logprobs(member(member(choice, "logprobs"), "content")))
    if plain := text_in(member(choice, "text")):
        parts = (Text(plain), *parts)
    native = text_in(member(choice, "finish_reason")) or None
    return Choice(parts, settled(read_finish(native), parts), native)


def _with_logprobs(parts: tuple[Part, ...], logprobs: tuple[TokenLogprob, ...]) -> tuple[Part, ...]:
    """Give the tokens to the first text: an answer of this format has one."""
    place = next((place for place, part in enumerate(parts) if isinstance(part, Text)), None)
    if place is None or not logprobs:
        return parts
    return (*parts[:place], structs.replace(parts[place], logprobs=logprobs), *parts[place + 1 :])


def read_parts(message: Mapping[str, object]) -> Iterator[Part]:
    """Read what a message says: thoughts, then text, then the rest, then calls."""
    yield from _thoughts(message)
    yield from _said(message.get("content"), read_annotations(message.get("annotations")))
    if refusal := text_in(message.get("refusal")):
        yield Refusal(refusal)
    if isinstance(speech := message.get("audio"), dict):
        yield read_speech(cast("Mapping[str, object]", speech))
    for image in sequence(message.get("images")):
        yield from read_image(image)
    for call in sequence(message.get("tool_calls")):
        yield read_call(call)
    if isinstance(call := message.get("function_call"), dict):
        yield _function("", cast("object", call), None)


def _thoughts(message: Mapping[str, object]) -> Iterator[Part]:
    blocks = [found for block in sequence(message.get("thinking_blocks")) if (found := read_thinking_block(block))]
    yield from blocks
    text = text_in(message.get("reasoning_content")) or text_in(message.get("reasoning"))
    if text and not blocks:
        yield Thinking(text)


def _said(content: object, citations: tuple[Citation, ...]) -> Iterator[Part]:
    if isinstance(content, str):
        if content:
            yield Text(content, citations=citations)
        return
    for part in sequence(content):
        if text := text_in(member(part, "text")):
            yield Text(text)
        elif isinstance(part, dict):
            yield from read_image(cast("object", part)) or [Unknown(NAME, raw_of(cast("object", part)))]


def read_image(part: object) -> Sequence[Image]:
    """Read a generated picture; none where there is none."""
    address = member(part, "image_url")
    url = text_in(address) or text_in(member(address, "url"))
    return [Image(read_source(url))] if url else []


def read_speech(speech: Mapping[str, object]) -> Audio:
    """Read generated speech, or a piece of it."""
    data = text_in(speech.get("data"))
    return Audio(
        Inline(SPEECH, data) if data else None, text_in(speech.get("transcript")), text_in(speech.get("id")) or None
    )


def read_call(call: object) -> Part:
    """Read a call; one of a kind that is not known stays as it is."""
    function = member(call, "function")
    if not isinstance(function, dict):
        return Unknown(NAME, raw_of(call))
    return _function(text_in(member(call, "id")), cast("object", function), member(call, "extra_content"))


def _function(identity: str, function: object, extra: object) -> ToolCall:
    arguments = arguments_of(member(function, "arguments"))
    return ToolCall(identity, text_in(member(function, "name")), arguments, read_call_signature(extra))


def arguments_of(value: object) -> str:
    """Return arguments as text, even where a vendor writes the object itself."""
    if isinstance(value, str):
        return value
    return bytes(raw_of(cast("object", value))).decode() if isinstance(value, dict) else ""
