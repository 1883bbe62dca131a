"""Answers to events: a piece of a stream is a whole answer that goes on where the last one ended.

    text, thought, speech ───► one part as long as pieces of its kind follow each other
    call, picture, … ────────► a part of its own, whole at once
    reason to finish, usage ─► kept to the end, for more may follow

A whole answer is read as a stream of one piece.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

import msgspec
from msgspec import Raw

from clinx.canonical.content import (
    Audio,
    File,
    Image,
    Inline,
    Part,
    Signature,
    Text,
    Thinking,
    TokenLogprob,
    ToolCall,
    Unknown,
)
from clinx.canonical.events import (
    Event,
    Failed,
    Finished,
    PartDelta,
    PartEnded,
    PartStarted,
    Started,
    UsageReported,
)
from clinx.canonical.fold import fold
from clinx.canonical.response import ChatResponse, FinishReason
from clinx.dialects import lenient
from clinx.dialects.gemini.chunk import UNFINISHED, Candidate, Chunk, read_chunk, read_source
from clinx.dialects.gemini.codec.grounding import read_grounding
from clinx.dialects.gemini.codec.media import Blob, read_blob
from clinx.dialects.gemini.codec.reasons import read_finish
from clinx.dialects.gemini.codec.tokens import read_tokens
from clinx.dialects.gemini.endpoints import NAME
from clinx.dialects.gemini.errors import read_problem
from clinx.dialects.gemini.stream import MAX_EVENT
from clinx.dialects.gemini.usage import Reports
from clinx.dialects.lenient import text_in
from clinx.dialects.sse import SseEvent, SseReader

_DONE: Final = b"[DONE]"
_Members = Mapping[str, object]


class ContentDecoder:
    """Reads one streamed answer; an `EventDecoder`."""

    __slots__ = ("_candidates", "_events", "_has_started", "_is_over", "_reader", "_reports")

    def __init__(self) -> None:
        """Start at the beginning of a stream."""
        self._reader = SseReader(MAX_EVENT)
        self._events: list[Event] = []
        self._candidates: dict[int, _Candidate] = {}
        self._reports = Reports()
        self._has_started = False
        self._is_over = False

    def feed(self, data: bytes) -> Sequence[Event]:
        """Take what arrived; return the events that are complete now."""
        for event in self._reader.feed(data):
            self._take(event)
        return self._taken()

    def close(self) -> Sequence[Event]:
        """Say that the stream ended; return the ends of parts and candidates."""
        for event in self._reader.close():
            self._take(event)
        if not self._is_over:
            for number in sorted(self._candidates):
                self._candidates[number].close()
            if (usage := self._reports.usage) is not None:
                self._events.append(UsageReported(usage))
            self._is_over = True
        return self._taken()

    def take_answer(self, answer: Chunk, data: bytes) -> None:
        """Take one piece, or a whole answer, and the text it was read from."""
        if not self._has_started:
            self._has_started = True
            self._events.append(Started(*read_source(data)))
        for candidate in answer.candidates or ():
            self._take_candidate(candidate)
        if answer.blocked is not None and not self._candidates:
            self._candidate(0).block(answer.blocked)
        if answer.usage_metadata is not None:
            self._reports.take(answer.usage_metadata, data)

    def _take(self, event: SseEvent) -> None:
        text = (event.data or b"").strip()
        if self._is_over or not text or text == _DONE:
            return
        try:
            answer = read_chunk(text)
        except ValueError:
            return
        if answer.error:
            problem = read_problem(text)
            self._events.append(Failed(problem.message, problem.type, problem.code))
            self._is_over = True
        else:
            self.take_answer(answer, text)

    def _take_candidate(self, candidate: Candidate) -> None:
        taken = self._candidate(candidate.index)
        if candidate.grounding_metadata:
            self._reports.grounded(candidate.index, candidate.grounding_metadata)
        for part in candidate.parts:
            taken.take(part)
        if candidate.grounding_metadata or candidate.logprobs_result:
            taken.annotate(candidate.grounding_metadata, read_tokens(candidate.logprobs_result))
        if candidate.finish_reason not in UNFINISHED:
            taken.native = candidate.finish_reason

    def _candidate(self, index: int) -> _Candidate:
        found = self._candidates.get(index)
        if found is None:
            found = self._candidates[index] = _Candidate(index, self._events)
        return found

    def _taken(self) -> Sequence[Event]:
        events = tuple(self._events)
        self._events.clear()
        return events


class _Candidate:
    """One of the answers; events are appended to the list it was given."""

    __slots__ = ("_choice", "_events", "_has_call", "_index", "_is_blocked", "_open", "_texts", "native")

    def __init__(self, choice: int, events: list[Event]) -> None:
        self._choice = choice
        self._events = events
        self._index = -1
        """Of the part that started last."""
        self._open: type[Part] | None = None
        """What the open part is."""
        self._has_call = False
        self._is_blocked = False
        self._texts: list[str] = []
        """Of the open text."""
        self.native: str | None = None
        """The reason to finish."""

    def take(self, part: _Members) -> None:
        """Take a part: the next one, or a piece of the open one."""
        signature = _signature(part)
        text = part.get("text")
        if isinstance(text, str):
            kind = Thinking if part.get("thought") is True else Text
            self._say(kind, text, signature)
        elif isinstance(call := part.get("functionCall"), dict):
            self._has_call = True
            self._call(cast("_Members", call), signature)
        elif isinstance(blob := part.get("inlineData") or part.get("fileData"), dict):
            self._show(cast("_Members", blob), signature)
        elif any(name not in {"thought", "thoughtSignature"} for name in part):
            self._whole(Unknown(NAME, Raw(msgspec.json.encode(part))))
        elif signature is not None:
            self._sign(signature)

    def annotate(self, grounding: object, logprobs: tuple[TokenLogprob, ...]) -> None:
        """Take what is said about the text that is open; about another one it means nothing."""
        if self._open is Text:
            citations = read_grounding(grounding, "".join(self._texts))
            if citations or logprobs:
                delta = PartDelta(self._index, choice=self._choice, citations=citations, logprobs=logprobs)
                self._events.append(delta)

    def block(self, reason: str) -> None:
        """Take note that there will be no answer."""
        self.native, self._is_blocked = reason, True

    def close(self) -> None:
        """End the open part and the answer."""
        self._end()
        finish = FinishReason.CONTENT_FILTER if self._is_blocked else read_finish(self.native)
        if finish is FinishReason.STOP and self._has_call:
            finish = FinishReason.TOOL_CALLS
        self._events.append(Finished(finish, self._choice, self.native))

    def _say(self, kind: type[Text | Thinking], text: str, signature: Signature | None) -> None:
        if not text and signature is None:
            return
        if not text and self._open in {Text, Thinking} and signature is not None:
            self._sign(signature)
            return
        if self._open is not kind:
            self._begin(kind(""))
        if kind is Text:
            self._texts.append(text)
        self._events.append(PartDelta(self._index, text, self._choice, signature))

    def _sign(self, signature: Signature) -> None:
        """Take a signature that comes after what it signs."""
        if self._open not in {Text, Thinking}:
            self._begin(Text(""))
        self._events.append(PartDelta(self._index, "", self._choice, signature))

    def _call(self, call: _Members, signature: Signature | None) -> None:
        self._begin(ToolCall(text_in(call.get("id")), text_in(call.get("name")), "", signature))
        arguments = call.get("args")
        text = msgspec.json.encode(arguments).decode() if isinstance(arguments, dict) else "{}"
        self._events.append(PartDelta(self._index, text, self._choice))
        self._end()

    def _show(self, blob: _Members, signature: Signature | None) -> None:
        part = read_blob(Blob(*(text_in(blob.get(name)) or None for name in ("mimeType", "data", "fileUri"))))
        if isinstance(part, Audio) and isinstance(part.source, Inline):
            if self._open is not Audio:
                self._begin(Audio(Inline(part.source.media_type, "")))
            self._events.append(PartDelta(self._index, choice=self._choice, data=part.source.data))
        elif isinstance(part, Image):
            self._whole(Image(part.source, signature=signature))
        elif isinstance(part, Audio | File):
            self._whole(part)

    def _whole(self, part: Part) -> None:
        self._begin(part)
        self._end()

    def _begin(self, part: Part) -> None:
        self._end()
        self._index += 1
        self._open = type(part)
        self._texts.clear()
        self._events.append(PartStarted(self._index, part, self._choice))

    def _end(self) -> None:
        if self._open is not None:
            self._open = None
            self._events.append(PartEnded(self._index, self._choice))


def decode_answer(body: bytes) -> ChatResponse:
    """Read a whole answer: the only piece of its stream.

    Raises:
        UpstreamBroken: it is no JSON object.
    """
    with lenient.reading_answer():
        answer = read_chunk(body)
    decoder = ContentDecoder()
    decoder.take_answer(answer, body)
    return fold(decoder.close())


def _signature(part: _Members) -> Signature | None:
    value = part.get("thoughtSignature")
    return Signature(NAME, value) if isinstance(value, str) and value else None
