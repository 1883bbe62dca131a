import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from msgspec.structs import replace

from clinx.accounts import tokens
from clinx.accounts.authenticate import Authenticator
from clinx.accounts.tokens import Issued, Limits
from clinx.config.snapshot import Server
from clinx.domain.identity import Principal, User
from clinx.domain.money import Amount
from clinx.domain.usage import Usage
from clinx.storage import request_logs, spend
from clinx.storage.database import Database
from clinx.storage.program import Program, execute
from clinx.storage.spend import Spend, SpendKey
from clinx.web.connection import LimitedServer
from clinx.web.usage import KeyRoutes
from support.database import (
    START,
    Clock,
    _migrated_database,
    _migrated_file,
    clock,
    database,
    database_url,
    make_token,
    make_user,
    request_log,
)
from support.fake_upstream import FakeUpstream
from support.gateway import Running, chat, completion

__all__ = ["_migrated_database", "_migrated_file", "clock", "database", "database_url"]

SUBSCRIPTION = "/v1/dashboard/billing/subscription"
USAGE = "/v1/dashboard/billing/usage"
LOGS = "/api/log/token"
TOKEN = "/api/usage/token/"
PATHS = [SUBSCRIPTION, SUBSCRIPTION[3:], USAGE, USAGE[3:], LOGS, TOKEN, TOKEN[:-1]]
IN_ENVELOPES = [LOGS, TOKEN]
DAY = (START - datetime(1970, 1, 1, tzinfo=UTC)).days


@dataclass
class Asking:
    database: Database
    served: Database
    """The gateway's own connection to the same."""
    session: aiohttp.ClientSession
    url: str
    is_away: bool = False

    async def user(self, balance: str = "10") -> User:
        return await make_user(self.database, balance=balance)

    async def issue(self, user: User, *, spent: str = "0", **limits: Any) -> Issued:
        issued = await make_token(self.database, user, limits=Limits(**limits), name="my key")

        def spend_it() -> Program[int]:
            nano = Amount.parse(spent).nano
            return (yield from execute("UPDATE token SET spent = $2 WHERE id = $1", issued.token.id, nano))

        await self.database.atomically(spend_it())
        return issued

    async def raw(
        self, path: str, key: str | None = None, *, method: str = "GET", **headers: str
    ) -> tuple[int, str, Any]:
        sent = {**headers, **({"Authorization": f"Bearer {key}"} if key else {})}
        async with self.session.request(method, self.url + path, headers=sent) as response:
            return response.status, await response.text(), response.headers

    async def take_database_away(self) -> None:
        self.is_away = True
        await self.served.close()

    async def get(self, path: str, key: str | None = None) -> Any:
        status, text, _ = await self.raw(path, key)
        assert status == 200, text
        return json.loads(text)


@pytest.fixture
async def asking(database: Database, database_url: str, clock: Clock) -> AsyncIterator[Asking]:
    served = await Database.connect(database_url)
    authenticator = Authenticator(served, monotonic=clock.monotonic, now=clock.now)
    routes = KeyRoutes(
        served, served, authenticator, lambda: Server(cors=("https://a.example",)), lambda: "req_1"
    ).routes()
    runner = web.ServerRunner(LimitedServer(lambda request: routes[request.path](request), most=100))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        asking = Asking(database, served, session, f"http://127.0.0.1:{runner.addresses[0][1]}")
        yield asking
    await runner.cleanup()
    if not asking.is_away:
        await served.close()


@pytest.mark.parametrize("path", [SUBSCRIPTION, SUBSCRIPTION[3:]])
async def test_the_limit_of_a_key_is_its_budget(asking: Asking, path: str) -> None:
    expiry = START + timedelta(days=1)
    issued = await asking.issue(await asking.user(), spent="0.5", budget=Amount.parse("2.000000001"), expires_at=expiry)

    status, text, _ = await asking.raw(path, issued.secret)

    assert status == 200
    assert text == (
        '{"object":"billing_subscription","has_payment_method":true,"soft_limit_usd":2.000000001,'
        f'"hard_limit_usd":2.000000001,"system_hard_limit_usd":2.000000001,"access_until":{int(expiry.timestamp())}}}'
    )


