"""A tap that speaks one dialect to the upstream and another one to the caller."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clinx.canonical.events import Event, Failed, UsageReported
from clinx.canonical.filters import EventFilter
from clinx.dialects.base import EventDecoder, EventEncoder, StreamTap, UpstreamProblem
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken
from clinx.relay.tap_before import TapBefore


class TranslatingTap(TapBefore):
    """Puts a translation behind the tap of the upstream's dialect, which does all the watching; a `StreamTap`."""

    __slots__ = ("_changes", "_decoder", "_encoder", "_has_ended", "_unseen")

    def __init__(
        self, tap: StreamTap, decoder: EventDecoder, encoder: EventEncoder, changes: EventFilter | None = None
    ) -> None:
        """Start at the beginning of a stream; what is to be changed of it stands between decoder and encoder."""
        super().__init__(tap)
        self._decoder = decoder
        self._changes = changes
        self._encoder = encoder
        self._has_ended = False
        self._unseen: UpstreamProblem | None = None
        """A failure that only the decoder saw."""

    @property
    def problem(self) -> UpstreamProblem | None:
        """As the tap says."""
        return self._tap.problem or self._unseen

    @property
    def tail(self) -> bytes:
        """The end of the upstream's stream, once it was told to the decoder; empty after an error."""
        return self._tap.tail if self._has_ended and not self.problem else b""

    def feed(self, data: bytes) -> bytes:
        """Take what arrived; return what of the caller's stream can be written now."""
        written = self._encoded(self._decoded(self._tap.feed(data)))
        if self._tap.finished and self._tap.tail:
            written += self._end()
        return written

    def close(self) -> bytes:
        """Say that the body ended; return what was still to come before the caller's end."""
        written = self._encoded(self._decoded(self._tap.close()))
        return written + self._end() if self._tap.finished else written

    def end(self, usage: Usage) -> bytes:
        """Return the end of the caller's stream, which says what was used: as it was charged, reported or counted."""
        self._encoder.feed(UsageReported(usage))
        return self._encoder.close()

    def _end(self) -> bytes:
        """Translate the end, once."""
        if self._has_ended or self.problem:
            return b""
        self._has_ended = True
        written = self._encoded([*self._decoded(self._tap.tail), *self._decoder.close()])
        if self._changes is None or self.problem:
            return written
        return written + b"".join(self._encoder.feed(event) for event in self._changes.close())

    def _decoded(self, data: bytes) -> Sequence[Event]:
        try:
            return self._decoder.feed(data)
        except RecursionError as error:  # What the tap could read, from deeper in the stack can only just not be.
            raise UpstreamBroken("The upstream sent an event that cannot be read.") from error

    def _encoded(self, events: Iterable[Event]) -> bytes:
        written: list[bytes] = []
        for event in events:
            if isinstance(event, Failed):
                self._unseen = UpstreamProblem(event.message, event.kind, event.code)
                break
            if self._changes is None:
                written.append(self._encoder.feed(event))
            else:
                written.extend(self._encoder.feed(told) for told in self._changes.feed(event))
        return b"".join(written)
