"""Who is being served right now: notices callers that hang up, pings the silent, and empties the house at shutdown.

aiohttp leaves a handler alone when its caller goes away (and so it should: a settlement may be under way), so nobody
tells a stream that it speaks to no one until its next write. One ticker looks at all connections a few times a second
instead of one watcher for each.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from clinx.config.snapshot import Disconnect
from clinx.dialects.framing import Framing
from clinx.errors import ClientGone, ShuttingDown
from clinx.relay.exchange import Exchange
from clinx.telemetry.metrics import Metrics

log = logging.getLogger("clinx.web")

TICK = 0.25
PING_AFTER = 15.0
"""Seconds of silence after which a comment line keeps proxies from closing a stream."""
STALLED_AFTER = 60.0
"""Seconds a single write may wait for a slow reader."""
LONGEST_DRAIN = 30.0
LONGEST_WHOLE = 120.0
"""Seconds a whole answer is waited for after its caller left: the vendor makes and bills it to the end either way."""
LAST_WORDS = 5.0
"""Seconds an upstream gets to report the usage of an answer whose caller left after its last word: leaving just then
must not make hidden reasoning free."""
MOST_DRAINS = 64
HURRY = 5.0
"""Seconds left to streams for their last words, and to a shutdown that was asked for twice."""


@dataclass(slots=True, eq=False)
class Visit:
    """One exchange and the connection it answers on."""

    exchange: Exchange
    transport: asyncio.Transport | None
    response: web.StreamResponse | None = None
    """Set while a stream is being written."""
    last_write: float = 0.0
    writing: bool = False
    gone_at: float | None = None
    """Monotonic instant at which the caller was seen to have left."""

    @property
    def is_connected(self) -> bool:
        """Whether somebody is still there."""
        return self.gone_at is None and self.transport is not None and not self.transport.is_closing()

    @property
    def is_silent(self) -> bool:
        """Whether a comment may be written: between two pieces, and never behind the last one."""
        streams = self.response is not None and self.exchange.streams
        return streams and self.is_connected and not self.writing and not self.exchange.finished

    @property
    def keep_alive(self) -> bytes:
        """What keeps proxies from closing a silent stream, and means nothing to this caller."""
        return (self.exchange.envelope.framing if self.exchange.envelope else Framing.EVENTS).keep_alive


class Presence:
    """All visits of this process."""

    def __init__(self, *, monotonic: Callable[[], float], metrics: Metrics) -> None:
        """Begin with an empty house."""
        self._visits: set[Visit] = set()
        self._monotonic = monotonic
        metrics.in_flight.set_function(lambda: len(self._visits))
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._leave_by = math.inf

    def enter(self, exchange: Exchange, request: web.BaseRequest) -> Visit:
        """Count an exchange as present until it departs."""
        visit = Visit(exchange, request.transport, last_write=self._monotonic())
        self._visits.add(visit)
        self._emptied.clear()
        return visit

    def depart(self, visit: Visit) -> None:
        """Count it no longer."""
        self._visits.discard(visit)
        if not self._visits:
            self._emptied.set()

    @property
    def count(self) -> int:
        """How many exchanges are running."""
        return len(self._visits)

    async def run(self) -> None:
        """Look at everyone, for ever. Run by the supervisor."""
        while True:
            await asyncio.sleep(TICK)
            await self.look()

    async def look(self) -> None:
        """Look at everyone once."""
        now = self._monotonic()
        for visit in list(self._visits):
            if visit.gone_at is None and not visit.is_connected:
                self.left(visit)
            elif visit.gone_at is not None and now - visit.gone_at > self._patience(visit):
                visit.exchange.stop(_gone())
            elif visit.writing and now - visit.last_write > STALLED_AFTER and visit.transport is not None:
                visit.transport.abort()
            elif visit.is_silent and now - visit.last_write > PING_AFTER:
                await self._ping(visit, now)

    def writing(self, visit: Visit) -> _Writing:
        """Watch a write: `with presence.writing(visit): await …`. A caller who is gone is taken note of, not raised."""
        return _Writing(self, visit)

    def began(self, visit: Visit) -> None:
        """Take note that a write begins."""
        visit.last_write = self._monotonic()
        visit.writing = True

    def left(self, visit: Visit) -> None:
        """Take note that a caller is gone: stop a stream's upstream, or let it run dry, as configured.

        Whose request was not read yet waits for a place in the house, and is no longer to have one.
        """
        if visit.gone_at is not None:
            return
        visit.gone_at = self._monotonic()
        exchange = visit.exchange
        if exchange.envelope is None or (exchange.streams and not (exchange.answered or self._may_drain(visit))):
            exchange.stop(_gone())

    def _patience(self, visit: Visit) -> float:
        """Seconds an answer may go on without its caller: all of it, or just the report of what it cost."""
        if not visit.exchange.streams:
            return LONGEST_WHOLE
        drains = visit.exchange.snapshot.server.on_client_disconnect is Disconnect.DRAIN
        return LONGEST_DRAIN if drains else LAST_WORDS

    def _may_drain(self, visit: Visit) -> bool:
        if visit.exchange.snapshot.server.on_client_disconnect is not Disconnect.DRAIN:
            return False
        return sum(other.gone_at is not None for other in self._visits) <= MOST_DRAINS

    async def _ping(self, visit: Visit, now: float) -> None:
        visit.last_write = now
        if visit.response is not None and (transport := visit.transport) is not None and not transport.is_closing():
            try:
                async with asyncio.timeout(TICK):
                    await visit.response.write(visit.keep_alive)
            except (ConnectionError, TimeoutError, RuntimeError):
                return  # Gone, slow, or at its end between two looks.

    async def leave(self, grace: float) -> None:
        """Wait for everyone to finish; after ``grace`` seconds end what is left with an error event."""
        self._leave_by = min(self._leave_by, self._monotonic() + grace)
        while self._visits and (left := self._leave_by - self._monotonic()) > 0:
            await self._until_empty(min(left, TICK))
        if self._visits:
            log.warning("shutdown.interrupted", extra={"exchanges": len(self._visits)})
            for visit in list(self._visits):
                visit.exchange.stop(ShuttingDown("The gateway is restarting; try again.", retry_after=1.0))
            await self._until_empty(HURRY)
        if self._visits:
            log.error("shutdown.abandoned", extra={"exchanges": len(self._visits)})

    def hurry(self) -> None:
        """Shorten `leave` to a few seconds, whether it has begun or not."""
        self._leave_by = min(self._leave_by, self._monotonic() + HURRY)

    async def _until_empty(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._emptied.wait()
        except TimeoutError:
            return


class _Writing:
    """The time of one write."""

    __slots__ = ("_presence", "_visit")

    def __init__(self, presence: Presence, visit: Visit) -> None:
        self._presence = presence
        self._visit = visit

    def __enter__(self) -> None:
        self._presence.began(self._visit)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        self._visit.writing = False
        if isinstance(error, ConnectionError):
            self._presence.left(self._visit)
            return True
        return False


def _gone() -> ClientGone:
    return ClientGone("The caller hung up before the answer was complete.")
