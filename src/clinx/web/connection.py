"""One caller's connection: aiohttp's protocol with our limits, and our words where aiohttp has its own.

What does not parse as HTTP never reaches a handler; aiohttp answers it by itself, quoting what it could not read and
logging it with a traceback. What it could not read may hold a key, so neither happens here.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError

from clinx.dialects.registry import dialect_for_path
from clinx.errors import GatewayError, InternalError, InvalidRequest, UnsupportedEncoding

log = logging.getLogger("clinx.web")

HEAD_SECONDS = 15.0
"""From connecting to the end of the first request's head."""
KEEPALIVE_SECONDS = 75.0
"""A connection may idle between requests, and so long may the next head take."""


class Connection(web.RequestHandler):
    """Closes what never asks, and answers what cannot be read in the gateway's own shape."""

    __slots__ = ("_head_timer", "served")

    def __init__(self, manager: LimitedServer, **kwargs: Any) -> None:
        """Begin without a request."""
        super().__init__(manager, **kwargs)
        self.served = False
        """A request has reached the handler."""
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Refuse a connection too many; else give it some time to ask."""
        super().connection_made(transport)
        server = self._manager
        if isinstance(server, LimitedServer) and len(server.connections) > server.most:
            self._drop()
            return
        self._head_timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._drop_idle)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let go of the timer."""
        if self._head_timer is not None:
            self._head_timer.cancel()
        super().connection_lost(exc)

    def _drop_idle(self) -> None:
        if not self.served:
            self._drop()

    def _drop(self) -> None:
        self.force_close()
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what went wrong before or behind our handler; close the connection."""
        del message
        if exc is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # It came out of our own handler, in the middle of an answer: nothing but its traceback would find it.
            log.error("exchange.defect", exc_info=exc)
        else:
            log.warning("http.refused", extra={"status": status, "kind": type(exc).__name__ if exc else None})
        if request.writer.output_size > 0:
            raise ConnectionError("a part of another answer was sent already")
        error = _failure(status, exc)
        shown = dialect_for_path("/").render_error(error, "none")
        response = web.Response(status=shown.status, headers=dict(shown.headers), body=shown.body)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Name the kind of failure and nothing that came over the wire."""
        del args
        fault = kw.get("exc_info")
        log.warning("http.connection_failed", extra={"kind": type(fault).__name__ if fault else None})


def _failure(status: int, exc: BaseException | None) -> GatewayError:
    if isinstance(exc, ContentEncodingError):
        return UnsupportedEncoding(
            "This Content-Encoding is not supported.", hint="Send the body as it is, or gzip it."
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return InternalError("The gateway failed to handle this request.")
    return InvalidRequest("This is not a valid HTTP request.")


class LimitedServer(web.Server):
    """Makes our connections, at most so many at a time."""

    def __init__(self, handler: Any, *, most: int, **kwargs: Any) -> None:
        """Take the handler and the limit."""
        super().__init__(handler, **kwargs)
        self.most = most

    def __call__(self) -> Connection:
        """Make the protocol of one connection."""
        return Connection(self, loop=asyncio.get_running_loop(), access_log=None, keepalive_timeout=KEEPALIVE_SECONDS)
