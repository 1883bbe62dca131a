import asyncio
import gzip
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from clinx.upstream.egress import EgressRefused, Network
from clinx.upstream.fetch import LONGEST, Fetcher, PublicEgress

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


class Site:
    """Answers by path; what arrived is kept."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.hanging = asyncio.Event()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.read())
        match request.path:
            case "/redirect":
                raise web.HTTPFound("/plain")
            case "/large":
                return web.Response(body=b"a" * (LONGEST + 1))
            case "/just":
                return web.Response(body=b"a" * LONGEST)
            case "/bomb":
                packed = gzip.compress(b"a" * (LONGEST + 1))
                return web.Response(body=packed, headers={"Content-Encoding": "gzip"})
            case "/hang":
                await self.hanging.wait()
            case "/refused":
                return web.Response(status=400, body=b'{"error":"x"}', headers={"Set-Cookie": "a=b"})
            case _:
                pass
        return web.Response(body=b"hello")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    served = Site()
    app = web.Application()
    app.router.add_route("*", "/{path}", served.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield served
    served.hanging.set()
    await runner.cleanup()


@pytest.fixture
def fetch() -> Fetcher:
    return Fetcher(lambda: LOOPBACK)


async def test_a_question_is_asked_as_it_is_and_nothing_is_added(site: Site, fetch: Fetcher):
    headers = {"Accept": "application/json", "Content-Type": "text/plain"}

    assert await fetch("POST", f"{site.url}/plain", headers, b"body") == (200, b"hello")
    (request,) = site.seen
    assert {name.lower() for name in request.headers} == {
        "host",
        "accept",
        "content-type",
        "content-length",
        "user-agent",
        "accept-encoding",
        "connection",
    }
    assert site.bodies == [b"body"]


async def test_whatever_the_status_it_is_an_answer_and_no_cookie_is_kept(site: Site, fetch: Fetcher):
    assert await fetch("GET", f"{site.url}/refused", {}) == (400, b'{"error":"x"}')
    await fetch("GET", f"{site.url}/plain", {})

    assert "Cookie" not in site.seen[1].headers


async def test_a_redirect_is_not_followed(site: Site, fetch: Fetcher):
    status, _ = await fetch("GET", f"{site.url}/redirect", {})

    assert status == 302
    assert [request.path for request in site.seen] == ["/redirect"]


async def test_the_largest_answer_is_taken_and_one_byte_more_is_not(site: Site, fetch: Fetcher):
    assert len((await fetch("GET", f"{site.url}/just", {}))[1]) == LONGEST
    for path in ("large", "bomb"):
        with pytest.raises(ConnectionError, match="too large"):
            await fetch("GET", f"{site.url}/{path}", {})


async def test_an_answer_that_does_not_come_is_not_waited_for(site: Site):
    with pytest.raises(TimeoutError):
        await Fetcher(lambda: LOOPBACK, seconds=0.05)("GET", f"{site.url}/hang", {})


async def test_what_is_private_is_not_reached_unless_it_is_allowed(site: Site):
    with pytest.raises(EgressRefused):
        await Fetcher(lambda: ())("GET", f"{site.url}/plain", {})
    with pytest.raises(EgressRefused):
        await Fetcher(lambda: ())("GET", site.url.replace("127.0.0.1", "localhost") + "/plain", {})

    assert site.seen == []


async def test_the_exceptions_are_those_of_now(site: Site):
    allowed: list[Network] = []
    fetch = Fetcher(lambda: allowed)
    with pytest.raises(EgressRefused):
        await fetch("GET", f"{site.url}/plain", {})

    allowed.extend(LOOPBACK)
    assert (await fetch("GET", f"{site.url}/plain", {}))[0] == 200


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "ftp://127.0.0.1/x", "http://127.0.0.1:99999/"])
async def test_what_is_no_address_gives_no_answer(fetch: Fetcher, url: str):
    with pytest.raises(OSError, match="no answer"):
        await fetch("GET", url, {})


async def test_a_failure_repeats_nothing_of_what_was_asked(fetch: Fetcher, unused_port: Callable[[], int]):
    with pytest.raises(ConnectionError) as caught:
        await fetch("GET", f"http://127.0.0.1:{unused_port()}/?code=s3cret", {})

    assert str(caught.value) == "no answer: ClientConnectorError"


@pytest.fixture
def unused_port() -> Callable[[], int]:
    def port() -> int:
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            return bound.getsockname()[1]

    return port


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "192.168.1.1", "172.16.0.1", "127.0.0.1", "::1", "fd00::1", "fe80::1", "169.254.169.254",
     "100.64.0.1", "0.0.0.0", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::a00:1", "2002:a00:1::1",
     "224.0.0.1", "168.63.129.16"],
)  # fmt: skip
def test_only_public_addresses_pass(address: str):
    with pytest.raises(EgressRefused):
        PublicEgress().check(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_public_ones_do(address: str):
    PublicEgress().check(address)


def test_an_exception_opens_a_network_and_no_other():
    egress = PublicEgress([ipaddress.ip_network("10.1.0.0/16")])

    egress.check("10.1.2.3")
    egress.check("::ffff:10.1.2.3")
    with pytest.raises(EgressRefused):
        egress.check("10.2.0.1")
