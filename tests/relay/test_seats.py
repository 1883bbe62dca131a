from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinx.config.snapshot import Concurrency
from clinx.domain.identity import Principal, Role, Status, Token, User
from clinx.errors import Overloaded, RateLimited
from clinx.relay.seats import Seat, Seats
from clinx.telemetry.metrics import Metrics
from support.database import START
from support.fake_upstream import FakeUpstream, pause
from support.gateway import chat, running_gateway, tree_for


def caller(user: int, token: int | None = None) -> Principal:
    token = user * 10 if token is None else token
    return Principal(
        User(user, f"user-{user}", Role.USER, Status.ACTIVE, "default", START),
        Token(token, user, "key", "sk-…", Status.ACTIVE),
        "default",
    )


@pytest.fixture
def seats() -> Seats:
    return Seats(Metrics())


async def seat(seats: Seats, caps: Concurrency, user: int, token: int | None = None) -> Seat:
    taken = await seats.take(caps, caller(user, token))
    assert taken is not None
    return taken


async def queued(seats: Seats, caps: Concurrency, *users: int) -> list[asyncio.Task[Seat]]:
    """Let users come and wait, in this order."""
    tasks = [asyncio.Task(seat(seats, caps, user)) for user in users]
    await settle()
    return tasks


async def settle(turns: int = 5) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_where_nothing_is_capped_nothing_is_counted(seats: Seats) -> None:
    assert await seats.take(None, caller(1)) is None


async def test_a_user_and_a_token_have_as_many_calls_as_they_may_have(seats: Seats) -> None:
    caps = Concurrency(per_user=3, per_token=2)
    first = await seat(seats, caps, 1, 10)
    await seat(seats, caps, 1, 10)

    with pytest.raises(RateLimited, match="This API key has 2 calls under way"):
        await seats.take(caps, caller(1, 10))
    await seat(seats, caps, 1, 11)
    with pytest.raises(RateLimited, match="This user has 3 calls under way"):
        await seats.take(caps, caller(1, 11))
    first.leave()
    first.leave()

    await seat(seats, caps, 1, 10)
    with pytest.raises(RateLimited):
        await seats.take(caps, caller(1, 10))


async def test_without_a_queue_one_too_many_is_refused_at_once(seats: Seats) -> None:
    caps = Concurrency(total=1, length=0)
    first = await seat(seats, caps, 1)

    with pytest.raises(Overloaded) as refused:
        await seats.take(caps, caller(2))

    assert refused.value.retry_after == 1.0
    first.leave()
    await seat(seats, caps, 2)


async def test_who_waits_is_served_when_a_seat_comes_free_and_nobody_overtakes(seats: Seats) -> None:
    caps = Concurrency(total=1, length=2, wait=60)
    first = await seat(seats, caps, 1)
    (waiting,) = await queued(seats, caps, 2)
    first.leave()
    (newcomer,) = await queued(seats, caps, 3)

    assert waiting.done()
    assert not newcomer.done()
    waiting.result().leave()
    await settle()
    assert newcomer.done()


async def test_who_waits_too_long_is_refused_and_leaves_no_trace(seats: Seats) -> None:
    caps = Concurrency(total=1, per_user=1, length=1, wait=0.01)
    first = await seat(seats, caps, 1)

    with pytest.raises(Overloaded):
        await seats.take(caps, caller(2))

    first.leave()
    await seat(seats, caps, 2)
    assert seats._waiting == 0


async def test_a_caller_who_gives_up_in_the_queue_leaves_no_trace(seats: Seats) -> None:
    caps = Concurrency(total=1, length=1, wait=60)
    first = await seat(seats, caps, 1)
    (waiting,) = await queued(seats, caps, 2)
    waiting.cancel()
    await settle()
    first.leave()

    await seat(seats, caps, 3)
    assert seats._present_of == Counter({("user", 3): 1, ("token", 30): 1})


async def test_a_seat_that_is_called_in_the_moment_its_caller_gives_up_goes_to_the_next(seats: Seats) -> None:
    caps = Concurrency(total=1, length=2, wait=60)
    first = await seat(seats, caps, 1)
    gives_up, patient = await queued(seats, caps, 2, 3)
    first.leave()
    gives_up.cancel()
    await settle()

    assert gives_up.cancelled()
    assert patient.done()


async def test_a_flood_of_one_user_does_not_make_others_wait_behind_it(seats: Seats) -> None:
    caps = Concurrency(total=2, length=10, wait=60)
    flood = [await seat(seats, caps, 1), await seat(seats, caps, 1)]
    more = await queued(seats, caps, 1, 1, 1, 1)
    (other,) = await queued(seats, caps, 2)

    flood[0].leave()
    await settle()

    assert other.done()
    assert not any(each.done() for each in more)


async def test_in_a_full_queue_a_newcomer_takes_the_last_place_of_who_has_most(seats: Seats) -> None:
    caps = Concurrency(total=1, length=3, wait=60)
    await seat(seats, caps, 1)
    flood = await queued(seats, caps, 1, 1, 1)
    (other,) = await queued(seats, caps, 2)

    crowded_out = [each.done() and isinstance(each.exception(), Overloaded) for each in flood]

    assert crowded_out == [False, False, True]
    assert not other.done()
    with pytest.raises(Overloaded):
        await seats.take(caps, caller(1))
    await queued(seats, caps, 3)
    for task in (*flood, other):
        task.cancel()


