"""One item of a streamed answer while it grows, as the canonical parts it becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from clinx.canonical.content import Citation, Part, Refusal, Text, Thinking, ToolCall
from clinx.canonical.events import Event, PartDelta, PartEnded, PartStarted
from clinx.dialects.lenient import mapping, text_in
from clinx.dialects.logprobs import read_logprobs
from clinx.dialects.openai_responses.codec.annotations import read_annotation
from clinx.dialects.openai_responses.codec.answer_decoder import arguments_of, decode_item, thought_of
from clinx.dialects.openai_responses.codec.item_decoder import BETWEEN_THOUGHTS

Document: TypeAlias = Mapping[str, object]

ADDED: Final = "response.output_item.added"
ENDED: Final = "response.output_item.done"
TEXT: Final = "response.output_text.delta"
REFUSAL: Final = "response.refusal.delta"
ANNOTATED: Final = "response.output_text.annotation.added"
ARGUMENTS: Final = "response.function_call_arguments.delta"
THOUGHTS: Final = frozenset({"response.reasoning_summary_text.delta", "response.reasoning_text.delta"})

_EMPTY: Final[Mapping[object, Part]] = {TEXT: Text(""), REFUSAL: Refusal("")}


class ItemProgress:
    """Reads the events of one item; at most one part is open."""

    __slots__ = ("_is_cited", "_number", "_piece", "_said", "has_grown", "is_done", "part", "part_index", "place")

    def __init__(self, number: Callable[[], int]) -> None:
        """Start before the item's first event.

        Args:
            number: gives each part the next number in the answer.
        """
        self.part: Part | None = None
        """The part that is open, as it started."""
        self.part_index = -1
        self.place: object = None
        """The vendor's number of the open part in its message."""
        self.is_done = False
        self._number = number
        self._said = False
        """There was a part."""
        self.has_grown = False
        """The open part has text."""
        self._is_cited = False
        """The open part has citations."""
        self._piece: object = None
        """Which piece of a thought the last text belonged to."""

    def take(self, kind: object, document: Document) -> Iterator[Event]:
        """Take an event that belongs to this item."""
        if self.is_done:
            return
        if kind == ADDED:
            yield from self._add(mapping(document.get("item")))
        elif kind == ENDED:
            yield from self._finish(mapping(document.get("item")))
        elif kind == ANNOTATED:
            yield from self._annotate((read_annotation(mapping(document.get("annotation"))),))
        elif delta := text_in(document.get("delta")):
            yield from self._take_delta(kind, document, delta)

    def _take_delta(self, kind: object, document: Document, delta: str) -> Iterator[Event]:
        if kind in _EMPTY:
            yield from self._speak(kind, document, delta)
        elif kind in THOUGHTS:
            yield from self._think(kind, document, delta)
        elif kind == ARGUMENTS and isinstance(self.part, ToolCall):
            yield self._grow(delta)

    def end(self) -> Iterator[Event]:
        """End the part that is open."""
        if self.part is not None:
            self.part = None
            yield PartEnded(self.part_index)

    def _add(self, item: Document) -> Iterator[Event]:
        kind = item.get("type")
        if kind == "function_call" and item.get("name"):
            call = ToolCall(text_in(item.get("call_id")), text_in(item.get("name")), "")
            yield from self._start(call)
            if given := arguments_of(item):
                yield self._grow(given)
        elif kind == "reasoning":
            yield from self._start(Thinking("", id=text_in(item.get("id")) or None))

    def _speak(self, kind: object, document: Document, delta: str) -> Iterator[Event]:
        empty, place = _EMPTY[kind], document.get("content_index")
        if type(self.part) is not type(empty) or place != self.place:
            yield from self._start(empty)
            self.place = place
        self.has_grown = True
        yield PartDelta(self.part_index, delta, logprobs=read_logprobs(document.get("logprobs")))

    def _annotate(self, citations: tuple[Citation, ...]) -> Iterator[Event]:
        if isinstance(self.part, Text) and citations:
            self._is_cited = True
            yield PartDelta(self.part_index, citations=citations)

    def _think(self, kind: object, document: Document, delta: str) -> Iterator[Event]:
        piece = (kind, document.get("summary_index"), document.get("content_index"))
        if not isinstance(self.part, Thinking):
            yield from self._start(Thinking(""))
        between = BETWEEN_THOUGHTS if self.has_grown and piece != self._piece else ""
        self._piece = piece
        yield self._grow(between + delta)

    def _finish(self, item: Document) -> Iterator[Event]:
        """End the item; what it says only now is told now."""
        self.is_done = True
        whole = next(decode_item(item), None)
        if isinstance(self.part, Thinking) and isinstance(whole, Thinking):
            text = "" if self.has_grown else thought_of(item)
            if text or whole.signature:
                yield PartDelta(self.part_index, text, signature=whole.signature)
        elif isinstance(self.part, ToolCall) and not self.has_grown:
            if given := arguments_of(item):
                yield self._grow(given)
        elif isinstance(self.part, Text) and isinstance(whole, Text) and not self._is_cited:
            yield from self._annotate(whole.citations)
        elif not self._said:
            for part in decode_item(item):
                yield from self._start(part)
        yield from self.end()

    def _start(self, part: Part) -> Iterator[Event]:
        yield from self.end()
        self.part, self.part_index = part, self._number()
        self._said, self.has_grown, self._is_cited = True, False, False
        yield PartStarted(self.part_index, part)

    def _grow(self, text: str) -> Event:
        self.has_grown = True
        return PartDelta(self.part_index, text)
