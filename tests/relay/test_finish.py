import asyncio
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from clinx.domain.money import Amount
from clinx.relay.exchange import Exchange
from clinx.relay.finish import Finisher
from support.fake_upstream import FakeUpstream, pause, sse
from support.gateway import Running, chat, chunks, completion, running_gateway, tree_for


async def test_a_whole_answer_is_charged_by_the_upstream_s_usage(gateway: Running, upstream: FakeUpstream) -> None:
    user = await gateway.user(group="vip")
    key = (await gateway.issue(user)).secret
    upstream.answers(json=completion(input_tokens=1_000_000, output_tokens=250_000), headers={"x-request-id": "up-1"})

    await gateway.post("/v1/chat/completions", chat(), key=key)

    balance = await gateway.balance(user)
    [row] = await gateway.request_logs()
    assert balance.total == Amount.parse("9.25"), "(1 + 0.5) at half price"
    assert balance.held == Amount(0)
    assert (row.charge, row.outcome, row.status, row.channel, row.upstream_id) == (
        Amount.parse("0.75"),
        "ok",
        200,
        "main",
        "up-1",
    )
    assert row.quote == ("1000000 input at 1/1000000", "250000 output at 2/1000000", "x 0.5 of vip")
    assert row.receipt is not None
    assert row.receipt.is_whole
    assert [(attempt.channel, attempt.outcome, attempt.status) for attempt in row.attempts] == [("main", "ok", 200)]


@pytest.mark.parametrize(
    ("tries", "told"),
    [("[vip, default]", "x 0.5 of vip"), ("[default, vip]", "x 1 of default")],
    ids=["vip", "default"],
)
async def test_of_a_group_of_groups_it_is_written_which_of_them_served(
    tmp_path: Path, upstream: FakeUpstream, tries: str, told: str
) -> None:
    files = tree_for(upstream.url)
    files["gateway.yaml"] = files["gateway.yaml"].replace("groups:\n", f"groups:\n  auto: {{tries: {tries}}}\n", 1)
    upstream.answers(json=completion(input_tokens=1_000_000, output_tokens=250_000))
    async with running_gateway(tmp_path, files) as gateway:
        await gateway.post("/v1/chat/completions", chat(), key=await gateway.key(group="auto"))

        [row] = await gateway.request_logs()

    assert (row.group, row.quote[-1]) == ("auto", told)
    assert row.receipt is not None
    assert row.receipt.is_whole


async def test_nothing_of_a_price_is_written_where_nothing_costs_anything(
    gateway: Running, upstream: FakeUpstream
) -> None:
    upstream.answers(json=completion(input_tokens=9, output_tokens=3))

    await gateway.post("/v1/chat/completions", chat("free-model"), key=await gateway.key(group="vip"))

    [row] = await gateway.request_logs()
    assert (row.charge, row.quote, row.receipt) == (Amount(0), (), None)


async def test_nothing_is_charged_for_what_failed(gateway: Running, upstream: FakeUpstream) -> None:
    user = await gateway.user()
    key = (await gateway.issue(user)).secret
    upstream.answers(status=500, json={"error": {"message": "no"}})

    status, _ = await gateway.post("/v1/chat/completions", chat(), key=key)

    balance = await gateway.balance(user)
    [row] = await gateway.request_logs()
    assert status == 502
    assert (balance.total, balance.held) == (Amount.parse("10"), Amount(0))
    assert (row.outcome, row.charge, row.status) == ("upstream_broken", Amount(0), 502)
    assert [attempt.outcome for attempt in row.attempts] == ["upstream_broken"]


