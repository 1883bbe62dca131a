from __future__ import annotations

import ipaddress

import pytest

from clinx.domain.catalog import TransportKind
from clinx.errors import UpstreamMisconfigured
from clinx.upstream.kept import Kept
from clinx.upstream.pool import Lease, Pool
from clinx.upstream.request import DIRECT, Way
from clinx.upstream.send import Sender, Transports
from clinx.upstream.through_aiohttp import ThroughAiohttp
from support.channels import channel
from support.fake_upstream import FakeUpstream
from support.outbound import by, request_to, stage_of

ALLOWED = (ipaddress.ip_network("169.254.10.0/24"),)


@pytest.fixture
def way(kind: TransportKind) -> Way:
    """The direct way of the client under test."""
    return Way(kind, None)


async def _call(sessions: Transports, url: str, way: Way) -> None:
    response = await Sender(sessions, lambda: 0.0).send(request_to(url, way=way), deadline=30.0)
    await response.read()


async def test_connections_stay_warm_when_a_generation_takes_over(upstream: FakeUpstream, pool: Pool, way: Way) -> None:
    upstream.answers(json={})
    old = await pool.lease([channel("a", transport=way.kind)], ())
    await _call(old, upstream.url, way)

    new = await pool.lease([channel("a", transport=way.kind), channel("b")], ())
    await old.release()
    await _call(new, upstream.url, way)

    assert [request.connection for request in upstream.requests] == [1, 1]


async def test_what_nobody_leases_any_longer_is_closed(upstream: FakeUpstream, lease: Lease, way: Way) -> None:
    upstream.answers(json={})
    await _call(lease, upstream.url, way)

    await lease.release()

    assert lease.transport(way).closed
    await upstream.until(lambda: upstream.open == 0)


async def test_releasing_twice_takes_nothing_from_others(pool: Pool) -> None:
    one, other = await pool.lease([channel()], ()), await pool.lease([channel()], ())

    await one.release()
    await one.release()

    assert not other.transport(DIRECT).closed


async def test_another_egress_rule_has_its_own_connections(pool: Pool) -> None:
    strict, open_ = await pool.lease([channel()], ()), await pool.lease([channel()], ALLOWED)

    assert strict.transport(DIRECT) is not open_.transport(DIRECT)


async def test_an_address_is_checked_by_the_rule_of_the_lease(pool: Pool, way: Way) -> None:
    strict = await pool.lease([channel(transport=way.kind)], ALLOWED)

    with pytest.raises(UpstreamMisconfigured) as caught:
        await _call(strict, "http://169.254.169.254", way)

    assert stage_of(caught.value) == "egress"


async def test_a_proxied_channel_sends_through_its_proxy(upstream: FakeUpstream, pool: Pool) -> None:
    upstream.answers(json={})
    lease = await pool.lease([channel(proxy=upstream.url), channel("direct")], ())

    await _call(lease, "http://acme.test", by(upstream.url))

    assert upstream.requests[0].path == "http://acme.test/v1/chat/completions"
    assert upstream.requests[0].headers["host"] == "acme.test"
    assert lease.transport(by(upstream.url)) is not lease.transport(DIRECT)


async def test_a_proxy_at_a_refused_address_is_refused(pool: Pool) -> None:
    proxy = "http://169.254.169.254:3128"
    lease = await pool.lease([channel(proxy=proxy)], ())

    with pytest.raises(UpstreamMisconfigured) as caught:
        await _call(lease, "http://acme.test", by(proxy))

    assert stage_of(caught.value) == "egress"


async def test_proxies_of_the_environment_are_ignored(
    upstream: FakeUpstream, lease: Lease, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    upstream.answers(json={})

    await _call(lease, upstream.url, way)

    assert upstream.requests[0].path == "/v1/chat/completions"


async def test_cookies_are_not_kept(upstream: FakeUpstream, lease: Lease, way: Way) -> None:
    upstream.answers(json={}, headers={"Set-Cookie": "session=1; Path=/"})

    await _call(lease, upstream.url, way)
    await _call(lease, upstream.url, way)

    assert "cookie" not in upstream.requests[1].headers


async def test_the_pool_itself_offers_the_newest_lease(pool: Pool) -> None:
    old = await pool.lease([channel(), channel("p", proxy="http://proxy.test")], ())
    new = await pool.lease([channel()], ALLOWED)

    assert pool.transport(DIRECT) is new.transport(DIRECT)
    assert pool.transport(by("http://proxy.test")) is old.transport(by("http://proxy.test"))
    await new.release()
    assert pool.transport(DIRECT) is old.transport(DIRECT)
    with pytest.raises(LookupError):
        pool.transport(by("http://unknown.test"))


async def test_a_channel_says_which_client_carries_its_requests(pool: Pool) -> None:
    lease = await pool.lease([channel("own"), channel("general", transport=TransportKind.AIOHTTP)], ())

    assert isinstance(lease.transport(DIRECT), Kept)
    assert isinstance(lease.transport(Way(TransportKind.AIOHTTP, None)), ThroughAiohttp)


async def test_closing_the_pool_closes_everything(pool: Pool) -> None:
    lease = await pool.lease([channel()], ())

    await pool.close()
    await lease.release()

    assert lease.transport(DIRECT).closed
