"""A streamed message to canonical events.

    content_block_start ──► a part starts; one that is still open ends first
    content_block_delta ──► it grows; a delta that belongs to no open block opens one of its kind
    content_block_stop  ──► it ends
    message_delta       ──► the open part ends, the answer is finished; usage is reported

Blocks of unknown kinds are held back until they end, for canonical wants them whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

import msgspec
from msgspec import Raw, Struct, structs

from clinx.canonical.content import Part, Text, Thinking, ToolCall, Unknown, as_object
from clinx.canonical.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, UsageReported
from clinx.canonical.response import FinishReason
from clinx.dialects import lenient
from clinx.dialects.anthropic.codec.answer_decoder import decode_part, signature_in
from clinx.dialects.anthropic.codec.citations import read_citation
from clinx.dialects.anthropic.codec.reports import decode_finish
from clinx.dialects.anthropic.endpoints import NAME
from clinx.dialects.anthropic.errors import read_problem
from clinx.dialects.anthropic.usage import merge, read_usage
from clinx.dialects.counts import larger
from clinx.dialects.lenient import mapping, text_in
from clinx.dialects.sse import SseEvent, SseReader
from clinx.domain.usage import Usage


class _Delta(Struct):
    text: str = ""
    thinking: str = ""
    partial_json: str = ""


class _Growing(Struct):
    delta: _Delta
    index: int = 0


_DELTA: Final = b'{"type":"content_block_delta"'
_GROWING: Final = msgspec.json.Decoder(_Growing)


class MessageEventDecoder:
    """Reads one streamed message; an `EventDecoder`."""

    __slots__ = ("_failed", "_finished", "_parts", "_reader", "_report", "_started", "_usage")

    def __init__(self) -> None:
        """Start before the first event."""
        self._reader = SseReader()
        self._parts = _Parts()
        self._started = False
        self._finished = False
        self._failed = False
        self._report: Mapping[str, object] = {}
        """The usage object as far as it was reported."""
        self._usage: Usage | None = None

    def feed(self, data: bytes) -> Sequence[Event]:
        """Take what arrived; return the events that are complete now."""
        events: list[Event] = []
        for found in self._reader.feed(data):
            quick = None if found.data is None or self._finished else self._parts.quick(found.data)
            if quick is None:
                events.extend(self._read(found))
            elif not self._failed:
                events.append(quick)
        return events

    def close(self) -> Sequence[Event]:
        """Say that the stream ended; return what was held back."""
        rest = [event for found in self._reader.close() for event in self._read(found)]
        if self._started and not self._failed:
            rest += self._finish(None, None)
        return rest

    def _read(self, found: SseEvent) -> Iterator[Event]:
        if found.data is None or self._failed:
            return
        try:
            document = mapping(lenient.decode_clean(found.data))
        except ValueError:
            return
        kind = document.get("type")
        if kind == "error" or found.event == b"error" or document.get("error"):
            self._failed = True
            problem = read_problem(found.data)
            yield Failed(problem.message, problem.type, problem.code)
            return
        if document and not self._started:
            self._started = True
            message = mapping(document.get("message"))
            yield Started(text_in(message.get("id")), text_in(message.get("model")))
        if not self._finished:
            yield from self._content(kind, document)
        yield from self._reported(document)

    def _content(self, kind: object, document: Mapping[str, object]) -> Iterator[Event]:
        match kind:
            case "content_block_delta":
                yield from self._parts.grow(document.get("index"), mapping(document.get("delta")))
            case "content_block_start":
                yield from self._parts.start(document.get("index"), mapping(document.get("content_block")))
            case "content_block_stop":
                yield from self._parts.end()
            case "message_delta":
                delta = mapping(document.get("delta"))
                if reason := text_in(delta.get("stop_reason")):
                    yield from self._finish(reason, text_in(delta.get("stop_sequence")) or None)
            case "message_stop":
                yield from self._finish(None, None)
            case _:
                pass

    def _finish(self, reason: str | None, stop_sequence: str | None) -> Iterator[Event]:
        if self._finished:
            return
        self._finished = True
        yield from self._parts.end()
        finish = decode_finish(reason)
        if finish is FinishReason.STOP and self._parts.has_call:
            finish = FinishReason.TOOL_CALLS
        yield Finished(finish, native=reason, stop_sequence=stop_sequence)

    def _reported(self, document: Mapping[str, object]) -> Iterator[Event]:
        report = mapping(document.get("usage")) or mapping(mapping(document.get("message")).get("usage"))
        if not report:
            return
        self._report = merge(self._report, report)
        usage = larger(self._usage, read_usage(self._report))
        if usage is not None and usage != self._usage:
            self._usage = usage
            yield UsageReported(usage)


class _Parts:
    """The parts of the answer; one at most is open."""

    __slots__ = ("_block", "_held", "_index", "_json", "_part", "has_call")

    def __init__(self) -> None:
        self.has_call = False
        self._index = -1
        """Of the last part that started."""
        self._part: Part | None = None
        """The one that is open, as it started."""
        self._block: object = None
        """The vendor's number of what is open or held."""
        self._held: Mapping[str, object] | None = None
        """A block of an unknown kind that has not ended, and its input."""
        self._json: list[str] = []

    def start(self, number: object, block: Mapping[str, object]) -> Iterator[Event]:
        yield from self.end()
        self._block = number
        part = decode_part(block)
        if isinstance(part, Unknown):
            self._held = block
            return
        if isinstance(part, ToolCall):
            self.has_call = True
            # What is there at the start is mostly an empty object, and the input follows.
            part = structs.replace(part, arguments="") if part.arguments == "{}" else part
        yield self._opened(part)

    def quick(self, data: bytes) -> PartDelta | None:
        """Read a delta that is as it should be, and belongs to what is open: most of a stream is; None for others."""
        if self._part is None or not data.startswith(_DELTA):
            return None
        try:
            found = _GROWING.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        delta = found.delta
        part = self._part
        if isinstance(part, Text):
            text = delta.text
        else:
            text = delta.partial_json if isinstance(part, ToolCall) else delta.thinking
        return PartDelta(self._index, text) if text and found.index == self._block else None

    def grow(self, number: object, delta: Mapping[str, object]) -> Iterator[Event]:
        text, thought, fragment = (text_in(delta.get(name)) for name in ("text", "thinking", "partial_json"))
        signature = signature_in(delta.get("signature"))
        if self._held is not None and number == self._block:
            self._json.append(fragment)
        elif fragment:
            if isinstance(self._part, ToolCall):
                yield PartDelta(self._index, fragment)
        elif text:
            yield from self._ready(number, Text(""))
            yield PartDelta(self._index, text)
        elif isinstance(citation := delta.get("citation"), dict):
            yield from self._ready(number, Text(""))
            yield PartDelta(self._index, citations=(read_citation(cast("Mapping[str, object]", citation)),))
        elif thought or signature:
            yield from self._ready(number, Thinking(""))
            yield PartDelta(self._index, thought, signature=signature)

    def end(self) -> Iterator[Event]:
        """End what is open, and tell what was held."""
        if self._held is not None:
            fragments = "".join(self._json)
            called_with = as_object(fragments) if fragments else None
            block = self._held if called_with is None else {**self._held, "input": called_with}
            self._held, self._json = None, []
            yield self._opened(Unknown(NAME, Raw(msgspec.json.encode(block))))
        if self._part is not None:
            self._part = None
            yield PartEnded(self._index)

    def _ready(self, number: object, empty: Part) -> Iterator[Event]:
        """Make sure that a part of this kind is open under the vendor's number."""
        if type(self._part) is type(empty) and (number is None or number == self._block):
            return
        yield from self.end()
        self._block = number
        yield self._opened(empty)

    def _opened(self, part: Part) -> Event:
        self._part = part
        self._index += 1
        return PartStarted(self._index, part)
