"""A tap that speaks one dialect to the upstream and another one to the caller."""

from __future__ import annotations

from collections.abc import Iterable

from clinx.canonical.events import Event, Failed
from clinx.dialects.base import EventDecoder, EventEncoder, StreamTap, UpstreamProblem
from clinx.domain.usage import Usage


class TranslatingTap:
    """Puts a translation behind the tap of the upstream's dialect, which does all the watching; a `StreamTap`."""

    __slots__ = ("_decoder", "_encoder", "_has_ended", "_tail", "_tap", "_unseen")

    def __init__(self, tap: StreamTap, decoder: EventDecoder, encoder: EventEncoder) -> None:
        """Start at the beginning of a stream."""
        self._tap = tap
        self._decoder = decoder
        self._encoder = encoder
        self._has_ended = False
        self._tail = b""
        self._unseen: UpstreamProblem | None = None
        """A failure that only the decoder saw."""

    @property
    def started(self) -> bool:
        """As the tap says."""
        return self._tap.started

    @property
    def finished(self) -> bool:
        """As the tap says."""
        return self._tap.finished

    @property
    def usage(self) -> Usage | None:
        """As the tap says."""
        return self._tap.usage

    @property
    def problem(self) -> UpstreamProblem | None:
        """As the tap says."""
        return self._tap.problem or self._unseen

    @property
    def answered(self) -> bool:
        """As the tap says."""
        return self._tap.answered

    @property
    def made(self) -> int:
        """As the tap says."""
        return self._tap.made

    @property
    def text_size(self) -> int:
        """As the tap says."""
        return self._tap.text_size

    @property
    def tail(self) -> bytes:
        """The end of the caller's stream, once the upstream's was seen; empty after an error."""
        return b"" if self.problem else self._tail

    def feed(self, data: bytes) -> bytes:
        """Take what arrived; return what of the caller's stream can be written now."""
        written = self._encoded(self._decoder.feed(self._tap.feed(data)))
        if self._tap.finished and self._tap.tail:
            written += self._end()
        return written

    def close(self) -> bytes:
        """Say that the body ended; return what was still to come before the caller's end."""
        written = self._encoded(self._decoder.feed(self._tap.close()))
        return written + self._end() if self._tap.finished else written

    def take_text(self) -> str:
        """As the tap says."""
        return self._tap.take_text()

    def _end(self) -> bytes:
        """Translate the end, once."""
        if self._has_ended or self.problem:
            return b""
        self._has_ended = True
        written = self._encoded(self._decoder.feed(self._tap.tail)) + self._encoded(self._decoder.close())
        self._tail = self._encoder.close()
        return written

    def _encoded(self, events: Iterable[Event]) -> bytes:
        written: list[bytes] = []
        for event in events:
            if isinstance(event, Failed):
                self._unseen = UpstreamProblem(event.message, event.kind, event.code)
                break
            written.append(self._encoder.feed(event))
        return b"".join(written)
