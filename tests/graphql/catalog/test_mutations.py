from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clinx.domain.identity import Role
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from clinx.storage import overrides
from support.fake_upstream import FakeUpstream
from support.gateway import tree_for
from support.station import Station, running_station

OVERRIDE = """mutation ($input: ChannelOverrideInput!) { channelOverride(input: $input) {
  override { id channel aspect value reason actor until } channel { name overrides { value } }
  errors { code path parameters { name value } }
} }"""
DROP = """mutation ($input: ChannelOverrideDropInput!) { channelOverrideDrop(input: $input) {
  override { channel value } errors { code }
} }"""
RESET = """mutation ($input: ChannelResetInput!) { channelReset(input: $input) { channel { name } errors { code } } }"""
BALANCE = """mutation ($input: ChannelBalanceRefreshInput!) { channelBalanceRefresh(input: $input) {
  channel { name isBalanceOffered providerBalances { credential askedAt amount currency code cause } }
  errors { code path parameters { name value } }
} }"""
KNOWN = """{ channel(name: "main") { providerBalances { credential amount code } } }"""
MAIN = to_id("Channel", "main")


def wish(**changes: Any) -> dict[str, Any]:
    return {"channel": MAIN, "disabled": True, "reason": "ill", "lasting": "PT2H", **changes}


async def test_an_override_is_written_and_shown(station: Station) -> None:
    data = await station.data(OVERRIDE, await station.viewer(name="ann"), input=wish())

    payload = data["channelOverride"]
    assert payload["errors"] == []
    assert {**payload["override"], "id": None} == {
        "id": None,
        "channel": "main",
        "aspect": "DISABLED",
        "value": 1,
        "reason": "ill",
        "actor": "user:ann",
        "until": "2030-01-01T02:00:00Z",
    }
    assert payload["channel"] == {"name": "main", "overrides": [{"value": 1}]}
    [active] = await overrides.active(station.database, station.clock.now())
    assert active.shown == "channels.main.disabled=true"


async def test_a_dry_run_writes_nothing(station: Station) -> None:
    data = await station.data(OVERRIDE, await station.viewer(), input=wish(disabled=None, weight=3, dryRun=True))

    assert data["channelOverride"]["override"]["value"] == 3
    assert await overrides.active(station.database, station.clock.now()) == []


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"channel": to_id("Channel", "other")}, "not_found", ["channel"]),
        ({"channel": to_id("Model", "main")}, "invalid_id", ["channel"]),
        ({"weight": 1}, "exactly_one", []),
        ({"disabled": None}, "exactly_one", []),
        ({"disabled": None, "weight": -1}, "out_of_range", ["weight"]),
        ({"disabled": None, "priority": 1_000_001}, "out_of_range", ["priority"]),
        ({"lasting": None}, "exactly_one", []),
        ({"until": "2030-01-01T01:00:00Z"}, "exactly_one", []),
        ({"lasting": "P8D"}, "out_of_range", ["lasting"]),
        ({"lasting": None, "until": "2029-12-31T23:00:00Z"}, "out_of_range", ["until"]),
        ({"reason": "  "}, "reason_required", ["reason"]),
    ],
    ids=str,
)
async def test_what_cannot_be_overridden(station: Station, changes: dict[str, Any], code: str, path: list[str]) -> None:
    data = await station.data(OVERRIDE, await station.viewer(), input=wish(**changes))

    [error] = data["channelOverride"]["errors"]
    assert (error["code"], error["path"]) == (code, path)
    assert await overrides.active(station.database, station.clock.now()) == []


async def test_an_override_is_dropped_once(station: Station) -> None:
    viewer = await station.viewer()
    made = await station.data(OVERRIDE, viewer, input=wish())
    drop = {"id": made["channelOverride"]["override"]["id"]}

    first, second = [(await station.data(DROP, viewer, input=drop))["channelOverrideDrop"] for _ in range(2)]

    assert first == {"override": {"channel": "main", "value": 1}, "errors": []}
    assert second == {"override": None, "errors": [{"code": "not_found"}]}
    assert await overrides.active(station.database, station.clock.now()) == []


async def test_a_reset_is_announced(station: Station) -> None:
    data = await station.data(RESET, await station.viewer(), input={"channel": MAIN})

    assert data["channelReset"] == {"channel": {"name": "main"}, "errors": []}
    rows = await station.database.fetch("SELECT topic, subject FROM announcement")
    assert [tuple(row) for row in rows] == [("channel", "main")]


