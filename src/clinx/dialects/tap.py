"""What the taps of all formats do alike: hand on events, and keep the books of what was generated.

    events ──► comment ────────────► forwarded as one of our own: what it says is nobody's business
               no data, [DONE] ────► withheld: clients take it for a broken event
               cannot be read ─────► ``problem``
               all else ───────────► the format decides; what it closes upon, nothing passes any more

Only whole events are forwarded, byte for byte but for comment lines in them. Everything is decided event by event, so
it does not matter how the stream was cut into chunks.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final, Generic, TypeVar

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.counts import larger
from clinx.dialects.lenient import FAULTS
from clinx.dialects.sse import MAX_EVENT, SseEvent, SseReader, encode_comment, without_comments
from clinx.domain.usage import Usage

T = TypeVar("T")

BYTES_PER_TOKEN: Final = 4
"""Of plain text, as a quick estimate."""
DONE: Final = b"[DONE]"
"""What ends a stream of OpenAI's chat, and what servers copied from there into other formats."""
UNREADABLE: Final = UpstreamProblem("The upstream sent an event that cannot be read.", code="unreadable_event")
PING: Final = encode_comment(b"ping")

_OBJECT: Final = b"{"


class EventTap(Generic[T]):
    """Watches one streamed answer; a `StreamTap` but for what its format says of events."""

    __slots__ = (
        "_beyond",
        "_cut",
        "_quick",
        "_read",
        "_reader",
        "_reported",
        "_stored_id",
        "_stored_items",
        "_tail",
        "_taken",
        "_taken_size",
        "_text",
        "_text_size",
        "_usage",
        "closed",
        "finished",
        "problem",
        "started",
    )

    ALIVE: ClassVar[bytes] = PING
    """What becomes of the vendor's comments: callers still see that the connection is alive."""
    MOST: ClassVar[int] = MAX_EVENT
    """Bytes of one event."""

    def __init__(self, quick: Callable[[bytes], T], read: Callable[[bytes], T]) -> None:
        """Start at the beginning of a stream.

        Args:
            quick: reads the data of an event that is as it should be, and raises one of `FAULTS` at any other.
            read: reads the data of any event; a `ValueError` says that it cannot be read.
        """
        self.started = False
        self.finished = False
        self.closed = False
        """Nothing passes any more: the end was seen, or a problem."""
        self.problem: UpstreamProblem | None = None
        self._quick = quick
        self._read = read
        self._reader = SseReader(self.MOST)
        self._usage: Usage | None = None
        self._reported = 0
        """The tokens of the answer that the upstream told of."""
        self._stored_id: str | None = None
        self._stored_items: tuple[str, ...] = ()
        self._cut = False
        """The body ended inside an event."""
        self._tail = b""
        self._text: list[str] = []
        self._text_size = 0
        self._taken = 0
        """Pieces of text that were taken."""
        self._taken_size = 0
        """Characters in them."""
        self._beyond = 0
        """Bytes of all the text there was, beyond one for each character."""

    @property
    def usage(self) -> Usage | None:
        """What the upstream reported so far."""
        return self._usage

    @property
    def stored_id(self) -> str | None:
        """The id under which the vendor keeps the answer."""
        return self._stored_id

    @property
    def stored_items(self) -> tuple[str, ...]:
        """The ids of its items there."""
        return self._stored_items

    @property
    def tail(self) -> bytes:
        """The event that marks the end; empty until it was seen, after an error, and where the format has none."""
        return b"" if self.problem else self._tail

    @property
    def made(self) -> int:
        """An estimate of the tokens generated: pieces, a token for every four bytes, or what was reported."""
        size = self._taken_size + self._text_size + self._beyond
        return max(self._taken + len(self._text), size // BYTES_PER_TOKEN, self._reported)

    @property
    def text_size(self) -> int:
        """Characters of generated text not yet taken."""
        return self._text_size

    def feed(self, data: bytes) -> bytes:
        """Take a chunk of the stream; return the events in it that may be forwarded."""
        event = self._reader.alone(data)
        if event is None or event.data is None or self.closed:
            return b"".join([self.shown(event) for event in self._reader.feed(data) if self._passes(event)])
        try:
            found = self._quick(event.data)
        except FAULTS:
            return data if self._passes(event) else b""
        return data if self.take(found, event) else b""

    def close(self) -> bytes:
        """Say that the body ended; a last event that lacks only its blank line counts and gets one."""
        forwarded = b"".join(self.shown(event) + b"\n\n" for event in self._reader.close() if self._last_passes(event))
        self.conclude()
        return forwarded

    def take_text(self) -> str:
        """Return the generated text since the last call."""
        text = "".join(self._text)
        self._taken += len(self._text)
        self._taken_size += self._text_size
        self._text.clear()
        self._text_size = 0
        return text

    @abstractmethod
    def take(self, found: T, event: SseEvent) -> bool:
        """Note what an event says; whether it may be forwarded now."""

    def marked(self, event: SseEvent) -> None:
        """Take an event that is nothing but ``[DONE]``, which is withheld."""

    def conclude(self) -> None:
        """Say what the end of the body means."""

    def shown(self, event: SseEvent) -> bytes:
        """Return the bytes of an event as callers get them."""
        if not event.has_comment:
            return event.raw
        return self.ALIVE if event.data is None else without_comments(event.raw)

    def said(self, text: str) -> None:
        """Take text that was generated, which may be none: something was said in any case."""
        self.started = True
        self._text.append(text)
        self._text_size += len(text)
        if not text.isascii():
            self._beyond += len(text.encode("utf-8", "replace")) - len(text)

    def used(self, usage: Usage | None) -> None:
        """Take what the upstream reports, as far as it makes sense: reports are cumulative."""
        self._usage = found = larger(self._usage, usage)
        self._reported = 0 if found is None else found.output_tokens

    def end(self, event: SseEvent) -> None:
        """Take the event that marks the end: it is shown when the exchange is settled."""
        self.closed = True
        self._tail = self.shown(event)

    def fail(self, problem: UpstreamProblem | None) -> bool:
        """Take a problem, if it is one; whether it is none."""
        self.problem = problem
        if problem is None:
            return True
        self.closed = True
        return False

    def _passes(self, event: SseEvent) -> bool:
        """Look at an event; whether it may be forwarded now."""
        if self.closed:
            return False
        data = event.data
        if data is None:
            return event.has_comment
        if not data.startswith(_OBJECT):
            text = data.strip()
            if text == DONE:
                self.marked(event)
            if not text or text == DONE:
                return False
        try:
            found = self._read(data)
        except ValueError:
            return self.fail(UNREADABLE)
        return self.take(found, event)

    def _last_passes(self, event: SseEvent) -> bool:
        """Look at what was left without a blank line; half an event is a cut, not a problem of its own."""
        if self.closed or event.data is None:
            return False
        passes = self._passes(event)
        if self.problem is UNREADABLE:
            self.problem, self.closed, self._cut = None, False, True
        elif self.closed and self._tail:
            self._tail += b"\n\n"
        return passes