async def test_the_limit_of_a_key_without_a_budget_is_what_it_spent_and_what_its_user_has(asking: Asking) -> None:
    issued = await asking.issue(await asking.user("9223372036.1"), spent="0.000000007")

    _, text, _ = await asking.raw(SUBSCRIPTION, issued.secret)

    assert '"hard_limit_usd":9223372036.100000007,' in text
    assert json.loads(text)["access_until"] == 0


@pytest.mark.parametrize(
    ("spent", "cents"), [("0", "0"), ("0.000000001", "0.0000001"), ("1.5", "150"), ("0.1", "10"), ("12.345", "1234.5")]
)
async def test_usage_is_all_that_the_key_spent_in_hundredths(asking: Asking, spent: str, cents: str) -> None:
    issued = await asking.issue(await asking.user(), spent=spent)

    _, text, _ = await asking.raw(USAGE, issued.secret)

    assert text == f'{{"object":"list","total_usage":{cents}}}'


async def test_usage_of_some_days_is_what_this_key_spent_on_them(asking: Asking) -> None:
    user = await asking.user()
    issued, other = await asking.issue(user, spent="9"), await asking.issue(user)
    sums = [(DAY - 1, issued, 1), (DAY, issued, 2), (DAY + 1, issued, 4), (DAY, other, 8)]
    await asking.database.atomically(
        spend.add(
            Spend(SpendKey.of(user.id, day, by.token.id, "m", "g"), 1, Amount(n * 10_000_000), 1, 1)
            for day, by, n in sums
        )
    )

    async def usage(query: str) -> int:
        return (await asking.get(f"{USAGE}?{query}", issued.secret))["total_usage"]

    assert await usage("start_date=2030-01-01&end_date=2030-01-01") == 2
    assert await usage("start_date=2029-12-31&end_date=2030-01-01") == 3
    assert await usage("start_date=2030-01-01") == 6
    assert await usage("end_date=2029-12-31") == 1
    assert await usage("start_date=2031-01-01&end_date=2032-01-01") == 0
    assert await usage("start_date=&end_date=") == 900


async def test_the_state_of_a_token_in_quota(asking: Asking) -> None:
    user = await asking.user()
    expiry = START + timedelta(days=1)
    limits: dict[str, Any] = {"budget": Amount.parse("2"), "models": frozenset({"o3", "gpt-4o"}), "expires_at": expiry}
    bounded, free = await asking.issue(user, spent="0.5", **limits), await asking.issue(user, spent="0.000001")

    assert await asking.get(TOKEN, bounded.secret) == {
        "code": True,
        "message": "ok",
        "data": {
            "object": "token_usage",
            "name": "my key",
            "total_granted": 1_000_000,
            "total_used": 250_000,
            "total_available": 750_000,
            "unlimited_quota": False,
            "model_limits": {"gpt-4o": True, "o3": True},
            "model_limits_enabled": True,
            "expires_at": int(expiry.timestamp()),
        },
    }
    assert (await asking.get(TOKEN[:-1], free.secret))["data"] == {
        "object": "token_usage",
        "name": "my key",
        "total_granted": 5_000_001,
        "total_used": 1,
        "total_available": 5_000_000,
        "unlimited_quota": True,
        "model_limits": {},
        "model_limits_enabled": False,
        "expires_at": 0,
    }


