"""The tap on a streamed answer: text, usage and the stop reason are noted; ``message_stop`` is the tail.

Kinds of events, blocks and deltas that are not known pass: new ones come without notice. What is alike in all formats
is in `clinx.dialects.tap`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clinx.dialects.anthropic.event import EVENT, Delta, Event, read_event, usage_in
from clinx.dialects.anthropic.response import problem_in, text_of
from clinx.dialects.anthropic.usage import merge, read_usage
from clinx.dialects.sse import SseEvent
from clinx.dialects.tap import EventTap
from clinx.domain.catalog import StreamEnd

_STOP: Final = "message_stop"
_EMPTY_AT_FIRST: Final = ("text", "thinking")
"""Kinds of blocks that say something only in their deltas."""


class MessageTap(EventTap[Event]):
    """Watches one streamed message; a `StreamTap`."""

    __slots__ = ("_end", "_report", "answered")

    def __init__(self, *, end: StreamEnd) -> None:
        """Start at the beginning of a stream.

        Args:
            end: what marks the end of a good stream: the event that says so, or the stop reason.
        """
        super().__init__(EVENT.decode, read_event)
        self.answered = False
        """The stop reason has been seen."""
        self._end = end
        self._report: Mapping[str, object] = {}
        """The usage object as far as it was reported."""

    def conclude(self) -> None:
        """Take a stream for whole that has its reason, where the vendor has no other mark."""
        if self._end is StreamEnd.FINISH and not self.closed:
            self.finished = self.answered and not self._cut

    def take(self, found: Event, event: SseEvent) -> bool:
        """Note what an event says; the last one, good or bad, is withheld."""
        kind = found.type
        if found.error or kind == "error" or event.event == b"error":
            return self.fail(problem_in("error", found.error, event.data or b""))
        if kind == _STOP:
            self.finished = True
            self.end(event)
            return False
        if found.delta is not None:
            self._take_delta(found.delta)
        if found.content_block is not None:
            self._take_block(found.content_block)
        if (found.usage or found.message) and (report := usage_in(found)) is not None:
            self._report = merge(self._report, report)
            self.used(read_usage(self._report))
        return True

    def _take_delta(self, delta: Delta) -> None:
        if (text := delta.text) and isinstance(text, str):
            self.said(text)
        if (thought := delta.thinking) and isinstance(thought, str):
            self.said(thought)
        if (fragment := delta.partial_json) and isinstance(fragment, str):
            self.said(fragment)
        if delta.stop_reason:
            self.answered = self.started = True
        elif delta.signature:
            self.started = True

    def _take_block(self, block: Mapping[str, object]) -> None:
        if text := text_of(block):
            self.said(text)
        elif block.get("type") not in _EMPTY_AT_FIRST:
            self.started = True
