import asyncio
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, cast

import pytest

from clinx.domain.catalog import Group, Timeouts
from clinx.domain.usage import Usage
from clinx.errors import ClientGone, ShuttingDown
from clinx.policies.verdict import Verdict
from clinx.relay.exchange import Exchange
from clinx.routing.plan import Candidate, Plan
from support.channels import CHAT, channel


def exchange() -> Exchange:
    unused = cast("Any", None)
    return Exchange("req_1", datetime(2026, 1, 1, tzinfo=UTC), 0.0, unused, unused, unused, None, None, unused)


def test_channels_have_all_their_time_from_the_moment_it_is_sent() -> None:
    sent = exchange()
    channels = [channel(timeouts=Timeouts(total=seconds)) for seconds in (5.0, 30.0)]
    sent.plan = Plan(tuple(Candidate(each, "m", Group("default"), CHAT) for each in channels))

    assert sent.deadline == 30.0
    sent.routed_at = 100.0
    assert sent.deadline == 130.0


async def test_stopping_interrupts_a_wait_for_an_upstream_with_the_reason() -> None:
    stopped, waiting = exchange(), asyncio.Event()

    async def wait() -> None:
        waiting.set()
        await asyncio.Event().wait()

    task = asyncio.get_running_loop().create_task(stopped.upstream(wait()))
    await waiting.wait()
    stopped.stop(ClientGone("gone"))

    with pytest.raises(ClientGone):
        await task


async def test_a_stopped_exchange_begins_no_further_wait() -> None:
    stopped = exchange()
    stopped.stop(ShuttingDown("bye"))
    stopped.stop(ClientGone("later"))
    begun = False

    async def wait() -> None:
        nonlocal begun
        begun = True

    with pytest.raises(ShuttingDown):
        await stopped.upstream(wait())
    assert not begun


async def test_stopping_touches_nothing_but_waits_for_upstreams() -> None:
    stopped, go = exchange(), asyncio.Event()

    async def settle() -> str:
        await go.wait()
        return "settled"

    task = asyncio.get_running_loop().create_task(settle())
    stopped.stop(ClientGone("gone"))
    go.set()

    assert await task == "settled"


async def test_a_real_cancellation_is_not_mistaken_for_a_stop() -> None:
    running, waiting = exchange(), asyncio.Event()

    async def wait() -> None:
        waiting.set()
        await asyncio.Event().wait()

    task = asyncio.get_running_loop().create_task(running.upstream(wait()))
    await waiting.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


def test_what_is_not_there_yet_is_a_defect_to_ask_for() -> None:
    with pytest.raises(RuntimeError):
        exchange().opened()
    with pytest.raises(RuntimeError):
        exchange().caller()
    with pytest.raises(RuntimeError):
        exchange().candidates()
    with pytest.raises(RuntimeError):
        exchange().held()
    with pytest.raises(RuntimeError):
        exchange().price(Usage(input=1))


def test_the_price_s_factor_is_the_group_s_times_what_rules_say() -> None:
    vip, ruled = Group("vip", Fraction(4, 5)), exchange()

    assert ruled.multiplier(vip) == Fraction(4, 5)
    ruled.verdict = Verdict(factor=Fraction(1, 2))
    assert ruled.multiplier(vip) == Fraction(2, 5)
