"""One connection to a provider: HTTP/1.1, one exchange at a time.

What comes is fed to the `Answer` of the exchange under way; bytes that belong to none end the connection. An exchange
whose answer is complete is over for the connection, whether or not its body has been taken yet. There is one timer for
each connection, moved only when it would ring too late: an exchange costs none.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final, Protocol, cast

from clinx.upstream.acknowledged import Asked, acknowledged
from clinx.upstream.answer import Answer
from clinx.upstream.head import Head, Malformed
from clinx.upstream.slack import encryption_of, give_back
from clinx.upstream.stages import Stage, broken, cause_of
from clinx.upstream.transport import ConnectionEnded, WriteTimeout

HIGH: Final = 256 << 10
"""Bytes waiting to be taken beyond which nothing more is read."""

LOW: Final = 64 << 10
"""Bytes waiting at which reading goes on."""

PIECE: Final = 256 << 10
"""Most bytes of a request handed to the event loop at once: what it holds has been copied, and out of our sight."""

_TICK: Final = 0.001
"""Seconds; an event loop's timer may be early by that much."""


class Owner(Protocol):
    """Who keeps connections between exchanges."""

    def rest(self, connection: Connection) -> None:
        """Take back a connection that may carry another exchange."""
        ...

    def gone(self, connection: Connection) -> None:
        """Forget a connection."""
        ...