async def test_the_calls_of_a_key_newest_first_and_not_those_of_another(asking: Asking) -> None:
    user = await asking.user()
    issued, other = await asking.issue(user), await asking.issue(user)
    mine, others = (Principal(user, each.token, "vip") for each in (issued, other))
    usage = Usage(input=10, cache_read=5, output=20, reasoning=2)
    good = replace(request_log("req-1", mine, charge=Amount(3000)), usage=usage, stream=True, seconds=2.9)
    bad = replace(request_log("req-2", mine), at=START + timedelta(seconds=1), outcome="no_channel", model=None)
    await asking.database.atomically(request_logs.append([good, bad, request_log("req-3", others)]))

    answer = await asking.get(f"{LOGS}?key={issued.secret}")

    assert answer["success"] is True
    assert answer["message"] == ""
    failed, consumed = answer["data"]
    assert consumed == {
        "id": 2,
        "request_id": "req-1",
        "created_at": int(START.timestamp()),
        "type": 2,
        "content": "10 input at 2.5/1000000",
        "user_id": user.id,
        "username": "ann",
        "token_id": issued.token.id,
        "token_name": "my key",
        "model_name": "gpt-4o",
        "quota": 2,
        "prompt_tokens": 15,
        "completion_tokens": 22,
        "use_time": 2,
        "is_stream": True,
        "channel": 0,
        "channel_name": "",
        "group": "vip",
        "other": "",
    }
    assert (failed["id"], failed["type"], failed["content"], failed["model_name"]) == (1, 5, "no_channel", "")
    assert (await asking.get(LOGS, issued.secret)) == answer
    assert [row["request_id"] for row in (await asking.get(f"{LOGS}?limit=1", issued.secret))["data"]] == ["req-2"]


async def test_quota_is_rounded_half_up(asking: Asking) -> None:
    user = await asking.user()
    issued = await asking.issue(user)
    charges = [0, 999, 1000, 2999, 3000, 2**63 - 1]
    caller = Principal(user, issued.token, "vip")
    logs = [request_log(f"req-{n}", caller, charge=Amount(nano)) for n, nano in enumerate(charges)]
    await asking.database.atomically(request_logs.append(logs))

    rows = (await asking.get(LOGS, issued.secret))["data"]

    assert [row["quota"] for row in reversed(rows)] == [0, 0, 1, 1, 2, 4611686018427388]


async def test_nothing_of_what_served_a_call_is_told(asking: Asking) -> None:
    user = await asking.user()
    issued = await asking.issue(user)
    secretive = replace(
        request_log("req-1", Principal(user, issued.token, "vip")),
        channel="hidden-channel",
        upstream_model="hidden-model",
        upstream_id="hidden-id",
        address="203.0.113.9",
    )
    await asking.database.atomically(request_logs.append([secretive]))

    _, text, _ = await asking.raw(LOGS, issued.secret)

    assert "req-1" in text
    assert "hidden" not in text
    assert "203.0.113.9" not in text
    assert "0123abcd" not in text


@pytest.mark.parametrize(
    ("query", "param"),
    [
        (f"{USAGE}?start_date=yesterday", "start_date"),
        (f"{USAGE}?start_date=2030-01-01&end_date=2030-13-01", "end_date"),
    ],
)
async def test_a_day_that_is_none_is_refused(asking: Asking, query: str, param: str) -> None:
    issued = await asking.issue(await asking.user())

    status, text, _ = await asking.raw(query, issued.secret)

    error = json.loads(text)["error"]
    assert (status, error["code"], error["param"]) == (400, "invalid_request", param)


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "1e2", "٣"])
async def test_a_limit_out_of_range_is_refused(asking: Asking, limit: str) -> None:
    issued = await asking.issue(await asking.user())

    status, text, _ = await asking.raw(f"{LOGS}?limit={limit}", issued.secret)

    assert (status, json.loads(text)["success"]) == (400, False)


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_good_key_nothing_is_told(asking: Asking, path: str) -> None:
    user = await asking.user()
    revoked, distant = await asking.issue(user), await asking.issue(user, networks=(ip_network("203.0.113.0/24"),))
    await asking.get(path, revoked.secret)
    await tokens.disable(asking.database, revoked.token, at=START)

    unknown = f"sk-{'A' * 48}"
    answers = [await asking.raw(path, key) for key in (None, unknown, revoked.secret, distant.secret)]

    assert [status for status, _, _ in answers] == [401, 401, 401, 403]
    for _, text, headers in answers:
        body = json.loads(text)
        assert headers["x-request-id"] == headers["clinx-request-id"] == "req_1"
        if path.rstrip("/") in {each.rstrip("/") for each in IN_ENVELOPES}:
            assert body.keys() == {"success", "message"}
            assert body["success"] is False
            assert body["message"].endswith("(request id: req_1)")
        else:
            assert body.keys() == {"error"}
            assert body["error"].keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize("path", PATHS)
