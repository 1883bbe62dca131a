import asyncio
from pathlib import Path
from typing import Any

import pytest

from clinx.accounts import tokens
from clinx.domain.money import Amount
from support.database import START
from support.fake_upstream import FakeUpstream
from support.gateway import Running, chat, completion, running_gateway, tree_for


async def test_an_empty_balance_is_refused_before_the_upstream_is_called(
    gateway: Running, upstream: FakeUpstream
) -> None:
    status, body = await gateway.post("/v1/chat/completions", chat(), key=await gateway.key(credit="0"))

    assert (status, body["error"]["code"]) == (429, "insufficient_quota")
    assert upstream.requests == []


async def test_a_token_s_budget_bounds_what_it_spends(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())
    key = await gateway.key(budget=Amount.parse("0.025"))

    statuses = [(await gateway.post("/v1/chat/completions", chat("per-call"), key=key))[0] for _ in range(3)]

    assert statuses == [200, 200, 429]
    assert len(upstream.requests) == 2


async def test_a_thousand_parallel_calls_on_a_balance_for_a_hundred_get_a_hundred_answers(
    gateway: Running, upstream: FakeUpstream
) -> None:
    user = await gateway.user(credit="1")
    key = (await gateway.issue(user)).secret
    upstream.answers(json=completion())

    async def ask() -> int:
        return (await gateway.post("/v1/chat/completions", chat("per-call"), key=key))[0]

    statuses = await asyncio.gather(*(ask() for _ in range(1000)))

    balance = await gateway.balance(user)
    assert sorted(set(statuses)) == [200, 429]
    assert statuses.count(200) == 100
    assert len(upstream.requests) == 100
    assert (balance.total, balance.held) == (Amount(0), Amount(0))
    assert await gateway.sum_of_entries() == Amount(0)
    assert await gateway.sum_of_entries(user.account) == Amount(0)


async def test_a_revoked_token_is_refused_as_soon_as_it_is_heard(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())
    user = await gateway.user()
    issued = await gateway.issue(user)
    before, _ = await gateway.post("/v1/chat/completions", chat(), key=issued.secret)

    await tokens.disable(gateway.gateway.database, issued.token, at=START)
    listed, _ = await gateway.get("/v1/models", key=issued.secret)  # Nothing is held there: the database is asked.
    after, body = before, dict[str, Any]()
    async with asyncio.timeout(10):
        while after == before:  # What is leased is spent without asking; the revocation is announced.
            after, body = await gateway.post("/v1/chat/completions", chat(), key=issued.secret)

    served = len(upstream.requests)
    again, _ = await gateway.post("/v1/chat/completions", chat(), key=issued.secret)

    assert (before, after, listed, again) == (200, 401, 401, 401)
    assert "revoked" in body["error"]["message"] or "disabled" in body["error"]["message"]
    assert len(upstream.requests) == served


async def test_a_free_model_costs_nothing_and_needs_no_balance(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())

    status, _ = await gateway.post("/v1/chat/completions", chat("free-model"), key=await gateway.key(credit="0"))

    [row] = await gateway.request_logs()
    assert (status, row.charge) == (200, Amount(0))


async def test_a_price_may_depend_on_the_request(tmp_path: Path, upstream: FakeUpstream) -> None:
    price = '{call: "0.04", when: [{if: "request.size == \'large\'", call: "0.08"}]}'
    text = tree_for(upstream.url)["gateway.yaml"].replace("price: free}", f"price: {price}}}")
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, {"gateway.yaml": text}) as gateway:
        key = await gateway.key()
        await gateway.post("/v1/chat/completions", chat("free-model"), key=key)
        await gateway.post("/v1/chat/completions", chat("free-model", size="large"), key=key)
        rows = await gateway.request_logs()

    assert sorted(row.charge for row in rows) == [Amount.parse("0.04"), Amount.parse("0.08")]


async def test_a_group_that_tries_others_is_charged_by_the_one_that_serves(
    tmp_path: Path, upstream: FakeUpstream
) -> None:
    text = tree_for(upstream.url)["gateway.yaml"].replace("groups:\n", "groups:\n  auto: {tries: [vip, default]}\n", 1)
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, {"gateway.yaml": text}) as gateway:
        await gateway.post("/v1/chat/completions", chat("per-call"), key=await gateway.key(group="auto"))
        [row] = await gateway.request_logs()

    assert row.charge == Amount.parse("0.005")


async def test_a_user_in_a_group_the_tree_no_longer_has_is_told_so(gateway: Running) -> None:
    status, body = await gateway.post("/v1/chat/completions", chat(), key=await gateway.key(group="gone"))

    assert status == 403
    assert "group" in body["error"]["message"]


async def test_the_model_list_follows_the_token_s_restriction(gateway: Running) -> None:
    status, body = await gateway.get("/v1/models", key=await gateway.key(models=frozenset({"per-call", "unknown"})))

    assert status == 200
    assert [model["id"] for model in body["data"]] == ["per-call"]


@pytest.mark.parametrize("path", ["/v1/models/no-such", "/v1/models/vendor/no-such"])
async def test_an_unknown_model_card_is_not_found(gateway: Running, path: str) -> None:
    status, body = await gateway.get(path, key=await gateway.key())

    assert (status, body["error"]["code"]) == (404, "model_not_found")


async def test_a_small_balance_is_measured_by_the_prompt_s_tokens_not_its_bytes(
    gateway: Running, upstream: FakeUpstream
) -> None:
    upstream.answers(json=completion())
    words: dict[str, Any] = {"messages": [{"role": "user", "content": "hello " * 2000}], "max_tokens": 10}
    digits: dict[str, Any] = {"messages": [{"role": "user", "content": "1 2 3 4 5 6 7 8 9 " * 667}], "max_tokens": 10}

    enough, _ = await gateway.post("/v1/chat/completions", chat(**words), key=await gateway.key(credit="0.003"))
    too_little, _ = await gateway.post("/v1/chat/completions", chat(**digits), key=await gateway.key(credit="0.003"))

    assert (enough, too_little) == (200, 429)


async def test_a_request_no_balance_could_cover_is_refused_not_a_defect(
    gateway: Running, upstream: FakeUpstream
) -> None:
    body = {"model": "fake-model", "prompt": ["a"] * 2000, "n": 128, "max_tokens": 2**30}

    status, answer = await gateway.post("/v1/completions", body, key=await gateway.key(credit="1"))

    assert (status, answer["error"]["code"]) == (429, "insufficient_quota")
    assert upstream.requests == []


async def test_a_pattern_is_no_model_but_what_it_matches_is(tmp_path: Path, upstream: FakeUpstream) -> None:
    text = tree_for(upstream.url)["gateway.yaml"].replace("free-model", '"free-*"')
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, {"gateway.yaml": text}) as gateway:
        key = await gateway.key()
        matched, card = await gateway.get("/v1/models/free-anything", key=key)
        pattern, _ = await gateway.get("/v1/models/free-*", key=key)
        asked, _ = await gateway.post("/v1/chat/completions", chat("free-*"), key=key)

    assert (matched, card["id"], pattern, asked) == (200, "free-anything", 404, 404)
