"""An upstream's answer, read under deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Final

import aiohttp

from clinx.errors import UpstreamTimeout
from clinx.upstream.stages import Stage, broken, in_the_body, timed_out

READ_LIMIT: Final = 64 << 20
"""Most bytes of a whole body, decoded."""

LOOK: Final = 5.0
"""Seconds of silence after which the connection itself is looked at."""

_IDS: Final = ("x-request-id", "request-id", "apim-request-id")
_LONGEST_ID: Final = 200


class UpstreamResponse:
    """Status and headers are there; the body is read once, whole or in chunks, and then closed."""

    def __init__(
        self, response: aiohttp.ClientResponse, *, idle: float, deadline: float, clock: Callable[[], float]
    ) -> None:
        """Take over an answer whose head has arrived.

        Args:
            response: it; nothing of its body has been read.
            idle: most seconds between two pieces of the body.
            deadline: monotonic instant at which the whole exchange is over.
            clock: monotonic seconds.
        """
        self._response = response
        self._idle = idle
        self._total = deadline - clock()
        self._deadline = self._until = deadline
        self._clock = clock

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Case-insensitive."""
        return self._response.headers

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; empty when the upstream named none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def upstream_id(self) -> str | None:
        """The upstream's own request id, for its support."""
        for name in _IDS:
            if value := self.headers.get(name):
                return value[:_LONGEST_ID]
        return None

    async def read(self, limit: int = READ_LIMIT) -> bytes:
        """Return the whole body, decoded.

        Raises:
            UpstreamBroken: longer than ``limit`` bytes, cut short, or not decodable.
            UpstreamTimeout: a deadline passed.
        """
        pieces: list[bytes] = []
        size = 0
        while piece := await self._next():
            size += len(piece)
            if size > limit:
                await self.close()
                failure = broken(Stage.BODY, f"longer than {limit} bytes")
                raise failure from failure.__cause__
            pieces.append(piece)
        return b"".join(pieces)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives, decoded, in whatever pieces it arrives.

        Raises:
            UpstreamBroken: the body is cut short or not decodable.
            UpstreamTimeout: nothing came for the idle time, or the exchange's deadline passed.
        """
        while piece := await self._next():
            yield piece

    async def close(self) -> None:
        """Let go. A body read to its end leaves the connection warm; otherwise the connection is dropped."""
        self._response.close()

    async def _next(self) -> bytes:
        """Return what has arrived, waiting if nothing has; empty at the end."""
        content = self._response.content
        try:
            if (piece := content.read_nowait()) or content.at_eof():
                return piece
            return await self._wait(content)
        except TimeoutError:
            failure = self._late()
        except aiohttp.ClientError as error:
            failure = in_the_body(error)
        self._response.close()
        raise failure from failure.__cause__

    async def _wait(self, content: aiohttp.StreamReader) -> bytes:
        self._until = min(self._clock() + self._idle, self._deadline)
        while True:
            left = self._until - self._clock()
            try:
                async with asyncio.timeout(min(left, LOOK)):
                    return await content.readany()
            except TimeoutError:
                if left <= LOOK:
                    raise
                self._look()

    def _look(self) -> None:
        """Notice that the connection is gone: a body that breaks its framing ends it without waking the reader."""
        connection = self._response.connection
        if connection is None or connection.transport is None:
            raise aiohttp.ClientPayloadError

    def _late(self) -> UpstreamTimeout:
        # Asked of the bound and not of the clock: an event loop's timer may be early by a millisecond.
        if self._until >= self._deadline:
            return timed_out(Stage.TOTAL, self._total)
        return timed_out(Stage.IDLE, self._idle)
