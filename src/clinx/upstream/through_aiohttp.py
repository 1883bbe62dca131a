"""The transport through a general client library: what goes through an HTTP proxy, and channels that ask for it."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler

from clinx.domain.proxy import SocksProxy
from clinx.upstream.acknowledged import acknowledged, socket_of
from clinx.upstream.dial import Dialer, address_of
from clinx.upstream.egress import Egress, Resolved
from clinx.upstream.head import LONGEST_LINE, MOST_HEADERS
from clinx.upstream.names import REMEMBERED, Names
from clinx.upstream.request import UpstreamRequest
from clinx.upstream.slack import encryption_of, give_back
from clinx.upstream.stack import KEEPALIVE, PER_HOST
from clinx.upstream.stages import Stage, before_the_body, broken, in_the_body
from clinx.upstream.transport import ConnectionEnded, ConnectTimeout

_WHOLE: Final = 1 << 20
"""Most bytes of a body that the library is willing to write at once."""

LOOK: Final = 5.0
"""Seconds of silence after which the connection itself is looked at."""

_BREAKS = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientConnectionResetError)


@dataclass(slots=True)
class _Way:
    """How the requests of one task get their connections."""

    fresh: bool = False
    """A socket was made for them; if none was, they went out on a connection that had been used before."""
    seen: socket.socket | None = None
    """The socket they went out on, kept beyond the library's own use of it so that it can still be asked."""
    acknowledged: int | None = None
    """As it was before the request."""
    transport: asyncio.Transport | None = None
    """What they went out on."""
    encryption: ssl.SSLObject | None = None
    """What encrypts it; a transport that has been closed is not asked."""

    def watch(self, transport: asyncio.Transport) -> None:
        """Remember the connection."""
        self.close()
        self.transport = transport
        self.encryption = encryption_of(transport)
        told = socket_of(transport)
        if not self.fresh and told is not None:
            self.seen = socket.socket(fileno=os.dup(told.fileno()))
            self.acknowledged = acknowledged(self.seen)

    @property
    def unseen(self) -> bool:
        """Whether nothing of the request is known to have been seen."""
        return self.acknowledged is not None and self.acknowledged == acknowledged(self.seen)

    def close(self) -> None:
        """Let the socket go."""
        if self.seen is not None:
            self.seen.close()


_WAY: Final[ContextVar[_Way | None]] = ContextVar("clinx.upstream.way", default=None)
# The library's own tracing would tell as well, for a seventh of a request's whole cost.


class ThroughAiohttp:
    """The connections of one egress rule and outbound proxy; see `clinx.upstream.transport.Transport`."""

    def __init__(self, egress: Egress, tls: ssl.SSLContext, proxy: SocksProxy | None = None) -> None:
        """Open a session that adds nothing of its own: no cookies, no environment, no deadlines, no headers."""
        self._names_proxy = proxy is None
        connector = _Connector(
            limit=0,
            limit_per_host=PER_HOST,
            keepalive_timeout=KEEPALIVE,
            ttl_dns_cache=int(REMEMBERED),
            socket_factory=partial(_socket, egress),
            ssl=tls,
        )
        if proxy is not None:
            connector.dialer = Dialer(egress, tls, Names(), proxy)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=aiohttp.ClientTimeout(),
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
            max_headers=MOST_HEADERS,
        )

    @property
    def closed(self) -> bool:
        """See `Transport`."""
        return self._session.closed

    async def exchange(self, request: UpstreamRequest, *, within: float) -> ArrivedThroughAiohttp:
        """See `Transport`."""
        way = _Way()
        _WAY.set(way)
        try:
            async with asyncio.timeout(within):
                response = await self._session.request(
                    request.method,
                    request.url,
                    headers=request.headers,
                    data=request.body if len(request.body) <= _WHOLE else io.BytesIO(request.body),
                    allow_redirects=False,
                    proxy=request.way.proxy if self._names_proxy else None,
                    timeout=aiohttp.ClientTimeout(connect=request.timeouts.connect),
                )
        except aiohttp.ConnectionTimeoutError:
            raise ConnectTimeout from None
        except aiohttp.ClientError as error:
            failure = before_the_body(error)
            has_ended = isinstance(error, _BREAKS) and not isinstance(error, aiohttp.ClientConnectorError)
            if not has_ended:
                raise failure from failure.__cause__
            raise ConnectionEnded(failure, reused=not way.fresh, unseen=way.unseen) from None
        except BaseException:
            # Late or cancelled.
            _abort(way.transport)
            raise
        finally:
            way.close()
        if (unclear := _unclear(response)) is not None:
            _abort(way.transport)
            response.close()
            failure = broken(Stage.FIRST_BYTE, unclear)
            raise failure from failure.__cause__
        give_back(way.encryption)
        return ArrivedThroughAiohttp(response)

    async def close(self) -> None:
        """See `Transport`."""
        await self._session.close()