async def test_channels_are_operated_by_operators(station: Station) -> None:
    viewer = await station.viewer(Role.USER)

    assert await station.code(RESET, viewer, input={"channel": MAIN}) == "forbidden"
    assert await station.code(OVERRIDE, viewer, input=wish()) == "forbidden"
    assert await station.database.fetch("SELECT id FROM channel_override") == []


async def test_what_was_overridden_is_in_the_audit_log(station: Station) -> None:
    viewer = await station.viewer()
    made = await station.data(OVERRIDE, viewer, input=wish())
    await station.data(DROP, viewer, input={"id": made["channelOverride"]["override"]["id"]})

    said = '{"channel":"main","override":"channels.main.disabled=true","until":"2030-01-01T02:00:00Z"}'
    assert [(each.operation, each.before, each.after) for each in await station.entries()] == [
        ("channelOverride", None, said),
        ("channelOverrideDrop", said, None),
    ]


@pytest.fixture
async def asked(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Station]:
    acme = "provider: acme\nextends: openai-compatible\nbalance: {path: /left, value: left, currency: CNY}\n"
    files = {
        "gateway.yaml": tree_for(upstream.url)["gateway.yaml"].replace("openai-compatible", "acme"),
        "providers/acme.yaml": acme,
    }
    async with running_station(tmp_path, files) as running:
        yield running


async def test_a_vendor_is_asked_what_is_left(asked: Station, upstream: FakeUpstream) -> None:
    upstream.answers(json={"left": "110.00"})
    viewer = await asked.viewer()

    data = await asked.data(BALANCE, viewer, input={"channel": MAIN})

    balance = {"credential": "8e4be683", "amount": "110.00", "code": None}
    told = {**balance, "askedAt": "2030-01-01T00:00:00Z", "currency": "CNY", "cause": None}
    assert data["channelBalanceRefresh"] == {
        "channel": {"name": "main", "isBalanceOffered": True, "providerBalances": [told]},
        "errors": [],
    }
    assert await asked.data(KNOWN, viewer) == {"channel": {"providerBalances": [balance]}}
    assert [each.path for each in upstream.requests] == ["/left"]
    [entry] = await asked.entries()
    assert (entry.operation, entry.outcome) == ("channelBalanceRefresh", "ok")


async def test_why_there_is_no_balance_is_for_operators_to_read(asked: Station, upstream: FakeUpstream) -> None:
    upstream.answers(status=401, json={"error": {"message": "who?"}})

    data = await asked.data(BALANCE, await asked.viewer(), input={"channel": MAIN, "credential": "8e4be683"})

    [told] = data["channelBalanceRefresh"]["channel"]["providerBalances"]
    assert (told["amount"], told["code"], told["cause"]) == (None, "REFUSED", "status 401: who?")
    reader = await asked.key(Permission.CHANNEL_READ)
    assert (await asked.data(KNOWN, reader))["channel"]["providerBalances"][0]["code"] == "REFUSED"
    assert await asked.code(KNOWN.replace("code", "cause"), reader) == "forbidden"


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"channel": to_id("Channel", "other")}, "not_found", ["channel"]),
        ({"channel": to_id("Model", "main")}, "invalid_id", ["channel"]),
        ({"credential": "none"}, "unknown_credential", ["credential"]),
        ({"credential": "00000000"}, "unknown_credential", ["credential"]),
    ],
    ids=str,
)
async def test_who_cannot_be_asked(
    asked: Station, upstream: FakeUpstream, changes: dict[str, Any], code: str, path: list[str]
) -> None:
    data = await asked.data(BALANCE, await asked.viewer(), input={"channel": MAIN, **changes})

    [error] = data["channelBalanceRefresh"]["errors"]
    assert (error["code"], error["path"]) == (code, path)
    assert upstream.requests == []


async def test_a_provider_that_offers_no_balance_says_so(station: Station, upstream: FakeUpstream) -> None:
    data = await station.data(BALANCE, await station.viewer(), input={"channel": MAIN})

    assert data["channelBalanceRefresh"] == {
        "channel": None,
        "errors": [
            {
                "code": "not_offered",
                "path": ["channel"],
                "parameters": [{"name": "provider", "value": "openai-compatible"}],
            }
        ],
    }
    assert upstream.requests == []


@pytest.mark.parametrize("permission", [Permission.CHANNEL_READ, Permission.SELF_WRITE])
async def test_vendors_are_asked_by_operators(asked: Station, upstream: FakeUpstream, permission: Permission) -> None:
    viewer = await asked.key(permission)

    assert await asked.code(BALANCE, viewer, input={"channel": MAIN}) == "forbidden"
    assert await asked.code(BALANCE, await asked.viewer(Role.USER), input={"channel": MAIN}) == "forbidden"
    assert upstream.requests == []
