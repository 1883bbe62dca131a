"""Through a real SOCKS proxy, with both transports; what the proxy is asked for, and what its failures mean."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from yarl import URL

from clinx.domain.catalog import TransportKind
from clinx.domain.proxy import socks_proxy
from clinx.errors import UpstreamBroken, UpstreamError, UpstreamMisconfigured, UpstreamTimeout
from clinx.upstream.dial import Dialer, address_of
from clinx.upstream.egress import Egress, Resolved
from clinx.upstream.names import Names, is_numeric
from clinx.upstream.pool import Pool
from clinx.upstream.request import way_of
from clinx.upstream.send import Sender
from support.channels import channel
from support.fake_upstream import FakeUpstream, hang, sse
from support.outbound import later, request_to
from support.socks_server import Ask, SocksServer

Call = Callable[..., Awaitable[bytes]]


class Known(Names):
    """Says the same of every name, and knows addresses as any other."""

    def __init__(self, *addresses: str) -> None:
        super().__init__()
        self.addresses = addresses

    async def resolve(self, host: str, port: int) -> Sequence[Resolved]:
        if is_numeric(host):
            return await super().resolve(host, port)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in self.addresses]


@pytest.fixture
async def proxy() -> AsyncIterator[SocksServer]:
    async with SocksServer(names={"acme.test": "127.0.0.1", "localhost": "127.0.0.1"}) as server:
        yield server


@pytest.fixture
async def call(pool: Pool, kind: TransportKind) -> Call:
    """Ask for something through a proxy."""

    async def through(proxy: str, url: str, **timeouts: Any) -> bytes:
        target = channel(transport=kind, proxy=proxy)
        lease = await pool.lease([target], ())
        request = request_to(url, way=way_of(target), **timeouts)
        return await (await Sender(lease, time.monotonic).send(request, deadline=later())).read()

    return through


def _at(upstream: FakeUpstream, host: str) -> str:
    return upstream.url.replace("127.0.0.1", host)


def _port(upstream: FakeUpstream) -> int:
    port = URL(upstream.url).port
    assert port is not None
    return port


async def _dial(proxy: str, url: str, names: Names, authority: ssl.SSLContext) -> None:
    made = await Dialer(Egress(), authority, names, socks_proxy(proxy)).connect(address_of(URL(url)), _Plain)
    made.transport.close()


class _Plain(asyncio.Protocol):
    def __init__(self, connected: socket.socket) -> None:
        del connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport


@pytest.mark.parametrize(("scheme", "version"), [("socks5h", 5), ("socks4a", 4)])
async def test_the_proxy_is_told_a_name_and_resolves_it(
    upstream: FakeUpstream, proxy: SocksServer, call: Call, scheme: str, version: int
) -> None:
    upstream.answers(json={"ok": True})

    assert await call(proxy.url(scheme), _at(upstream, "acme.test")) == b'{"ok": true}'

    assert proxy.asks == [Ask(version, "acme.test", _port(upstream))]
    assert upstream.requests[0].path == "/v1/chat/completions"
    assert upstream.requests[0].headers["host"] == f"acme.test:{_port(upstream)}"


async def test_a_name_may_be_resolved_here(upstream: FakeUpstream, proxy: SocksServer, call: Call) -> None:
    upstream.answers(json={})

    await call(proxy.url("socks5"), _at(upstream, "localhost"))

    assert proxy.asks[-1] == Ask(5, "127.0.0.1", _port(upstream))
    assert {ask.host for ask in proxy.asks} <= {"127.0.0.1", "::1"}


async def test_who_we_are_is_told(upstream: FakeUpstream, call: Call) -> None:
    upstream.answers(json={})
    async with SocksServer(user="me", password="p@ss") as proxy:
        await call(proxy.url("socks5", "me:p%40ss@"), upstream.url)

    assert proxy.asks == [Ask(5, "127.0.0.1", _port(upstream), "me", "p@ss")]


async def test_who_we_are_to_version_four_is_told(upstream: FakeUpstream, proxy: SocksServer, call: Call) -> None:
    upstream.answers(json={})

    await call(proxy.url("socks4a", "me@"), upstream.url)

    assert proxy.asks == [Ask(4, "127.0.0.1", _port(upstream), "me")]


async def test_tunnels_are_kept_and_streams_go_through(upstream: FakeUpstream, proxy: SocksServer, call: Call) -> None:
    upstream.streams([sse({"n": 1}, done=False), b"data: [DO", b"NE]\n\n"])

    for _ in range(3):
        assert await call(proxy.url("socks5h"), upstream.url) == b'data: {"n":1}\n\ndata: [DONE]\n\n'

    assert [request.connection for request in upstream.requests] == [1, 1, 1]
    assert proxy.connections == 1


async def test_tls_is_spoken_with_the_host_and_not_with_the_proxy(
    certificate: Callable[[str], ssl.SSLContext], proxy: SocksServer, call: Call
) -> None:
    asked: list[str | None] = []
    context = certificate("localhost")
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with FakeUpstream(tls=context) as upstream:
        upstream.answers(json={"ok": True})

        assert await call(proxy.url("socks5h"), _at(upstream, "localhost")) == b'{"ok": true}'

    assert asked == ["localhost"]


async def test_a_certificate_is_checked_inside_the_tunnel(
    certificate: Callable[[str], ssl.SSLContext], proxy: SocksServer, call: Call
) -> None:
    async with FakeUpstream(tls=certificate("elsewhere")) as upstream:
        with pytest.raises(UpstreamMisconfigured) as caught:
            await call(proxy.url("socks5h"), _at(upstream, "localhost"))

    assert str(caught.value.__cause__) == "connect: the certificate is not good"


@pytest.mark.parametrize(
    ("reply", "becomes", "cause"),
    [
        (1, UpstreamBroken, "connect: the proxy does not reach the host (reply 1)"),
        (2, UpstreamMisconfigured, "connect: the proxy refuses us, or speaks no SOCKS (reply 2)"),
        (4, UpstreamBroken, "connect: the proxy does not reach the host (reply 4)"),
        (5, UpstreamBroken, "connect: the proxy does not reach the host (reply 5)"),
        (7, UpstreamMisconfigured, "connect: the proxy refuses us, or speaks no SOCKS (reply 7)"),
        (99, UpstreamMisconfigured, "connect: the proxy refuses us, or speaks no SOCKS"),
    ],
)
async def test_what_a_refusal_means(
    proxy: SocksServer, call: Call, reply: int, becomes: type[UpstreamError], cause: str
) -> None:
    proxy.replies = {"acme.test": reply}

    with pytest.raises(becomes) as caught:
        await call(proxy.url("socks5h"), "http://acme.test")

    assert str(caught.value.__cause__) == cause
    await proxy.until_open(0)


async def test_version_four_has_one_refusal(proxy: SocksServer, call: Call) -> None:
    proxy.replies = {"acme.test": 0x5B}

    with pytest.raises(UpstreamBroken) as caught:
        await call(proxy.url("socks4a"), "http://acme.test")

    assert str(caught.value.__cause__) == "connect: the proxy does not reach the host (reply 91)"


@pytest.mark.parametrize("who", ["", "me:wrong@"])
async def test_a_proxy_that_does_not_know_us_is_the_operators_business(call: Call, who: str) -> None:
    async with SocksServer(user="me", password="s3cret") as proxy:
        with pytest.raises(UpstreamMisconfigured) as caught:
            await call(proxy.url("socks5h", who), "http://acme.test")
        await proxy.until_open(0)

    assert str(caught.value.__cause__) == "connect: the proxy refuses us, or speaks no SOCKS"
    assert proxy.asks == []


@pytest.mark.parametrize(
    ("says", "becomes", "cause"),
    [
        (b"", UpstreamBroken, "connect: the proxy hung up"),
        (b"\x05", UpstreamBroken, "connect: the proxy hung up"),
        (b"\x05\x00", UpstreamBroken, "connect: the proxy hung up"),
        (b"\x05\x00\x05\x00\x00\x03\xffabc", UpstreamBroken, "connect: the proxy hung up"),
        (b"HTTP/1.1 400 s3cret\r\n\r\n", UpstreamMisconfigured, "connect: the proxy refuses us, or speaks no SOCKS"),
        (b"\x05\x09", UpstreamMisconfigured, "connect: the proxy refuses us, or speaks no SOCKS"),
        (b"\x05\x02", UpstreamMisconfigured, "connect: the proxy refuses us, or speaks no SOCKS"),
        (b"\x05\x00\x05\x00\x07", UpstreamMisconfigured, "connect: the proxy refuses us, or speaks no SOCKS"),
        (
            b"\x05\x00\x05\x00\x00\x03\x02\xff\xfe\x00\x00",
            UpstreamMisconfigured,
            "connect: the proxy cannot be told the host, or its answer makes no sense",
        ),
    ],
)
async def test_a_proxy_may_say_anything(call: Call, says: bytes, becomes: type[UpstreamError], cause: str) -> None:
    async with SocksServer(says=says) as proxy:
        with pytest.raises(becomes) as caught:
            await call(proxy.url("socks5h"), "http://acme.test")

    # A proxy that closes while we still write may be seen as a reset.
    assert str(caught.value.__cause__) in {cause, "connect: Connection reset by peer"}


async def test_a_proxy_that_stalls_is_left_when_the_time_to_connect_is_over(call: Call) -> None:
    async with SocksServer(stalls=True) as proxy:
        with pytest.raises(UpstreamTimeout) as caught:
            await call(proxy.url("socks5h"), "http://acme.test", connect=0.05)
        await proxy.until_open(0)

    assert str(caught.value.__cause__) == "connect: nothing for 0.05 s"


async def test_a_host_that_stalls_in_tls_is_left_when_the_time_to_connect_is_over(
    proxy: SocksServer, call: Call
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(UpstreamTimeout) as caught:
            await call(proxy.url("socks5h"), f"https://acme.test:{port}", connect=0.05)
        await proxy.until_open(0)

    assert str(caught.value.__cause__) == "connect: nothing for 0.05 s"


async def test_a_proxy_that_is_not_there_is_a_broken_upstream(call: Call) -> None:
    with pytest.raises(UpstreamBroken) as caught:
        await call("socks5h://127.0.0.1:1", "http://acme.test")

    assert str(caught.value.__cause__) == "connect: Connection refused"


async def test_a_proxy_at_a_refused_address_is_refused(call: Call) -> None:
    with pytest.raises(UpstreamMisconfigured) as caught:
        await call("socks5h://169.254.169.254", "http://acme.test")

    assert str(caught.value.__cause__) == "egress: 169.254.169.254 may not be reached"


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_an_address_of_version_six_is_told_as_one(proxy: SocksServer, call: Call, scheme: str) -> None:
    proxy.replies = {"::1": 5}

    with pytest.raises(UpstreamBroken):
        await call(proxy.url(scheme), "http://[::1]:8080")

    assert proxy.asks == [Ask(5, "::1", 8080)]


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4a"])
async def test_an_address_is_checked_whoever_would_connect_to_it(proxy: SocksServer, call: Call, scheme: str) -> None:
    for url, cause in (
        ("http://169.254.169.254", "egress: 169.254.169.254 may not be reached"),
        ("http://127.1", "connect: the address is not in its usual spelling"),
    ):
        with pytest.raises(UpstreamMisconfigured) as caught:
            await call(proxy.url(scheme), url)
        assert str(caught.value.__cause__) == cause

    assert proxy.connections == 0


async def test_a_name_too_long_for_the_proxy_is_the_operators_business(proxy: SocksServer, call: Call) -> None:
    with pytest.raises(UpstreamMisconfigured):
        await call(proxy.url("socks5h"), f"http://{'a' * 64}.test")

    assert proxy.asks == []


async def test_a_request_that_breaks_in_the_tunnel_breaks_as_without(
    upstream: FakeUpstream, proxy: SocksServer, call: Call
) -> None:
    upstream.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", hang())

    with pytest.raises(UpstreamTimeout) as caught:
        await call(proxy.url("socks5h"), upstream.url, idle=0.05)

    assert str(caught.value.__cause__) == "idle: nothing for 0.05 s"
    await proxy.until_open(0)


@pytest.mark.parametrize("reply", [1, 3, 4, 5, 6, 8])
async def test_the_next_address_is_asked_for_when_one_is_not_reached(
    upstream: FakeUpstream, proxy: SocksServer, authority: ssl.SSLContext, reply: int
) -> None:
    proxy.replies = {"127.77.0.1": reply}
    names = Known("169.254.169.254", "127.77.0.1", "127.0.0.1")

    await _dial(proxy.url("socks5"), _at(upstream, "acme.test"), names, authority)

    assert [ask.host for ask in proxy.asks] == ["127.77.0.1", "127.0.0.1"]


async def test_no_further_address_is_asked_for_when_the_proxy_refuses_us(
    proxy: SocksServer, authority: ssl.SSLContext
) -> None:
    proxy.replies = {"127.77.0.1": 2}

    with pytest.raises(UpstreamMisconfigured):
        await _dial(proxy.url("socks5"), "http://acme.test", Known("127.77.0.1", "127.0.0.1"), authority)

    assert [ask.host for ask in proxy.asks] == ["127.77.0.1"]


async def test_a_tunnel_may_be_left_at_any_moment_and_leaves_others_alone(
    certificate: Callable[[str], ssl.SSLContext], proxy: SocksServer, authority: ssl.SSLContext
) -> None:
    url = proxy.url("socks5h")
    async with FakeUpstream(tls=certificate("localhost")) as upstream:
        target = _at(upstream, "localhost")
        for turns in range(40):
            leaving = [asyncio.gather(_dial(url, target, Names(), authority)) for _ in range(4)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for each in leaving:
                each.cancel()
            staying = asyncio.gather(*(_dial(url, target, Names(), authority) for _ in range(4)))
            outcomes = await asyncio.gather(*leaving, return_exceptions=True)

            assert {type(outcome) for outcome in outcomes} <= {asyncio.CancelledError, list}
            assert await staying == [None] * 4
        await upstream.until(lambda: upstream.open == 0)
    await proxy.until_open(0)
