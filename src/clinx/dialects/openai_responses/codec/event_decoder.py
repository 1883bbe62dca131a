"""A streamed response to canonical events.

Items are told in the order in which they begin. What belongs to a later item while an earlier one has not ended is
held back, for parts do not overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Raw, Struct

from clinx.canonical.content import Refusal, Text, ToolCall
from clinx.canonical.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, UsageReported
from clinx.canonical.response import FinishReason
from clinx.dialects import lenient
from clinx.dialects.lenient import mapping, sequence, text_in
from clinx.dialects.openai_responses.codec.answer_decoder import decode_item
from clinx.dialects.openai_responses.codec.item_progress import ADDED, ANNOTATED, ARGUMENTS, REFUSAL, TEXT, ItemProgress
from clinx.dialects.openai_responses.codec.reports import read_finish
from clinx.dialects.openai_responses.errors import read_problem
from clinx.dialects.openai_responses.stream import ENDS, FAILURES
from clinx.dialects.openai_responses.usage import read_usage
from clinx.dialects.sse import SseEvent, SseReader


class _Delta(Struct):
    type: str = ""
    output_index: int = -1
    content_index: int | None = None
    delta: str = ""
    logprobs: Raw = Raw(b"[]")


_DELTA: Final = msgspec.json.Decoder(_Delta)
_QUICK: Final[Mapping[type, str]] = {Text: TEXT, Refusal: REFUSAL, ToolCall: ARGUMENTS}
_NONE: Final = Raw(b"[]")
_ITEM: Final = "response.output_item."


class ResponseEventDecoder:
    """Reads one streamed response; an `EventDecoder`."""

    __slots__ = ("_current", "_ended", "_has_call", "_held", "_items", "_last", "_next", "_reader", "_started")

    def __init__(self) -> None:
        """Start before the first event."""
        self._reader = SseReader()
        self._started = False
        self._ended = False
        """It is finished, or failed."""
        self._has_call = False
        self._next = 0
        """The number of the next part."""
        self._items: dict[object, ItemProgress] = {}
        """By the vendor's number, in the order in which they began."""
        self._held: dict[object, list[tuple[object, Mapping[str, object]]]] = {}
        """Events of items that have to wait."""
        self._current: object = None
        """The item that is being told."""
        self._last: object = None
        """The item that began last, which events without a number belong to."""

    def feed(self, data: bytes) -> Sequence[Event]:
        """Take what arrived; return the events that are complete now."""
        events: list[Event] = []
        for found in self._reader.feed(data):
            quick = None if found.data is None or self._ended else self._quick(found.data)
            if quick is None:
                events.extend(self._read(found))
            else:
                events.append(quick)
        return events

    def close(self) -> Sequence[Event]:
        """Say that the stream ended; return what was held back."""
        rest = [event for found in self._reader.close() for event in self._read(found)]
        if self._started and not self._ended:
            rest += self._finish({})
        return rest

    def _quick(self, data: bytes) -> PartDelta | None:
        """Read more text of the part that is open, which most of a stream is; None for anything else."""
        item = self._items.get(self._current)
        kind = None if item is None else _QUICK.get(type(item.part))
        if item is None or kind is None:
            return None
        try:
            found = _DELTA.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if found.logprobs != _NONE:
            return None
        is_more = found.type == kind and found.output_index == self._current and found.content_index == item.place
        # A call that has no arguments yet is told by the slow road, which notes that it has some.
        return PartDelta(item.part_index, found.delta) if is_more and found.delta and item.has_grown else None

    def _read(self, found: SseEvent) -> Iterator[Event]:
        if found.data is None or self._ended:
            return
        try:
            document = mapping(lenient.decode_clean(found.data))
        except ValueError:
            return
        kind = document.get("type")
        if (isinstance(kind, str) and kind in FAILURES) or found.event == b"error" or document.get("error"):
            self._ended = True
            problem = read_problem(found.data)
            yield Failed(problem.message, problem.type, problem.code)
            return
        if document and not self._started:
            self._started = True
            response = mapping(document.get("response"))
            yield Started(text_in(response.get("id")), text_in(response.get("model")))
        if isinstance(kind, str) and kind in ENDS:
            yield from self._finish(mapping(document.get("response")))
        elif isinstance(kind, str) and (kind.startswith(_ITEM) or kind.endswith(".delta") or kind == ANNOTATED):
            yield from self._take(kind, document)

    def _take(self, kind: str, document: Mapping[str, object]) -> Iterator[Event]:
        """Give an event to its item, or keep it until that item's time has come."""
        slot = self._slot(kind, document)
        if slot not in self._items:
            self._items[slot] = ItemProgress(self._number)
            self._last = slot
        current = self._items.get(self._current)
        if current is None or current.is_done:
            self._current = slot
        if slot != self._current:
            self._held.setdefault(slot, []).append((kind, document))
            return
        yield from self._told(self._items[slot].take(kind, document))
        if self._items[slot].is_done:
            yield from self._release()

    def _slot(self, kind: str, document: Mapping[str, object]) -> object:
        """Return which item an event belongs to: by its number; without one, the one that began last."""
        number = document.get("output_index")
        if isinstance(number, int):
            return number
        return len(self._items) if kind == ADDED or self._last is None else self._last

    def _release(self) -> Iterator[Event]:
        """Tell what was held back, as far as items have ended."""
        while self._held and self._items[self._current].is_done:
            self._current = next(iter(self._held))
            item = self._items[self._current]
            for kind, document in self._held.pop(self._current):
                yield from self._told(item.take(kind, document))

    def _finish(self, response: Mapping[str, object]) -> Iterator[Event]:
        self._ended = True
        for slot, item in self._items.items():
            for kind, document in self._held.pop(slot, ()):
                yield from self._told(item.take(kind, document))
            yield from item.end()
        if not self._next:
            yield from self._whole(response)
        finish, native = read_finish(response)
        if finish is FinishReason.STOP and self._has_call:
            finish = FinishReason.TOOL_CALLS
        if usage := read_usage(response):
            yield UsageReported(usage)
        yield Finished(finish, native=native)

    def _whole(self, response: Mapping[str, object]) -> Iterator[Event]:
        """Tell the items of an answer that came only at its end."""
        for given in sequence(response.get("output")):
            for part in decode_item(mapping(given)):
                self._has_call = self._has_call or isinstance(part, ToolCall)
                index = self._number()
                yield PartStarted(index, part)
                yield PartEnded(index)

    def _told(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, PartStarted) and isinstance(event.part, ToolCall):
                self._has_call = True
            yield event

    def _number(self) -> int:
        self._next += 1
        return self._next - 1
