from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from clinx.domain.catalog import NO_CREDENTIAL
from clinx.domain.inquiry import TryoutWish
from clinx.domain.provider_balance import ProviderBalance
from clinx.graphql.catalog.types import ProviderBalanceNode, host_of
from clinx.routing.circuit import Cause
from clinx.routing.way import Use
from support.fake_upstream import FakeUpstream
from support.gateway import completion
from support.station import NODE, Station

CHANNEL = """{ channel(name: "main") {
  name provider host groups models { name upstream } priority weight tags node isIll
  overrides { channel aspect value reason actor }
  credentials { fingerprint reference ways {
    upstreamModel state cause nextLook inFlight isCurrent latencyMilliseconds
  } }
  lastTest { credential upstreamModel outcome at }
  isBalanceOffered providerBalances { credential askedAt amount currency code cause }
} }"""


async def test_a_channel_that_was_never_used(station: Station, upstream: FakeUpstream) -> None:
    data = await station.data(CHANNEL, await station.viewer())

    assert data["channel"] == {
        "name": "main",
        "provider": "openai-compatible",
        "host": upstream.url,
        "groups": ["default", "vip"],
        "models": [{"name": name, "upstream": name} for name in ("fake-model", "free-model", "per-call")],
        "priority": 0,
        "weight": 1,
        "tags": [],
        "node": NODE,
        "isIll": False,
        "overrides": [],
        "credentials": [{"fingerprint": "8e4be683", "reference": "${env:UPSTREAM_KEY}", "ways": []}],
        "lastTest": None,
        "isBalanceOffered": False,
        "providerBalances": [],
    }


async def test_an_ill_channel_shows_which_way_and_why(station: Station) -> None:
    main = station.current.snapshot.channels["main"]
    for _ in range(5):
        turn = station.health.take(main, "fake-model", use=Use(user=1))
        assert turn is not None
        station.health.failed(turn, Cause.BROKEN)
        station.health.ended(turn)

    data = await station.data(CHANNEL, await station.viewer())

    assert data["channel"]["isIll"] is True
    assert data["channel"]["credentials"][0]["ways"] == [
        {
            "upstreamModel": "fake-model",
            "state": "open",
            "cause": "broken",
            "nextLook": "PT3S",
            "inFlight": 0,
            "isCurrent": True,
            "latencyMilliseconds": None,
        }
    ]


async def test_the_last_test_is_shown(station: Station, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())
    assert [event async for event in station.inquirer.try_out(TryoutWish("main"))]

    data = await station.data(CHANNEL, await station.viewer())

    assert data["channel"]["lastTest"] == {
        "credential": "8e4be683",
        "upstreamModel": "fake-model",
        "outcome": "ok",
        "at": "2030-01-01T00:00:00Z",
    }


async def test_no_secret_is_shown(station: Station) -> None:
    assert "vendor-secret" not in repr(await station.data(CHANNEL, await station.viewer()))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://user:pass@api.test:8443/v1?key=secret", "https://api.test:8443"),
        ("http://api.test", "http://api.test"),
        ("builtin:echo", "builtin:echo"),
    ],
)
def test_of_an_address_only_the_host_is_shown(url: str, host: str) -> None:
    assert host_of(url) == host


def test_the_balance_of_a_server_without_keys_has_no_fingerprint() -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)

    shown = ProviderBalanceNode.of(ProviderBalance(NO_CREDENTIAL.fingerprint, at, Decimal("1E-7"), "USD"))

    assert (shown.credential, shown.amount, shown.currency, shown.code) == ("none", "0.0000001", "USD", None)
