from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence

import pytest
from yarl import URL

from clinx.errors import UpstreamBroken, UpstreamError, UpstreamMisconfigured
from clinx.upstream.dial import Address, Dialer, address_of
from clinx.upstream.egress import Egress, Resolved
from clinx.upstream.names import Names
from support.fake_upstream import FakeUpstream


class Plain(asyncio.Protocol):
    def __init__(self, connected: socket.socket) -> None:
        del connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport


class Known(Names):
    """Says the same of every name."""

    def __init__(self, *addresses: str | OSError) -> None:
        super().__init__()
        self.addresses = addresses

    async def resolve(self, host: str, port: int) -> Sequence[Resolved]:
        for address in self.addresses:
            if isinstance(address, OSError):
                raise address
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (str(each), port)) for each in self.addresses]


def _dialer(authority: ssl.SSLContext, *addresses: str | OSError) -> Dialer:
    return Dialer(Egress(), authority, Known(*addresses) if addresses else Names())


async def _dial(dialer: Dialer, url: str) -> None:
    made = await dialer.connect(address_of(URL(url)), Plain)
    made.transport.close()


def _port(upstream: FakeUpstream) -> int:
    port = URL(upstream.url).port
    assert port is not None
    return port


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://acme.test/v1", Address(secure=True, host="acme.test", port=443)),
        ("http://acme.test:8080", Address(secure=False, host="acme.test", port=8080)),
        ("http://[::1]", Address(secure=False, host="::1", port=80)),
    ],
)
def test_where_an_address_leads(url: str, address: Address) -> None:
    assert address_of(URL(url)) == address


async def test_the_next_address_is_tried_when_one_refuses(upstream: FakeUpstream, authority: ssl.SSLContext) -> None:
    await _dial(_dialer(authority, "127.77.0.1", "127.0.0.1"), f"http://acme.test:{_port(upstream)}")

    await upstream.until(lambda: upstream.connections == 1)


async def test_an_address_that_may_not_be_reached_is_passed_over(
    upstream: FakeUpstream, authority: ssl.SSLContext
) -> None:
    await _dial(_dialer(authority, "169.254.169.254", "127.0.0.1"), f"http://acme.test:{_port(upstream)}")

    await upstream.until(lambda: upstream.connections == 1)


@pytest.mark.parametrize(
    ("addresses", "kind", "cause"),
    [
        (["169.254.169.254"], UpstreamMisconfigured, "egress: 169.254.169.254 may not be reached"),
        (["169.254.1.1", "169.254.1.2"], UpstreamMisconfigured, "egress: 169.254.1.1 may not be reached"),
        (["127.0.0.1"], UpstreamBroken, "connect: Connection refused"),
        (["127.0.0.1", "127.0.0.2"], UpstreamBroken, "connect: Connection refused"),
        ([socket.gaierror(socket.EAI_NONAME, "s3cret")], UpstreamBroken, "connect: gaierror"),
        ([OSError("s3cret")], UpstreamBroken, "connect: OSError"),
    ],
)
async def test_the_operator_learns_what_failed(
    authority: ssl.SSLContext, addresses: list[str | OSError], kind: type[UpstreamError], cause: str
) -> None:
    with pytest.raises(kind) as caught:
        await _dial(_dialer(authority, *addresses), "http://acme.test:1")

    assert str(caught.value.__cause__) == cause


async def test_a_good_certificate_lets_us_in(
    certificate: Callable[[str], ssl.SSLContext], authority: ssl.SSLContext
) -> None:
    async with FakeUpstream(tls=certificate("localhost")) as upstream:
        await _dial(_dialer(authority), upstream.url)
        await _dial(_dialer(authority, "127.0.0.1"), f"https://localhost.:{_port(upstream)}")


@pytest.mark.parametrize("name", ["elsewhere", "localhost"], ids=["another name", "an unknown authority"])
async def test_a_wrong_certificate_is_the_operators_business(
    certificate: Callable[[str], ssl.SSLContext], authority: ssl.SSLContext, name: str
) -> None:
    trusts = authority if name == "elsewhere" else ssl.create_default_context()
    async with FakeUpstream(tls=certificate(name)) as upstream:
        with pytest.raises(UpstreamMisconfigured) as caught:
            await _dial(_dialer(trusts), upstream.url)

    assert str(caught.value.__cause__) == "connect: the certificate is not good"


async def test_no_tls_where_tls_was_expected_is_a_broken_upstream(
    upstream: FakeUpstream, authority: ssl.SSLContext
) -> None:
    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hello, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(UpstreamBroken) as caught:
            await _dial(_dialer(authority), f"https://127.0.0.1:{port}")

    assert str(caught.value.__cause__) == "connect: WRONG_VERSION_NUMBER"


async def test_a_dial_that_is_cancelled_leaves_no_socket_behind(authority: ssl.SSLContext) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        await reader.read()
        writer.close()
        gone.set()

    came, gone = asyncio.Event(), asyncio.Event()
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        dialling = asyncio.gather(_dial(_dialer(authority), f"https://127.0.0.1:{port}"))
        async with asyncio.timeout(10):
            await came.wait()
            dialling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dialling
            await gone.wait()


async def test_a_dial_may_be_left_at_any_moment_and_leaves_others_alone(
    certificate: Callable[[str], ssl.SSLContext], authority: ssl.SSLContext
) -> None:
    """A socket whose number is given away while an event loop still reads from it would hear another's answers."""
    dialer = _dialer(authority)
    async with FakeUpstream(tls=certificate("localhost")) as upstream:
        for turns in range(40):
            leaving = [asyncio.gather(_dial(dialer, upstream.url)) for _ in range(4)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for each in leaving:
                each.cancel()
            staying = asyncio.gather(*(_dial(dialer, upstream.url) for _ in range(4)))
            outcomes = await asyncio.gather(*leaving, return_exceptions=True)

            assert {type(outcome) for outcome in outcomes} <= {asyncio.CancelledError, list}
            assert await staying == [None] * 4
        await upstream.until(lambda: upstream.open == 0)
