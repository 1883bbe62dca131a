import asyncio
from dataclasses import replace

import pytest

from clinx.accounts.failures import IdempotencyConflict, IdempotencyPending
from clinx.accounts.idempotency import Request
from support.accounts import Desk


async def request(desk: Desk) -> Request:
    return Request(await desk.user(), "key-1", "tokenCreate", '{"name":"ci"}')


async def test_a_repetition_comes_to_what_the_first_came_to(desk: Desk):
    asked = await request(desk)
    assert await desk.idempotency.begin(asked) is None

    await desk.idempotency.finish(asked, '{"secret":"sk-1"}')

    assert [await desk.idempotency.begin(asked) for _ in range(2)] == ['{"secret":"sk-1"}'] * 2


@pytest.mark.parametrize("change", [{"operation": "userAdjustBalance"}, {"input": "{}"}], ids=["operation", "input"])
async def test_a_key_is_for_one_thing(desk: Desk, change: dict[str, str]):
    asked = await request(desk)
    await desk.idempotency.begin(asked)
    for _ in range(2):
        with pytest.raises(IdempotencyConflict):
            await desk.idempotency.begin(replace(asked, **change))  # pyright: ignore[reportArgumentType]  (by name)
        await desk.idempotency.finish(asked, "done")

    assert await desk.idempotency.begin(asked) == "done"


async def test_each_user_has_keys_of_their_own(desk: Desk):
    asked = await request(desk)
    await desk.idempotency.begin(asked)
    other = replace(asked, user=await desk.user("bob"), input="{}")

    assert await desk.idempotency.begin(other) is None


async def test_of_many_at_once_one_is_done(desk: Desk):
    asked = await request(desk)

    begun = await asyncio.gather(*(desk.idempotency.begin(asked) for _ in range(8)), return_exceptions=True)

    assert sum(result is None for result in begun) == 1
    assert sum(isinstance(result, IdempotencyPending) for result in begun) == 7


async def test_what_changed_nothing_may_be_asked_again(desk: Desk):
    asked = await request(desk)
    await desk.idempotency.begin(asked)

    await desk.idempotency.give_up(asked)

    assert await desk.idempotency.begin(replace(asked, input="{}")) is None


async def test_what_was_done_cannot_be_given_up(desk: Desk):
    asked = await request(desk)
    await desk.idempotency.begin(asked)
    await desk.idempotency.finish(asked, "done")

    await desk.idempotency.give_up(asked)
    await desk.idempotency.finish(asked, "done otherwise")

    assert await desk.idempotency.begin(asked) == "done"


async def test_what_never_came_to_anything_is_done_by_one_who_asks_later(desk: Desk):
    asked = await request(desk)
    await desk.idempotency.begin(asked)
    desk.clock.advance(119)
    with pytest.raises(IdempotencyPending):
        await desk.idempotency.begin(asked)
    desk.clock.advance(1)

    begun = await asyncio.gather(*(desk.idempotency.begin(asked) for _ in range(4)), return_exceptions=True)

    assert sum(result is None for result in begun) == 1
    assert sum(isinstance(result, IdempotencyPending) for result in begun) == 3


async def test_keys_are_forgotten_after_two_days(desk: Desk):
    asked = await request(desk)
    await desk.idempotency.begin(asked)
    await desk.idempotency.finish(asked, "done")

    desk.clock.advance(48 * 3600)
    assert await desk.idempotency.prune() == 0
    desk.clock.advance(1)
    assert await desk.idempotency.prune() == 1
    assert await desk.idempotency.begin(asked) is None


@pytest.mark.parametrize("key", ["", "x" * 129, "a\x00"])
async def test_what_is_no_key_is_refused(desk: Desk, key: str):
    with pytest.raises(IdempotencyConflict):
        await desk.idempotency.begin(replace(await request(desk), key=key))


async def test_results_are_sealed(desk: Desk):
    asked = await request(desk)
    await desk.idempotency.begin(asked)
    await desk.idempotency.finish(asked, "sk-secret")

    rows = str(await desk.database.fetch("SELECT * FROM idempotency"))

    assert "sk-secret" not in rows
    assert asked.input not in rows
