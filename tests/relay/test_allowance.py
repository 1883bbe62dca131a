"""What a running stream may still cost: written down, raised, and cut off when it is used up."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from clinx.billing.cashier import Cashier
from clinx.billing.estimate import HORIZON, STEP, Cover
from clinx.dialects.base import Inbound
from clinx.dialects.registry import DIALECTS
from clinx.domain.catalog import Group, Model, StreamEnd
from clinx.domain.ledger import Reservation, Unresolved
from clinx.domain.money import Amount
from clinx.domain.operation import Operation
from clinx.domain.pricing import Price, Rate, Rates
from clinx.domain.request_log import RequestLog
from clinx.domain.usage import Unit
from clinx.errors import InsufficientBalance
from clinx.relay.allowance import PROGRESS_SECONDS, PROGRESS_TOKENS, Allowance
from clinx.relay.exchange import Exchange
from clinx.relay.meter import Meter
from clinx.routing.plan import Candidate, Plan
from support.channels import CHAT, channel
from support.fake_upstream import FakeUpstream, hang, pause, sse
from support.gateway import Running, chat, chunks, running_gateway, tree_for

DIALECT = DIALECTS["openai_chat"]
PIECE = " the"
"""One token, one piece, four bytes."""
LONG = 50_000


@dataclass
class Till:
    """A cashier that lends up to a limit."""

    limit: int = 10**12
    extended: list[int] = field(default_factory=list[int])
    told: list[tuple[int, int, Unresolved]] = field(default_factory=list[tuple[int, int, Unresolved]])
    costs: list[Amount | None] = field(default_factory=list["Amount | None"])

    def extend(self, reservation: Reservation, amount: Amount) -> Reservation | None:
        if amount.nano > self.limit:
            return None
        self.extended.append(amount.nano)
        return Reservation(reservation.id, 1, 1, amount, "r", leased=True)

    def progress(
        self, reservation: Reservation, metered: Amount, unresolved: Unresolved, cost: Amount | None = None
    ) -> None:
        self.told.append((reservation.amount.nano, metered.nano, unresolved))
        self.costs.append(cost)


class Stream:
    """A stream of one model at 1 nano-unit for a token of answer, and nothing for the prompt."""

    def __init__(
        self, till: Till, *, held: int, most: int = LONG, leased: bool = True, rate: int = 1, **way: Any
    ) -> None:
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Say hello."}]}
        inbound = Inbound("POST", "/", {}, {}, {}, json.dumps(body).encode())
        price = Price((Rates({Unit.INPUT: Rate(Fraction(0), 1), Unit.OUTPUT: Rate(Fraction(rate, 10**9), 1)}),))
        unused = cast("Any", None)
        self.exchange = Exchange(
            "req_1", datetime(2026, 1, 1, tzinfo=UTC), 0.0, unused, DIALECT, unused, None, None, unused
        )
        envelope = self.exchange.envelope = DIALECT.open_request(Operation.CHAT, inbound)
        model = self.exchange.model = Model("m", price)
        self.exchange.winner = Candidate(channel(**way), "m", Group("default"), CHAT)
        self.exchange.plan = Plan((self.exchange.winner,))
        self.exchange.reservation = Reservation("req_1", 1, 1, Amount(held * rate), "r", leased=leased)
        self.exchange.cover = Cover(100, held, most)
        self.tap = DIALECT.tap(envelope, StreamEnd.DONE)
        self.clock = 0.0
        self.till = till
        self.allowance = Allowance(
            self.exchange,
            self.tap,
            Meter(DIALECT, envelope, model),
            cashier=till,
            monotonic=lambda: self.clock,
        )

    def feed(self, pieces: int, *, text: str = PIECE, finish: bool = False) -> None:
        event = {"choices": [{"index": 0, "delta": {"content": text}}]}
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        self.tap.feed(sse(*[event] * pieces, *[end] * finish, done=False))

    async def make(self, pieces: int, **more: Any) -> None:
        """Take so many more pieces, as one chunk, the way a stream does."""
        self.feed(pieces, **more)
        if self.allowance.is_due:
            await self.allowance.look()

    @property
    def held(self) -> int:
        return self.exchange.held()[0].amount.nano


async def test_a_short_stream_writes_nothing_and_raises_nothing() -> None:
    till = Till()
    stream = Stream(till, held=HORIZON)

    for _ in range(100):
        await stream.make(1)
    looked = stream.allowance.is_due

    assert (till.told, till.extended, looked) == ([], [], False)


async def test_every_so_many_tokens_it_is_written_down_what_they_cost() -> None:
    till = Till()
    stream = Stream(till, held=50_000)
    stream.exchange.unresolved = Unresolved.HOLD

    for _ in range(50):
        await stream.make(100)

    assert till.told == [(50_000, tokens, Unresolved.HOLD) for tokens in (PROGRESS_TOKENS, 2 * PROGRESS_TOKENS)]


PAID = Rates({Unit.OUTPUT: Rate(Fraction(3, 10**9), 1)})


async def test_what_they_cost_us_is_written_down_with_that_and_for_no_more_than_is_held() -> None:
    till = Till()
    stream = Stream(till, held=3000, most=3000, leased=False, cost=PAID)

    for _ in range(30):
        await stream.make(100)
    stream.clock = 2.0
    with pytest.raises(InsufficientBalance):
        await stream.make(400)

    assert [each[:2] for each in till.told] == [(3000, 2000), (3000, 3000)]
    assert till.costs == [Amount(3 * 2000), Amount(3 * 3000)]


async def test_where_all_that_is_held_is_charged_it_costs_us_more_as_more_is_held() -> None:
    till = Till()
    stream = Stream(till, held=HORIZON, cost=PAID, unresolved=Unresolved.HOLD)
    stream.exchange.unresolved = Unresolved.HOLD

    await stream.make(HORIZON)

    covered = stream.exchange.held()[1]
    assert covered.output > HORIZON
    assert till.extended == [covered.output]
    assert (till.told[-1][0], till.costs[-1]) == (covered.output, Amount(3 * covered.output))


async def test_a_slow_stream_is_written_down_by_the_second_and_only_if_it_grew() -> None:
    till = Till()
    stream = Stream(till, held=50_000)

    for second, pieces in [(0.5, 1), (0.5 + PROGRESS_SECONDS, 1), (0.6 + PROGRESS_SECONDS, 1), (5, 0), (9, 2), (12, 0)]:
        stream.clock = second
        await stream.make(pieces)

    assert [metered for _, metered, _ in till.told] == [2, 3, 5]


async def test_what_is_written_down_is_never_more_than_what_is_held() -> None:
    till = Till(limit=0)
    stream = Stream(till, held=100)
    report = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2**39}}
    stream.tap.feed(sse(report, done=False))

    await stream.allowance.look()

    assert till.told == [(100, 100, Unresolved.METERED)]


async def test_a_hold_is_raised_a_step_ahead_of_what_is_made_up_to_what_was_asked_for() -> None:
    till = Till()
    stream = Stream(till, held=HORIZON, most=HORIZON + STEP + 10)

    await stream.make(HORIZON - STEP)
    before = list(till.extended)
    await stream.make(1)
    after = list(till.extended)
    for _ in range(20):
        await stream.make(100)

    assert (before, after) == ([], [HORIZON + STEP])
    assert till.extended == [HORIZON + STEP, HORIZON + STEP + 10]
    assert stream.held == HORIZON + STEP + 10


async def test_a_refused_raise_is_tried_again_at_the_next_chunk() -> None:
    till = Till(limit=0)
    stream = Stream(till, held=HORIZON)

    await stream.make(HORIZON)
    refused = stream.held
    till.limit = 10**6
    await stream.make(1)

    assert (refused, stream.held) == (HORIZON, HORIZON + 1 + STEP)


async def test_what_was_asked_for_is_not_passed_before_it_was_made() -> None:
    till = Till()
    stream = Stream(till, held=100, most=100)

    await stream.make(100)
    before = list(till.extended)
    await stream.make(1)

    assert (before, till.extended) == ([], [101 + STEP])


async def test_a_direct_hold_is_never_raised_only_cut() -> None:
    till = Till()
    stream = Stream(till, held=100, most=100, leased=False)

    await stream.make(100)
    with pytest.raises(InsufficientBalance, match="ended this answer"):
        await stream.make(1)

    assert (till.extended, stream.held) == ([], 100)


async def test_a_leased_hold_that_cannot_be_raised_is_cut_where_it_is_used_up() -> None:
    stream = Stream(Till(limit=0), held=HORIZON)

    for _ in range(HORIZON // 64):
        await stream.make(64)
    with pytest.raises(InsufficientBalance):
        await stream.make(1)


async def test_an_estimate_that_is_too_high_cuts_nothing() -> None:
    """Of pieces that are less than a token each the text is counted: 300 pieces, 100 tokens."""
    stream = Stream(Till(), held=100, most=100, leased=False)

    for _ in range(100):
        await stream.make(3, text="1")
    with pytest.raises(InsufficientBalance):
        await stream.make(3, text="1")


async def test_what_is_counted_once_is_not_counted_again_before_it_may_be_used_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[int] = []
    real = Meter.total

    async def total(self: Meter, *given: Any, **more: Any) -> Any:
        counted.append(stream.tap.made)
        return await real(self, *given, **more)

    monkeypatch.setattr(Meter, "total", total)
    stream = Stream(Till(), held=100, most=100, leased=False)
    for _ in range(51):
        await stream.make(2, text="1")

    assert counted == [102], "34 tokens by then: 66 more are paid for"


async def test_an_answer_that_is_complete_is_not_cut() -> None:
    stream = Stream(Till(), held=100, most=100, leased=False)

    await stream.make(150, finish=True)

    assert stream.tap.answered


async def test_a_free_answer_is_neither_written_down_nor_cut() -> None:
    till = Till(limit=-1)
    stream = Stream(till, held=100, most=100, rate=0)

    for _ in range(100):
        await stream.make(100)

    assert (till.told, till.extended) == ([], [])


MANY = [PIECE] * 45


def short_tree(url: str) -> dict[str, str]:
    """Answers cost 2,000 nano-units a token, prompts nothing."""
    text = tree_for(url)["gateway.yaml"]
    return {"gateway.yaml": text.replace('input: "1", output: "2", cache_read: "0.5"', 'input: "0", output: "2"')}


async def opened(gateway: Running, key: str, **more: Any) -> aiohttp.ClientResponse:
    return await gateway.session.post(
        f"{gateway.url}/v1/chat/completions",
        json=chat(stream=True, **more),
        headers={"Authorization": f"Bearer {key}"},
    )


async def test_a_leased_hold_grows_with_the_stream_and_its_settlement_knows(
    tmp_path: Path, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[Reservation | None] = []
    settled: list[Reservation] = []
    real_extend, real_settle = Cashier.extend, Cashier.settle

    def extend(self: Cashier, reservation: Reservation, amount: Amount) -> Reservation | None:
        raised.append(real_extend(self, reservation, amount))
        return raised[-1]

    async def settle(self: Cashier, reservation: Reservation, charge: Amount, *, log: RequestLog) -> None:
        settled.append(reservation)
        await real_settle(self, reservation, charge, log=log)

    monkeypatch.setattr(Cashier, "extend", extend)
    monkeypatch.setattr(Cashier, "settle", settle)
    tree = {"gateway.yaml": tree_for(upstream.url)["gateway.yaml"].replace("max_output", "hold: growing, max_output")}
    async with running_gateway(tmp_path, tree) as gateway:
        user = await gateway.user(credit="1000")
        upstream.streams([sse(*chunks(*[PIECE] * 4000, usage=(9, 4000)))])

        async with await opened(gateway, (await gateway.issue(user)).secret, max_tokens=LONG) as response:
            body = await response.read()

        [row] = await gateway.request_logs()
        balance = await gateway.balance(user)
    assert body.endswith(b"data: [DONE]\n\n")
    assert row.charge == Amount(9 * 1000 + 4000 * 2000)
    assert raised
    assert raised[-1:] == settled
    assert (balance.total, balance.held) == (Amount.parse("1000") - row.charge, Amount(0))


async def test_a_stream_that_outgrows_its_balance_ends_in_an_error_and_lets_the_upstream_go(
    tmp_path: Path, upstream: FakeUpstream
) -> None:
    more = asyncio.Event()
    events = chunks(*MANY)[:-2]  # An upstream that does not obey the bound of 40 tokens it was told.
    upstream.streams([sse(*events[:31], done=False), pause(more), sse(*events[31:], done=False), hang()])
    async with running_gateway(tmp_path, short_tree(upstream.url)) as gateway:
        user = await gateway.user(credit="0.00008")
        async with await opened(gateway, (await gateway.issue(user)).secret) as response:
            told = response.headers["Clinx-Max-Tokens"]
            first = await response.content.readuntil(b" the")
            more.set()
            body = first + await response.content.read()
        await upstream.until(lambda: upstream.open == 0)
        [row] = await gateway.request_logs()
        balance = await gateway.balance(user)
        figures = gateway.gateway.metrics.render().decode()

    assert told == "40"
    assert body.startswith(sse(*events, done=False))
    assert b'"code":"insufficient_quota"' in body
    assert b"[DONE]" not in body
    assert (row.outcome, row.status, row.usage.output, row.charge) == ("insufficient_balance", 200, 45, Amount(90_000))
    assert (balance.total, balance.held) == (Amount(-10_000), Amount(0))
    assert "clinx_overdraft_nano_total 10000.0" in figures
