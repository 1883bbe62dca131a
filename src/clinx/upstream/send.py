"""Send one request; get the head of its answer, or a failure that says at which stage it broke."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from clinx.domain.catalog import Timeouts
from clinx.errors import UpstreamTimeout
from clinx.upstream.request import UpstreamRequest, Way
from clinx.upstream.response import UpstreamResponse as UpstreamResponse
from clinx.upstream.stages import Stage, timed_out
from clinx.upstream.transport import ConnectionEnded, ConnectTimeout, Transport, WriteTimeout

STALE: Final = 1.0
"""Seconds within which a kept connection shows that it had been closed already."""

_ONLY_READ: Final = frozenset({"GET"})


class Transports(Protocol):
    """Where connections come from: a `Lease`, or the whole `Pool`."""

    def transport(self, way: Way) -> Transport:
        """Return the transport for a way to the network."""
        ...


class Sender:
    """Sends requests under four deadlines: connect, first byte, idle, total."""

    def __init__(self, transports: Transports, clock: Callable[[], float]) -> None:
        """Take where connections come from, and the monotonic clock in seconds."""
        self._transports = transports
        self._clock = clock

    async def send(self, request: UpstreamRequest, *, deadline: float) -> UpstreamResponse:
        """Send, and return once the answer's status and headers are there, whatever they say.

        A kept connection may have been closed by the upstream just before we wrote to it. That shows at once: the
        connection ends without a byte of an answer, and nothing of the request has been acknowledged. Only then, on a
        connection that had been used before, is the request sent a second time (RFC 9110, 9.2.2: what is not idempotent
        is repeated only by who can tell that it was never applied; what only reads is repeated anyway). A fresh
        connection that breaks, or one that breaks after `STALE`, may have had its request served; whether to pay for
        another is decided by whoever sees the failure.

        Args:
            request: what to send.
            deadline: monotonic instant at which the whole exchange is over, body included.

        Raises:
            UpstreamTimeout: a deadline passed; the first byte's is counted from the beginning, connecting included.
            UpstreamBroken: no connection, or it ended without an answer.
            UpstreamMisconfigured: an address that may not be reached, is none, or shows a wrong certificate.
        """
        started = self._clock()
        try:
            return await self._attempt(request, deadline)
        except ConnectionEnded as ended:
            is_harmless = ended.unseen or request.method in _ONLY_READ
            if not (ended.reused and is_harmless) or self._clock() - started >= STALE:
                raise ended.failure from ended.failure.__cause__
        try:
            return await self._attempt(request, deadline)
        except ConnectionEnded as ended:
            raise ended.failure from ended.failure.__cause__

    async def _attempt(self, request: UpstreamRequest, deadline: float) -> UpstreamResponse:
        timeouts = request.timeouts
        left = deadline - self._clock()
        if left <= 0:
            raise timed_out(Stage.TOTAL, timeouts.total)
        transport = self._transports.transport(request.way)
        try:
            arriving = await transport.exchange(request, within=min(timeouts.first_byte, left))
        except ConnectTimeout:
            failure = timed_out(Stage.CONNECT, timeouts.connect)
        except WriteTimeout:
            failure = timed_out(Stage.WRITE, timeouts.write)
        except TimeoutError:
            failure = _late(timeouts, left)
        else:
            return UpstreamResponse(arriving, idle=timeouts.idle, deadline=deadline, clock=self._clock)
        raise failure


def _late(timeouts: Timeouts, left: float) -> UpstreamTimeout:
    """Name the deadline that passed, ``left`` being what the exchange had left when the attempt began."""
    if left <= timeouts.first_byte:
        return timed_out(Stage.TOTAL, timeouts.total)
    return timed_out(Stage.FIRST_BYTE, timeouts.first_byte)