class ArrivedThroughAiohttp:
    """An answer whose head is there; see `clinx.upstream.transport.Arriving`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        """Take over an answer; nothing of its body has been read."""
        self._response = response
        self._waited_for = b""

    @property
    def status(self) -> int:
        """See `Arriving`."""
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """See `Arriving`."""
        return self._response.headers

    def take(self) -> bytes | None:
        """See `Arriving`."""
        piece, self._waited_for = self._waited_for, b""
        if piece:
            return piece
        content = self._response.content
        try:
            piece = content.read_nowait()
        except aiohttp.ClientError as error:
            failure = in_the_body(error)
        else:
            return piece if piece or content.at_eof() else None
        self.close()
        raise failure

    async def wait(self, within: float) -> None:
        """See `Arriving`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + within
        try:
            while not await self._look(until - loop.time()):
                pass
        except aiohttp.ClientError as error:
            failure = in_the_body(error)
        except BaseException:
            # Late or cancelled.
            self.close()
            raise
        else:
            return
        self.close()
        raise failure

    def close(self) -> None:
        """See `Arriving`."""
        connection = self._response.connection
        if connection is not None:
            _abort(connection.transport)
        self._response.close()

    async def _look(self, left: float) -> bool:
        """Wait for a while; whether something came.

        Notices a connection that is gone: a body that breaks its framing ends it without waking the reader.
        """
        try:
            async with asyncio.timeout(min(left, LOOK)):
                self._waited_for = await self._response.content.readany()
        except TimeoutError:
            if left <= LOOK:
                raise
            connection = self._response.connection
            if connection is None or connection.transport is None:
                raise aiohttp.ClientPayloadError from None
            return False
        return True


class _Connector(aiohttp.TCPConnector):
    """Shows which connection a request goes out on, and makes it with a dialer where the library has no way."""

    dialer: Dialer | None = None
    """Connects in the library's place."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  (the library's own name)
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        way = _WAY.get()
        if way is not None and connection.transport is not None:
            way.watch(connection.transport)
        return connection

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  (the library's own name)
    ) -> ResponseHandler:
        if self.dialer is None:
            return await super()._create_connection(req, traces, timeout)
        if (way := _WAY.get()) is not None:
            way.fresh = True
        return await self.dialer.connect(address_of(req.url), lambda _: self._factory())


def _unclear(response: aiohttp.ClientResponse) -> str | None:
    """Say what the library lets pass that leaves open where the answer ends; see `clinx.upstream.head`."""
    codings = response.headers.getall("Transfer-Encoding", ())
    is_plain = [coding.lower() for coding in codings] == ["chunked"] and response.version == aiohttp.HttpVersion11
    if codings and not is_plain:
        return "transfer coding other than chunked"
    if response.version is None or response.version > aiohttp.HttpVersion11:
        return "not HTTP/1"
    return "switches protocols" if response.status == HTTPStatus.SWITCHING_PROTOCOLS else None


def _abort(transport: asyncio.Transport | None) -> None:
    """Close at once; over TLS the library would first wait until the other side has said good-bye."""
    if transport is not None:
        transport.abort()


def _socket(egress: Egress, resolved: Resolved) -> socket.socket:
    if (way := _WAY.get()) is not None:
        way.fresh = True
    return egress.open(resolved)