class Connection(asyncio.Protocol):
    """A socket that speaks HTTP/1.1."""

    __slots__ = (
        "_acknowledged",
        "_answer",
        "_dropped",
        "_due",
        "_encryption",
        "_full",
        "_loop",
        "_owner",
        "_paused",
        "_rings_at",
        "_socket",
        "_timer",
        "_transport",
        "_unsent",
        "_used",
        "_waiter",
        "idle_since",
        "lost",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: Owner, connected: Asked) -> None:
        """Belong to an owner; the event loop makes the connection over a socket, which stays the loop's."""
        self._loop = loop
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._answer: Answer | None = None
        self._socket = connected
        self._encryption: ssl.SSLObject | None = None
        self._acknowledged: int | None = None
        """As it was before the exchange; None on a connection that had carried none."""
        self._used = False
        self._dropped = False
        self._paused = False
        self._full = False
        """The event loop wants no more of the request for now."""
        self._unsent: memoryview | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self.idle_since = 0.0
        """When it came to rest, by the event loop's clock."""
        self.lost: asyncio.Future[None] = loop.create_future()
        """Done when the socket is gone."""

    @property
    def usable(self) -> bool:
        """Whether the socket is there, as far as is known."""
        return self._transport is not None and not self._transport.is_closing()

    async def exchange(self, message: tuple[bytes, bytes], within: float, writing: float) -> Arrived:
        """Write a request, and return when the head of its answer is there, be the request written or not.

        Args:
            message: the request's head and body.
            within: seconds until the head must be there.
            writing: seconds until the request must be written, unless its answer comes first.

        Raises:
            WriteTimeout: the request is not written within the seconds given.
            TimeoutError: no head within the seconds given.
            ConnectionEnded: the connection ended without a byte.
            UpstreamBroken: an answer that cannot be read.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ConnectionEnded(broken(Stage.FIRST_BYTE, "cut short"), reused=self._used, unseen=True)
        reused, self._used = self._used, True
        self._acknowledged = acknowledged(self._socket) if reused else None
        answer = self._answer = Answer()
        now = self._loop.time()
        self._send(transport, *message)
        if writing < within and self._is_writing:
            await self._written(answer, now + writing)
        while answer.head is None and answer.failure is None:
            await self._wait(answer, now + within)
        if answer.head is not None and (answer.failure is None or answer.has_data):
            give_back(self._encryption)
            return Arrived(self, answer, answer.head)
        if answer.began:
            failure = broken(Stage.FIRST_BYTE, answer.failure or "")
            raise failure from failure.__cause__
        failure = broken(Stage.FIRST_BYTE, answer.failure or "cut short")
        raise ConnectionEnded(failure, reused=reused, unseen=answer.unseen)

    async def wait(self, answer: Answer, within: float) -> None:
        """Wait until an answer has something new to take.

        Raises:
            TimeoutError: nothing came within the seconds given; the connection is dropped.
        """
        if self._answer is answer:
            await self._wait(answer, self._loop.time() + within)

    def taken(self, answer: Answer) -> None:
        """Read on, if reading had stopped for an answer that has been taken by now."""
        if self._paused and self._answer is answer and answer.waiting < LOW:
            self._resume()

    def abandon(self, answer: Answer) -> None:
        """Drop the connection if an answer is still arriving on it."""
        if self._answer is answer:
            self.drop()

    def drop(self) -> None:
        """Close at once; whoever waits learns that the answer was cut short."""
        self._dropped = True
        self._end(None)
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)
        self._encryption = encryption_of(transport)
        if self._dropped:
            # Over TLS, who speaks first may be heard before the connection is ours.
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        answer = self._answer
        if answer is None:
            self.drop()
            return
        answer.feed(data)
        if answer.failure is not None:
            self.drop()
        elif answer.complete:
            self._finish(answer)
        elif answer.waiting > HIGH and not self._paused:
            self._pause()
        if answer.head is not None:
            self._wake()

    def pause_writing(self) -> None:
        """Called by the event loop."""
        self._full = True

    def resume_writing(self) -> None:
        """Called by the event loop."""
        self._full = False
        self._push()

    def eof_received(self) -> None:
        """Called by the event loop. What is still to be written would keep the socket open."""
        self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._transport = self._encryption = None
        self._end(exc)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.lost.done():
            self.lost.set_result(None)
        self._owner.gone(self)

    def _finish(self, answer: Answer) -> None:
        """Let go of a complete answer, and rest or drop."""
        self._answer = None
        if answer.reusable and self.usable and not self._is_writing:
            if self._paused:
                self._resume()
            self.idle_since = self._loop.time()
            self._owner.rest(self)
        else:
            self.drop()

    @property
    def _is_writing(self) -> bool:
        """Whether some of the request has not left us."""
        transport = self._transport
        return self._unsent is not None or (transport is not None and transport.get_write_buffer_size() > 0)

    def _send(self, transport: asyncio.Transport, head: bytes, body: bytes) -> None:
        if len(body) <= PIECE:
            transport.writelines((head, body))
            return
        self._unsent = memoryview(body)
        transport.write(head)
        self._push()

    def _push(self) -> None:
        """Hand on the next piece of the request if it is wanted, and the rest in the turns that follow.

        An answer that comes early is read in between: the server may reset the connection after it, and what is
        written then would lose an answer that has arrived.
        """
        if self._unsent is None or self._transport is None or self._full:
            return
        piece, rest = self._unsent[:PIECE], self._unsent[PIECE:]
        self._unsent = rest or None
        self._transport.write(piece)
        if self._unsent is not None:
            self._loop.call_later(0, self._push)

    def _end(self, exc: Exception | None) -> None:
        self._unsent = None
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.unseen = self._acknowledged is not None and self._acknowledged == acknowledged(self._socket)
            answer.end(None if exc is None else cause_of(exc))
        self._wake()

    async def _written(self, answer: Answer, due: float) -> None:
        """Wait for what an exchange waits for, but no longer than until the request must have been written."""
        try:
            await self._woken(due)
        except TimeoutError:
            if not self._is_writing:
                return
            self.abandon(answer)
            raise WriteTimeout from None
        except BaseException:
            self.abandon(answer)
            raise

    async def _wait(self, answer: Answer, due: float) -> None:
        try:
            await self._woken(due)
        except BaseException:
            # Cancelled or late. Only the answer's own connection: one that is complete left it to others already.
            self.abandon(answer)
            raise

    async def _woken(self, due: float) -> None:
        """Wait to be woken.

        Raises:
            TimeoutError: it is due.
        """
        self._due = due
        if self._timer is None or self._rings_at > due:
            self._set_timer(due)
        self._waiter = waiter = self._loop.create_future()
        try:
            await waiter
        finally:
            if self._waiter is waiter:
                self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _set_timer(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = due
        self._timer = self._loop.call_at(due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._due - self._loop.time() > _TICK:
            self._set_timer(self._due)
        else:
            self._waiter.set_exception(TimeoutError())

    def _pause(self) -> None:
        if self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        self._paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()


class Arrived:
    """An answer whose head is there; see `clinx.upstream.transport.Arriving`."""

    __slots__ = ("_answer", "_connection", "_head")

    def __init__(self, connection: Connection, answer: Answer, head: Head) -> None:
        """Belong to the connection the answer arrives on."""
        self._connection = connection
        self._answer = answer
        self._head = head

    @property
    def status(self) -> int:
        """See `Arriving`."""
        return self._head.status

    @property
    def headers(self) -> Mapping[str, str]:
        """See `Arriving`."""
        return self._head.headers

    def take(self) -> bytes | None:
        """See `Arriving`."""
        try:
            data = self._answer.take()
        except Malformed as error:
            self.close()
            failure = broken(Stage.BODY, str(error))
        else:
            self._connection.taken(self._answer)
            return data
        raise failure from failure.__cause__

    async def wait(self, within: float) -> None:
        """See `Arriving`."""
        await self._connection.wait(self._answer, within)

    def close(self) -> None:
        """See `Arriving`."""
        self._connection.abandon(self._answer)
