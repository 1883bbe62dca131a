"""The tap on a streamed response: the last event is the tail, and carries the usage.

    ...delta, output_item.... ──► text ─► forwarded
    error, response.failed ─► problem ──► nothing passes any more
    response.completed, .incomplete ────► ``tail``, with the usage; what follows is dropped

What is alike in all formats is in `clinx.dialects.tap`.
"""

from __future__ import annotations

from typing import Final

from clinx.dialects.lenient import mapping
from clinx.dialects.openai_responses.errors import read_problem
from clinx.dialects.openai_responses.event import EVENT, Event, read_event
from clinx.dialects.openai_responses.response import text_of
from clinx.dialects.openai_responses.stored import items_of, stored_id
from clinx.dialects.openai_responses.usage import read_usage
from clinx.dialects.sse import SseEvent
from clinx.dialects.tap import EventTap

ENDS: Final = frozenset({"response.completed", "response.incomplete"})
FAILURES: Final = frozenset({"error", "response.failed", "response.cancelled"})

_ADDED: Final = "response.output_item.added"
_ENDED: Final = "response.output_item.done"
_GROWTH: Final = ".delta"
"""What the names of events end with that say more of something."""
_NO_TEXT: Final = "response.audio.delta"
_EMPTY_AT_FIRST: Final = ("message", "reasoning")
"""Items that say nothing by beginning."""


class ResponseTap(EventTap[Event]):
    """Watches one streamed response; a `StreamTap`."""

    __slots__ = ("_grew", "_is_kept")

    def __init__(self, *, is_kept: bool = False) -> None:
        """Start at the beginning of a stream; of an answer that the vendor keeps the id is noted."""
        super().__init__(EVENT.decode, read_event)
        self._is_kept = is_kept
        self._grew = False
        """There was a delta since the last item ended."""

    @property
    def answered(self) -> bool:
        """Whether the end was seen, which says everything at once."""
        return self.finished

    def take(self, found: Event, event: SseEvent) -> bool:
        """Note what an event says; the last one, good or bad, is withheld."""
        kind = found.type
        if isinstance(kind, str):
            if kind[-6:] == _GROWTH:
                text = found.delta
                if isinstance(text, str) and kind != _NO_TEXT:
                    self._grew = True
                    if text:
                        self.said(text)
                return True
            if kind in FAILURES or kind in ENDS:
                return self._end(kind, found, event)
        return self._take_rest(kind, found, event)

    def _take_rest(self, kind: object, found: Event, event: SseEvent) -> bool:
        if found.response is not None:
            self._take_id(found.response)
        if found.error or event.event == b"error":
            return self.fail(read_problem(event.data or b""))
        if found.item is not None:
            self._take_item(kind, found.item)
        return True

    def _end(self, kind: str, found: Event, event: SseEvent) -> bool:
        self.used(read_usage(found.response))
        self._take_id(found.response)
        if kind in FAILURES:
            return self.fail(read_problem(event.data or b""))
        self._stored_items = items_of(found.response) if self._is_kept else ()
        self.finished = self.started = True
        self.end(event)
        return False

    def _take_id(self, response: object) -> None:
        if self._is_kept and self._stored_id is None:
            self._stored_id = stored_id(mapping(response).get("id"))

    def _take_item(self, kind: object, given: object) -> None:
        """Take the name of a call as it begins, and all of an item that came without deltas."""
        item = mapping(given)
        if kind == _ADDED:
            self._grew = False
            if item.get("type") not in _EMPTY_AT_FIRST:
                self.started = True
                name = item.get("name")
                self._take_text(name)
        elif kind == _ENDED:
            if not self._grew:
                self._take_text(text_of({**item, "name": None}))
            self._grew = False

    def _take_text(self, text: object) -> None:
        if text and isinstance(text, str):
            self.said(text)