async def test_only_reading_is_allowed(asking: Asking, path: str) -> None:
    key = (await asking.issue(await asking.user())).secret

    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        status, _, headers = await asking.raw(path, key, method=method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert (await asking.raw(path, key, method="HEAD"))[:2] == (200, "")


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_of_an_allowed_origin_may_ask(asking: Asking, path: str) -> None:
    key = (await asking.issue(await asking.user())).secret
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}

    status, _, headers = await asking.raw(path, method="OPTIONS", **asked)
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, "https://a.example")
    for given, expected in ((key, 200), (None, 401)):
        status, _, headers = await asking.raw(path, given, Origin="https://a.example")
        assert (status, headers["Access-Control-Allow-Origin"]) == (expected, "https://a.example")
    _, _, headers = await asking.raw(path, key, Origin="https://b.example")
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", PATHS)
async def test_no_cache_keeps_an_answer_whose_key_may_stand_in_the_address(asking: Asking, path: str) -> None:
    key = (await asking.issue(await asking.user())).secret

    for given in (f"?key={key}", ""):
        _, _, headers = await asking.raw(path + given)
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", [SUBSCRIPTION, LOGS, TOKEN])
async def test_without_a_database_the_answer_is_503_in_the_same_shape(asking: Asking, path: str) -> None:
    key = (await asking.issue(await asking.user())).secret
    await asking.take_database_away()

    async with asyncio.timeout(10):
        status, text, headers = await asking.raw(path, key)

    assert status == 503
    assert headers["Retry-After"] == "1"
    assert json.loads(text).keys() == ({"success", "message"} if path in IN_ENVELOPES else {"error"})


async def test_a_key_in_the_query_reaches_no_log(asking: Asking, caplog: pytest.LogCaptureFixture) -> None:
    key = (await asking.issue(await asking.user())).secret

    with caplog.at_level(logging.DEBUG):
        for path in PATHS:
            await asking.get(f"{path}?key={key}")
            assert (await asking.raw(f"{path}?key={key}x"))[0] == 401
        await asking.take_database_away()
        await asking.raw(f"{LOGS}?key={key}")

    ours = [record for record in caplog.records if not record.name.startswith(("aiohttp.client", "asyncio"))]
    assert [record for record in ours if key in str(record.__dict__)] == []


async def test_a_call_through_the_gateway_is_found_in_all_of_them(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())
    key = await gateway.key(credit="1")
    await gateway.post("/v1/chat/completions", chat("per-call"), key=key)
    await gateway.gateway.treasury.settle_down()

    _, subscription = await gateway.get(SUBSCRIPTION, key=key)
    _, usage = await gateway.get(USAGE, key=key)
    _, since_long = await gateway.get(f"{USAGE}?start_date=2020-01-01", key=key)
    _, state = await gateway.get(TOKEN, key=key)
    _, calls = await gateway.get(LOGS, key=key)

    assert subscription["hard_limit_usd"] == 1
    assert usage["total_usage"] == since_long["total_usage"] == 1
    assert (state["data"]["total_used"], state["data"]["total_available"]) == (5000, 495_000)
    assert [(row["model_name"], row["quota"], row["prompt_tokens"]) for row in calls["data"]] == [("per-call", 5000, 9)]
