from __future__ import annotations

import ctypes
import ssl
from collections.abc import Callable
from typing import Any, cast

import pytest

from clinx.domain.catalog import TransportKind
from clinx.upstream.http1 import Arrived
from clinx.upstream.pool import Lease
from clinx.upstream.request import Way
from clinx.upstream.slack import encryption_of, give_back
from clinx.upstream.through_aiohttp import ArrivedThroughAiohttp
from support.fake_upstream import FakeUpstream, hang
from support.outbound import request_to

RECORD = 16 << 10
"""What OpenSSL keeps room for."""


class _Counts(ctypes.Structure):
    """``struct mallinfo2``."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in (*"1234567", "allocated", "free", "top"))
    allocated: int


@pytest.fixture
def allocated() -> Callable[[], int]:
    """Bytes, as glibc counts them."""
    ask: Any = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if ask is None:
        pytest.skip("nobody counts what is allocated")
    ask.restype = _Counts

    def count() -> int:
        return cast("_Counts", ask()).allocated

    count()  # Asking for the first time allocates.
    return count


class Ends:
    """A client and a server that have shaken hands in memory; the server's tickets wait to be read."""

    def __init__(self, client: ssl.SSLContext, server: ssl.SSLContext) -> None:
        self.to_client, self.to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(self.to_client, self.to_server, server_hostname="localhost")
        self.server = server.wrap_bio(self.to_server, self.to_client, server_side=True)
        for end in (self.client, self.server) * 2:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


@pytest.fixture
def ends(authority: ssl.SSLContext, certificate: Callable[[str], ssl.SSLContext]) -> Ends:
    ends = Ends(authority, certificate("localhost"))
    assert ends.client.version() == "TLSv1.3"
    ends.client.write(b"question")
    assert ends.server.read(8) == b"question"
    ends.server.write(b"answer")
    assert ends.client.read(6) == b"answer"
    return ends


def test_the_room_for_a_record_is_freed(ends: Ends, allocated: Callable[[], int]) -> None:
    before = allocated()

    give_back(ends.client)

    assert RECORD <= before - allocated() < 2 * RECORD


def test_nothing_is_sent_and_the_connection_goes_on(ends: Ends) -> None:
    give_back(ends.client)

    assert ends.to_server.pending == 0
    ends.client.write(b"more")
    assert ends.server.read(8) == b"more"


def test_a_connection_that_has_said_good_bye_is_left_alone(ends: Ends) -> None:
    with pytest.raises(ssl.SSLWantReadError):
        ends.client.unwrap()
    with pytest.raises(ssl.SSLError):
        ends.client.write(b"more")

    give_back(ends.client)


def test_a_connection_in_the_clear_has_nothing_to_give() -> None:
    give_back(None)


async def test_a_stream_that_waits_has_given_back_what_it_could(
    certificate: Callable[[str], ssl.SSLContext], lease: Lease, kind: TransportKind, allocated: Callable[[], int]
) -> None:
    async with FakeUpstream(tls=certificate("localhost")) as upstream:
        upstream.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", hang())
        arrived: Any = await lease.transport(Way(kind, None)).exchange(request_to(upstream.url), within=10.0)
        transport = _transport_of(arrived)
        before = allocated()

        give_back(encryption_of(transport))

        assert before - allocated() < RECORD // 2
        arrived.close()


def _transport_of(arrived: Arrived | ArrivedThroughAiohttp) -> Any:
    if isinstance(arrived, Arrived):
        return arrived._connection._transport
    connection = arrived._response.connection
    assert connection is not None
    return connection.transport