async def test_one_event_for_each_exchange_and_no_prompt_or_secret_in_it(
    gateway: Running, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.answers(json=completion("the answer text"))
    key = await gateway.key()

    with caplog.at_level(logging.INFO, "clinx.relay"):
        await gateway.post("/v1/chat/completions", chat(), key=key)

    [record] = [record for record in caplog.records if record.name == "clinx.relay"]
    line = json.dumps({name: str(value) for name, value in vars(record).items()})
    assert record.message == "exchange.finished"
    fields = vars(record)["fields"]
    assert (fields["model"], fields["channel"], fields["outcome"]) == ("fake-model", "main", "ok")
    for secret in (key, "vendor-secret", "Say hello", "the answer text"):
        assert secret not in line


async def test_the_figures_move(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion(input_tokens=9, output_tokens=3))

    await gateway.post("/v1/chat/completions", chat(), key=await gateway.key())
    await gateway.post("/v1/chat/completions", chat("no-such-model"), key=await gateway.key())

    text = gateway.gateway.metrics.render().decode()
    assert 'clinx_exchanges_total{dialect="openai_chat",model="fake-model",operation="chat",outcome="ok"} 1.0' in text
    assert (
        'clinx_exchanges_total{dialect="openai_chat",model="",operation="chat",outcome="model_not_found"} 1.0' in text
    )
    assert 'clinx_charged_nano_total{model="fake-model"} 15000.0' in text
    assert 'clinx_usage_total{model="fake-model",unit="output"} 3.0' in text
    assert "clinx_exchanges_in_flight 0.0" in text


@pytest.mark.parametrize(("credit", "is_covered"), [("0.0013", False), ("1000", True)])
async def test_what_is_charged_beyond_the_hold_is_covered_if_it_can_be_else_counted(
    gateway: Running, upstream: FakeUpstream, credit: str, is_covered: bool
) -> None:
    """500 tokens are held for, at 2,000 nano-units each, and 600 are reported; then an answer within its bound."""
    upstream.answers(json=completion(input_tokens=9, output_tokens=600)).answers(json=completion(output_tokens=10))
    user = await gateway.user(credit=credit)

    await gateway.post("/v1/chat/completions", chat(max_tokens=500), key=(await gateway.issue(user)).secret)
    await gateway.post("/v1/chat/completions", chat(max_tokens=500), key=await gateway.key(credit=credit))

    held = (len(upstream.requests[0].body) + 16) * 1000 + 500 * 2000
    charged = 9 * 1000 + 600 * 2000
    balance = await gateway.balance(user)
    counted = 0 if is_covered else charged - held
    assert f"clinx_overdraft_nano_total {float(counted)}" in gateway.gateway.metrics.render().decode()
    assert (balance.total, balance.held) == (Amount.parse(credit) - Amount(charged), Amount(0))


async def test_an_interrupted_exchange_gives_back_its_turn_even_if_its_stream_never_began() -> None:
    given = list[str]()
    unused = cast("Any", None)
    exchange = Exchange("req_1", datetime(2026, 1, 1, tzinfo=UTC), 0.0, *[unused] * 6)
    exchange.finished, exchange.let_go = True, lambda: given.append("turn")

    await Finisher(unused, unused, unused).abandon(exchange)

    assert given == ["turn"]


PAID = 'cost: {input: "0.5", output: "0.25", call: "0.001", per: 1M}'


def paying_tree(url: str, cost: str = PAID) -> dict[str, str]:
    """A tree whose only channel says what we pay."""
    return {"gateway.yaml": tree_for(url)["gateway.yaml"].rstrip("\n") + f"\n    {cost}\n"}


async def test_what_the_vendor_is_paid_is_written_down_whatever_the_caller_pays(
    tmp_path: Path, upstream: FakeUpstream
) -> None:
    """Half a price is no half cost."""
    async with running_gateway(tmp_path, paying_tree(upstream.url)) as gateway:
        upstream.answers(json=completion(input_tokens=1_000_000, output_tokens=200_001))
        await gateway.post("/v1/chat/completions", chat(), key=await gateway.key(group="vip"))
        [row] = await gateway.request_logs()

    assert row.charge == Amount.parse("0.700001")
    assert row.cost == Amount.parse("0.55100025"), "0.5 + 0.05000025 + 0.001 for the call"
    assert row.margin == Amount.parse("0.14900075")


async def test_a_cost_is_that_of_the_tree_that_a_call_was_admitted_under(
    tmp_path: Path, upstream: FakeUpstream
) -> None:
    more, tree = asyncio.Event(), paying_tree(upstream.url)
    events = chunks("Hel", "lo", usage=(1000, 200))
    upstream.streams([sse(*events[:2], done=False), pause(more), sse(*events[2:])])
    async with running_gateway(tmp_path, tree) as gateway:
        key, body = await gateway.key(), chat(stream=True)
        async with gateway.session.post(
            f"{gateway.url}/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
        ) as response:
            await response.content.readuntil(b"Hel")
            gateway.write("gateway.yaml", tree["gateway.yaml"].replace('"0.001"', '"9"'))
            assert await gateway.gateway.reloader.reload()
            more.set()
            await response.read()
        [row] = await gateway.request_logs()

    assert row.cost == Amount(1000 * 500 + 200 * 250 + 1_000_000)


async def test_a_channel_that_does_not_say_what_we_pay_leaves_the_cost_unknown(
    gateway: Running, upstream: FakeUpstream
) -> None:
    upstream.answers(json=completion())

    await gateway.post("/v1/chat/completions", chat(), key=await gateway.key())

    [row] = await gateway.request_logs()
    assert row.charge > Amount(0)
    assert (row.cost, row.margin) == (None, None)


async def test_a_failure_has_no_cost(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.answers(status=500, json={"error": {"message": "no"}})
    async with running_gateway(tmp_path, paying_tree(upstream.url)) as gateway:
        await gateway.post("/v1/chat/completions", chat(), key=await gateway.key())
        [row] = await gateway.request_logs()

    assert (row.outcome, row.charge, row.cost) == ("upstream_broken", Amount(0), None)


async def test_a_cost_that_no_ledger_holds_loses_no_charge(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion(input_tokens=9, output_tokens=3))
    async with running_gateway(tmp_path, paying_tree(upstream.url, 'cost: {call: "10000000000"}')) as gateway:
        await gateway.post("/v1/chat/completions", chat(), key=await gateway.key())
        [row] = await gateway.request_logs()

    assert (row.outcome, row.charge, row.cost) == ("ok", Amount(15_000), None)
