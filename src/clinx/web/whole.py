"""A whole answer, written with its head in one piece.

aiohttp's own response prepares, checks and writes a head in a dozen calls, for bodies of every kind. What the relay
answers whole is of one kind: its bytes are there, few, and nothing is negotiated about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_OWN_LINES = 4
"""The status line, ``Content-Length``, ``Date`` and the empty one."""
_date = (-1, "")


def is_plain(request: web.BaseRequest) -> bool:
    """Whether a request can be answered this way: anything but the HTTP/1.1 of these days goes aiohttp's way."""
    return request.version == HttpVersion11 and request.method != "HEAD"


class WholeResponse(web.StreamResponse):
    """Made by whoever knows the body; written by aiohttp's server when it is returned, like any other."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Take what there is to say; the body fits into the socket's own buffers."""
        super().__init__(status=status)
        self._said = headers
        self._content = body
        self._keeps = False

    @property
    def keep_alive(self) -> bool:
        """Whether the connection carries another request."""
        return self._keeps

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write everything.

        Raises:
            ConnectionResetError: nobody is there any more.
            ValueError: a header cannot be written; a defect of ours, and the text shows no value.
        """
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the caller is gone")
        self._keeps = request.keep_alive
        transport.write(self._head() + self._content)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write."""

    def _head(self) -> bytes:
        lines = "".join([f"{name}: {value}\r\n" for name, value in self._said.items()])
        number = len(self._said) + _OWN_LINES
        if not self._keeps:
            lines, number = f"{lines}Connection: close\r\n", number + 1
        status = self.status
        head = (
            f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\n{lines}Content-Length: {len(self._content)}\r\n"
            f"Date: {_now()}\r\n\r\n"
        )
        # A line break within a value would be one more line, as good as the others.
        if head.count("\n") != number or head.count("\r") != number or "\0" in head:
            raise ValueError("a header of an answer cannot be written")
        return head.encode("utf-8", "surrogateescape")


def _now() -> str:
    """Return the time of day as HTTP writes it, made when the second has changed."""
    global _date  # noqa: PLW0603  (a cache of one value)
    now = datetime.now(UTC)
    second = int(now.timestamp())
    if _date[0] != second:
        _date = (second, format_datetime(now, usegmt=True))
    return _date[1]
