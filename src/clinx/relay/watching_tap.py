"""A tap whose stream is looked at as it goes by, and passed on as it is."""

from __future__ import annotations

from collections.abc import Sequence

from clinx.canonical.events import Event
from clinx.canonical.filters import EventFilter
from clinx.dialects.base import EventDecoder, StreamTap, UpstreamProblem
from clinx.errors import GatewayError
from clinx.relay.tap_before import TapBefore


class WatchingTap(TapBefore):
    """Shows a filter what a stream says, and forgets what the filter makes of it; a `StreamTap`."""

    __slots__ = ("_decoder", "_is_blind", "_watcher")

    def __init__(self, tap: StreamTap, decoder: EventDecoder, watcher: EventFilter) -> None:
        """Start at the beginning of a stream."""
        super().__init__(tap)
        self._decoder = decoder
        self._watcher = watcher
        self._is_blind = False
        """The stream ended, or cannot be read any more: that is no reason not to pass it on."""

    @property
    def problem(self) -> UpstreamProblem | None:
        """As the tap says."""
        return self._tap.problem

    @property
    def tail(self) -> bytes:
        """As the tap says."""
        return self._tap.tail

    def feed(self, data: bytes) -> bytes:
        """Take what arrived; return what may be forwarded now."""
        told = self._tap.feed(data)
        self._watch(told)
        return told

    def close(self) -> bytes:
        """Say that the body ended; return what was held back."""
        told = self._tap.close()
        self._watch(told)
        return told

    def _watch(self, data: bytes) -> None:
        if self._is_blind:
            return
        try:
            self._show(self._decoder.feed(data))
            if self._tap.finished:
                self._is_blind = True
                self._show([*self._decoder.feed(self._tap.tail), *self._decoder.close()])
                self._watcher.close()
        except (GatewayError, RecursionError):
            self._is_blind = True

    def _show(self, events: Sequence[Event]) -> None:
        for event in events:
            self._watcher.feed(event)
