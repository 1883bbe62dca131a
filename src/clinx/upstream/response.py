"""An upstream's answer, read under deadlines."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Final

from clinx.errors import UpstreamTimeout
from clinx.upstream.stages import Stage, broken, timed_out
from clinx.upstream.transport import Arriving

READ_LIMIT: Final = 64 << 20
"""Most bytes of a whole body, decoded."""

_IDS: Final = ("x-request-id", "request-id", "apim-request-id")
_LONGEST_ID: Final = 200


class UpstreamResponse:
    """Status and headers are there; the body is read once, whole or in chunks, and then closed."""

    __slots__ = ("_arriving", "_clock", "_deadline", "_idle", "_pieces", "_total", "headers", "status")

    def __init__(self, arriving: Arriving, *, idle: float, deadline: float, clock: Callable[[], float]) -> None:
        """Take over an answer whose head has arrived.

        Args:
            arriving: it; nothing of its body has been taken.
            idle: most seconds between two pieces of the body.
            deadline: monotonic instant at which the whole exchange is over.
            clock: monotonic seconds.
        """
        self.status: int = arriving.status
        """The HTTP status."""
        self.headers: Mapping[str, str] = arriving.headers
        """Case-insensitive."""
        self._arriving = arriving
        self._pieces: list[bytes] = []
        """What `arrived` took of a body that was not complete."""
        self._idle = idle
        self._total = deadline - clock()
        self._deadline = deadline
        self._clock = clock

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; empty when the upstream named none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def upstream_id(self) -> str | None:
        """The upstream's own request id, for its support."""
        headers = self.headers
        for name in _IDS:
            if value := headers.get(name):
                return value[:_LONGEST_ID].encode("utf-8", "replace").decode()  # A head may hold any bytes.
        return None

    def arrived(self, limit: int = READ_LIMIT) -> bytes | None:
        """Return the whole body, decoded, if all of it is here already; else None, and then `read` returns it.

        Raises:
            UpstreamBroken: longer than ``limit`` bytes, cut short, or not decodable.
        """
        pieces, size = self._pieces, 0
        while piece := self._arriving.take():
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                self._arriving.close()
                raise broken(Stage.BODY, f"longer than {limit} bytes")
        if piece is None:
            return None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def read(self, limit: int = READ_LIMIT) -> bytes:
        """Return the whole body, decoded.

        Raises:
            UpstreamBroken: longer than ``limit`` bytes, cut short, or not decodable.
            UpstreamTimeout: a deadline passed.
        """
        pieces = self._pieces
        size = sum(map(len, pieces))
        while piece := await self._next():
            size += len(piece)
            if size > limit:
                await self.close()
                raise broken(Stage.BODY, f"longer than {limit} bytes")
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
        self._arriving.close()

    async def _next(self) -> bytes:
        """Return what has arrived, waiting if nothing has; empty at the end."""
        piece = self._arriving.take()
        if piece is not None:
            return piece
        until = min(self._clock() + self._idle, self._deadline)
        try:
            while piece is None:
                await self._arriving.wait(until - self._clock())
                piece = self._arriving.take()
        except TimeoutError:
            failure = self._late(until)
        else:
            return piece
        self._arriving.close()
        raise failure

    def _late(self, until: float) -> UpstreamTimeout:
        # Asked of the bound and not of the clock: an event loop's timer may be early by a millisecond.
        if until >= self._deadline:
            return timed_out(Stage.TOTAL, self._total)
        return timed_out(Stage.IDLE, self._idle)
