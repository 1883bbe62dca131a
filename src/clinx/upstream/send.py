"""Send one request; get the head of its answer, or a failure that says at which stage it broke."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import aiohttp

from clinx.domain.catalog import Timeouts
from clinx.errors import UpstreamTimeout
from clinx.upstream.pool import watch_way
from clinx.upstream.request import UpstreamRequest
from clinx.upstream.response import UpstreamResponse as UpstreamResponse
from clinx.upstream.stages import Stage, before_the_body, timed_out

STALE: Final = 1.0
"""Seconds within which a kept connection shows that it had been closed already."""

_BREAKS = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientConnectionResetError)


class Sessions(Protocol):
    """Where connections come from: a `Lease`, or the whole `Pool`."""

    def session(self, proxy: str | None) -> aiohttp.ClientSession:
        """Return the session for an outbound proxy, or for none."""
        ...


class Sender:
    """Sends requests under four deadlines: connect, first byte, idle, total."""

    def __init__(self, sessions: Sessions, clock: Callable[[], float]) -> None:
        """Take where connections come from, and the monotonic clock in seconds."""
        self._sessions = sessions
        self._clock = clock

    async def send(self, request: UpstreamRequest, *, deadline: float) -> UpstreamResponse:
        """Send, and return once the answer's status and headers are there, whatever they say.

        A kept connection may have been closed by the upstream just before we wrote to it. That shows at once: the
        connection ends without a byte of an answer. Only then, on a connection that had been used before, is the
        request sent a second time. A fresh connection that breaks, or one that breaks after `STALE`, may have had its
        request served; whether to pay for another is decided by whoever sees the failure.

        Args:
            request: what to send.
            deadline: monotonic instant at which the whole exchange is over, body included.

        Raises:
            UpstreamTimeout: a deadline passed; the first byte's is counted from the beginning, connecting included.
            UpstreamBroken: no connection, or it ended without an answer.
            UpstreamMisconfigured: an address that may not be reached, is none, or shows a wrong certificate.
        """
        way = watch_way()
        started = self._clock()
        try:
            return await self._attempt(request, deadline)
        except aiohttp.ClientError as error:
            is_stale = isinstance(error, _BREAKS) and not way.fresh and self._clock() - started < STALE
            if not is_stale:
                failure = before_the_body(error)
                raise failure from failure.__cause__
        try:
            return await self._attempt(request, deadline)
        except aiohttp.ClientError as error:
            failure = before_the_body(error)
            raise failure from failure.__cause__

    async def _attempt(self, request: UpstreamRequest, deadline: float) -> UpstreamResponse:
        timeouts = request.timeouts
        left = deadline - self._clock()
        try:
            async with asyncio.timeout(min(timeouts.first_byte, left)):
                response = await self._sessions.session(request.proxy).request(
                    request.method,
                    request.url,
                    headers=request.headers,
                    data=request.body,
                    allow_redirects=False,
                    proxy=request.proxy,
                    timeout=aiohttp.ClientTimeout(connect=timeouts.connect),
                )
        except TimeoutError as error:
            failure = _late(error, timeouts, left)
            raise failure from failure.__cause__
        return UpstreamResponse(response, idle=timeouts.idle, deadline=deadline, clock=self._clock)


def _late(error: TimeoutError, timeouts: Timeouts, left: float) -> UpstreamTimeout:
    """Name the deadline that passed, ``left`` being what the exchange had left when the attempt began."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return timed_out(Stage.CONNECT, timeouts.connect)
    if left <= timeouts.first_byte:
        return timed_out(Stage.TOTAL, timeouts.total)
    return timed_out(Stage.FIRST_BYTE, timeouts.first_byte)