@pytest.mark.parametrize("turns", range(6))
async def test_a_seat_that_comes_free_in_any_turn_of_the_loop_around_the_end_of_a_wait_is_not_lost(
    seats: Seats, turns: int
) -> None:
    caps = Concurrency(total=1, length=2, wait=0)
    first = await seat(seats, caps, 1)
    waiting = asyncio.Task(seat(seats, caps, 2))
    await settle(turns)
    first.leave()
    await settle()

    if waiting.exception() is None:
        waiting.result().leave()
    (await seat(seats, caps, 3)).leave()
    assert (seats._seated, seats._waiting, seats._present_of) == (0, 0, Counter())


async def test_a_lowered_cap_applies_while_there_is_a_queue(seats: Seats) -> None:
    before, after = Concurrency(total=3, length=9, wait=60), Concurrency(total=1, length=9, wait=60)
    held = [await seat(seats, before, 1) for _ in range(3)]
    waiting = await queued(seats, after, 2, 3)

    held[0].leave()
    held[1].leave()
    await settle()
    assert not any(each.done() for each in waiting)

    held[2].leave()
    await settle()
    assert [each.done() for each in waiting] == [True, False]
    waiting[0].result().leave()
    await settle()
    assert waiting[1].done()


@pytest.mark.parametrize("after", [Concurrency(total=3, length=0), Concurrency(per_user=5), None], ids=str)
async def test_a_raised_cap_lets_in_who_waits_and_then_whoever_comes(seats: Seats, after: Concurrency | None) -> None:
    before = Concurrency(total=1, length=9, wait=60)
    await seat(seats, before, 1)
    (waiting,) = await queued(seats, before, 2)

    await seats.take(after, caller(3))
    await settle()

    assert waiting.done()


class Crowd:
    """Callers who come and go in any turn of the loop, under a cap that changes."""

    def __init__(self) -> None:
        self.seats = Seats(Metrics())
        self.total = self.allowed = 2
        self.here = list[asyncio.Task[Seat]]()

    async def do(self, step: str, number: int) -> None:
        match step:
            case "come" | "come in a hurry":
                caps = Concurrency(total=self.total, length=4, wait=0 if step == "come in a hurry" else 60)
                self.here.append(asyncio.Task(seat(self.seats, caps, number)))
                await settle(1)
            case "turn":
                await settle(1)
            case "recap":
                self.total = number
            case _ if self.here:
                go(self.here.pop(number % len(self.here)))
            case _:
                pass
        self.allowed = max(self.total, min(self.allowed, self.seats._seated))


def go(task: asyncio.Task[Seat]) -> None:
    """Leave, or give up."""
    if not task.done():
        task.cancel()
    elif not task.cancelled() and task.exception() is None:
        task.result().leave()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["come", "come in a hurry", "go", "turn", "recap"]), st.integers(1, 4))))
async def test_whatever_ends_in_the_same_turn_of_the_loop_no_seat_is_lost_and_no_cap_exceeded(
    steps: list[tuple[str, int]],
) -> None:
    crowd = Crowd()
    seats = crowd.seats
    for step, number in steps:
        await crowd.do(step, number)
        assert 0 <= seats._seated <= crowd.allowed
        assert not (seats._queues and seats._has_room)
    for _ in range(2):  # Who still waits gives up, who sits leaves.
        for task in crowd.here:
            go(task)
        await settle()
    assert (seats._seated, seats._waiting, seats._queues) == (0, 0, {})
    assert (seats._seated_of, seats._present_of) == (Counter(), Counter())


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from(["come", "leave", "give up"]), st.integers(1, 4)), max_size=60),
    st.integers(1, 3),
)
async def test_there_are_never_more_seated_than_seats_nor_a_free_seat_while_somebody_waits(
    steps: list[tuple[str, int]], total: int
) -> None:
    seats, caps = Seats(Metrics()), Concurrency(total=total, length=8, wait=60)
    here: list[tuple[int, asyncio.Task[Seat]]] = []
    for step, user in steps:
        mine = [pair for pair in here if pair[0] == user]
        if step == "come":
            here.append((user, asyncio.Task(seat(seats, caps, user))))
        elif mine:
            here.remove(mine[0])
            if mine[0][1].done() and not mine[0][1].exception():
                mine[0][1].result().leave()
            else:
                mine[0][1].cancel()
        await settle()
        waiting = [task for _, task in here if not task.done()]
        seated = [task for _, task in here if task.done() and task.exception() is None]
        assert len(seated) == seats._seated <= total
        assert not waiting or len(seated) == total
    for _, task in here:
        task.cancel()


async def test_an_overloaded_gateway_refuses_before_the_body_is_read(tmp_path: Path, upstream: FakeUpstream) -> None:
    files = tree_for(upstream.url)
    files["gateway.yaml"] += "server: {concurrency: {total: 1, per_user: 5}, queue: {length: 0}}\n"
    answer = asyncio.Event()
    upstream.streams([pause(answer)])
    async with running_gateway(tmp_path, files) as gateway:
        key = await gateway.key()
        first = asyncio.Task(gateway.post("/v1/chat/completions", chat(), key=key))
        await upstream.until(lambda: len(upstream.requests) == 1)

        status, body = await gateway.post("/v1/chat/completions", b"not read", key=key)
        models, _ = await gateway.get("/v1/models", key=key)
        answer.set()
        await first
        after, _ = await gateway.post("/v1/chat/completions", b"read", key=key)

    assert (status, body["error"]["code"], models, after) == (503, "overloaded", 200, 400)
