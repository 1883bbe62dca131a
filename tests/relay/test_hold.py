"""What is held before a call, and what becomes of calls whose balance does not cover all they ask for."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from clinx.billing.cashier import Cashier, Wanted
from clinx.billing.estimate import HORIZON
from clinx.domain.identity import Principal
from clinx.domain.ledger import Reservation, Unresolved
from clinx.domain.money import Amount
from support.fake_upstream import FakeUpstream, sse
from support.gateway import Running, chat, chunks, completion, running_gateway, tree_for

PROMPT = [{"role": "user", "content": "Say hello."}]
ANSWER_ONLY = 'fake-model: {price: {input: "0", output: "2", per: 1M}, max_output: 1000}'
"""What a hold covers is then known to the token: 2,000 nano-units each."""


def tree(url: str, *, model: str = ANSWER_ONLY, more: str = "") -> dict[str, str]:
    lines = tree_for(url)["gateway.yaml"].splitlines()
    lines = [f"  {model}" if line.lstrip().startswith("fake-model:") else line for line in lines]
    return {"gateway.yaml": "\n".join(lines) + f"\n    {more}\n"}


def nano(tokens: int) -> str:
    """What so many tokens of answer cost."""
    return str(Amount(2000 * tokens))


@pytest.fixture
def wanted(monkeypatch: pytest.MonkeyPatch) -> list[Wanted]:
    """What was asked to be held, in order."""
    asked: list[Wanted] = []
    real = Cashier.reserve

    async def reserve(self: Cashier, principal: Principal, wish: Wanted) -> Reservation:
        asked.append(wish)
        return await real(self, principal, wish)

    monkeypatch.setattr(Cashier, "reserve", reserve)
    return asked


async def ask(gateway: Running, key: str, body: dict[str, Any]) -> tuple[int, str | None, bytes]:
    """The status, what the caller was told of the bound, and the body."""
    async with gateway.session.post(
        f"{gateway.url}/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
    ) as response:
        return response.status, response.headers.get("Clinx-Max-Tokens"), await response.read()


async def test_a_stream_holds_all_it_may_cost_like_a_whole_answer_unless_its_model_shows_all_it_makes(
    tmp_path: Path, upstream: FakeUpstream, wanted: list[Wanted]
) -> None:
    upstream.streams([sse(*chunks("Hello"))])
    async with running_gateway(tmp_path, tree(upstream.url)) as gateway:
        await ask(gateway, await gateway.key(), chat(max_tokens=50_000, stream=True))

    assert [(each.amount.nano // 2000, each.whole.nano // 2000) for each in wanted] == [(50_000, 50_000)]


async def test_a_whole_answer_holds_all_it_may_cost_and_a_growing_stream_no_more_than_the_horizon(
    tmp_path: Path, upstream: FakeUpstream, wanted: list[Wanted]
) -> None:
    upstream.answers(json=completion()).streams([sse(*chunks("Hello"))]).streams([sse(*chunks("Hello"))])
    growing = ANSWER_ONLY.replace("max_output", "hold: growing, max_output")
    async with running_gateway(tmp_path, tree(upstream.url, model=growing)) as gateway:
        key = await gateway.key()
        await ask(gateway, key, chat(max_tokens=50_000))
        await ask(gateway, key, chat(max_tokens=50_000, stream=True))
        await ask(gateway, key, chat(max_tokens=100, n=2, stream=True))

    assert [(each.amount.nano // 2000, each.whole.nano // 2000) for each in wanted] == [
        (50_000, 50_000),
        (HORIZON, 50_000),
        (200, 200),
    ]


async def test_the_price_of_the_prompt_alone_and_the_first_channel_s_choice_are_said(
    tmp_path: Path, upstream: FakeUpstream, wanted: list[Wanted]
) -> None:
    upstream.answers(json=completion())
    model = 'fake-model: {price: {input: "1", output: "2", call: "0.5", per: 1M}, max_output: 1000}'
    async with running_gateway(tmp_path, tree(upstream.url, model=model, more="unresolved: hold")) as gateway:
        body = chat()
        await gateway.post("/v1/chat/completions", body, key=await gateway.key(group="vip"))

    [wish] = wanted
    size = len(upstream.requests[0].body)
    assert wish.floor == Amount((size // 4 * 1000 + 500_000_000) // 2), "at the group's half price"
    assert wish.floor < wish.amount
    assert wish.unresolved is Unresolved.HOLD


@pytest.mark.parametrize(
    ("unresolved", "cost", "whole_cost"),
    [("metered", "prompt", "prompt"), ("hold", HORIZON, 50_000), ("void", None, None)],
)
async def test_what_a_killed_call_costs_us_is_said_for_what_is_held(
    tmp_path: Path, upstream: FakeUpstream, wanted: list[Wanted], unresolved: str, cost: object, whole_cost: object
) -> None:
    upstream.streams([sse(*chunks("Hello"))])
    growing = ANSWER_ONLY.replace("max_output", "hold: growing, max_output")
    paid = f'unresolved: {unresolved}\n    cost: {{input: "1", output: "3", per: 1M}}'
    body = chat(max_tokens=50_000, stream=True)
    async with running_gateway(tmp_path, tree(upstream.url, model=growing, more=paid)) as gateway:
        await ask(gateway, await gateway.key(), body)

    [wish] = wanted
    size = len(json.dumps(body))

    def told(made: object) -> Amount | None:
        if isinstance(made, int):
            return Amount((size + 16) * 1000 + made * 3000)
        return None if made is None else Amount(size // 4 * 1000)

    assert (wish.cost, wish.whole_cost) == (told(cost), told(whole_cost))


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({}, {"max_tokens": 40}),
        ({"max_tokens": 900}, {"max_tokens": 40}),
        ({"max_completion_tokens": 900}, {"max_completion_tokens": 40}),
        ({"n": 2, "max_tokens": 900}, {"n": 2, "max_tokens": 20}),
    ],
)
async def test_a_balance_for_less_gets_a_shorter_answer_and_both_sides_are_told(
    tmp_path: Path, upstream: FakeUpstream, sent: dict[str, Any], told: dict[str, Any]
) -> None:
    upstream.answers(json=completion(output_tokens=40))
    async with running_gateway(tmp_path, tree(upstream.url)) as gateway:
        user = await gateway.user(credit=nano(40))
        key = (await gateway.issue(user)).secret
        status, header, _ = await ask(gateway, key, chat(**sent))
        balance = await gateway.balance(user)

    received = upstream.requests[0].json
    assert (status, header) == (200, str(told.get("max_tokens", 40)))
    assert {name: received[name] for name in received if name not in {"model", "messages"}} == told
    assert (balance.total, balance.held) == (Amount(0), Amount(0))


async def test_a_stream_is_shortened_like_a_whole_answer(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.streams([sse(*chunks("Hello", usage=(9, 40)))])
    async with running_gateway(tmp_path, tree(upstream.url)) as gateway:
        status, header, body = await ask(gateway, await gateway.key(credit=nano(40)), chat(stream=True))

    assert (status, header) == (200, "40")
    assert upstream.requests[0].json["max_tokens"] == 40
    assert body.endswith(b"data: [DONE]\n\n")


async def test_a_bound_is_renamed_like_the_caller_s_own(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())
    files = tree(upstream.url)
    files["gateway.yaml"] = files["gateway.yaml"].replace("openai-compatible", "quirky")
    files["providers/quirky.yaml"] = (
        "provider: quirky\nextends: openai-compatible\nparams: [{rename: {max_tokens: max_completion_tokens}}]\n"
    )
    async with running_gateway(tmp_path, files) as gateway:
        await ask(gateway, await gateway.key(credit=nano(40)), chat(max_tokens=900))

    received = upstream.requests[0].json
    assert received["max_completion_tokens"] == 40
    assert "max_tokens" not in received


async def test_a_balance_that_covers_what_is_asked_changes_nothing(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, tree(upstream.url)) as gateway:
        status, header, _ = await ask(gateway, await gateway.key(credit=nano(40)), chat(max_tokens=40))

    assert (status, header) == (200, None)
    assert upstream.requests[0].json == chat(max_tokens=40)


async def test_the_prompt_comes_off_first(gateway: Running, upstream: FakeUpstream) -> None:
    """10 tokens of prompt are held as 26, at 1,000 nano-units each."""
    upstream.answers(json=completion())

    _, header, _ = await ask(gateway, await gateway.key(credit=str(Amount(26 * 1000 + 40 * 2000 + 1999))), chat())

    assert header == "40"


async def test_a_token_s_budget_shortens_the_answer_too(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, tree(upstream.url)) as gateway:
        key = await gateway.key(credit=nano(30), budget=Amount.parse(nano(50)))
        status, header, _ = await ask(gateway, key, chat())

    assert (status, header) == (200, "30")


@pytest.mark.parametrize(
    ("path", "body", "credit"),
    [
        ("/v1/chat/completions", chat(), nano(15)),
        ("/v1/chat/completions", chat(max_tokens=10), nano(9)),
        ("/v1/chat/completions", chat(n=2), nano(31)),
        ("/v1/chat/completions", chat("per-call"), "0.009"),
        ("/v1/embeddings", {"model": "dear-prompt", "input": "Say hello."}, "0.000001"),
        ("/v1/chat/completions", chat("dear-prompt"), "0.000001"),
    ],
)
async def test_what_cannot_be_shortened_enough_is_refused_and_holds_nothing(
    tmp_path: Path, upstream: FakeUpstream, path: str, body: dict[str, Any], credit: str
) -> None:
    files = tree(upstream.url)
    files["gateway.yaml"] = files["gateway.yaml"].replace(
        "  free-model: {price: free}", '  dear-prompt: {price: {input: "1", output: "0", per: 1}}'
    )
    files["gateway.yaml"] = files["gateway.yaml"].replace("free-model", "dear-prompt")
    async with running_gateway(tmp_path, files) as gateway:
        user = await gateway.user(credit=credit)
        status, answer = await gateway.post(path, body, key=(await gateway.issue(user)).secret)
        balance = await gateway.balance(user)

    assert (status, answer["error"]["code"]) == (429, "insufficient_quota")
    assert upstream.requests == []
    assert (balance.total, balance.held) == (Amount.parse(credit), Amount(0))


async def test_a_thousand_parallel_calls_on_a_balance_for_ten_get_ten_answers(
    tmp_path: Path, upstream: FakeUpstream
) -> None:
    upstream.answers(json=completion(output_tokens=100))
    async with running_gateway(tmp_path, tree(upstream.url)) as gateway:
        user = await gateway.user(credit=nano(1000))
        key = (await gateway.issue(user)).secret
        answers = await asyncio.gather(*(ask(gateway, key, chat(max_tokens=100)) for _ in range(1000)))
        balance = await gateway.balance(user)
        entries = await gateway.sum_of_entries()

    assert sorted({(status, header) for status, header, _ in answers}, key=str) == [(200, None), (429, None)]
    assert [status for status, _, _ in answers].count(200) == 10
    assert len(upstream.requests) == 10
    assert (balance.total, balance.held, entries) == (Amount(0), Amount(0), Amount(0))
