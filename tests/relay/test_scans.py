from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from clinx.relay.aside import LARGE
from clinx.relay.scans import THREADS, Scans, weight
from clinx.telemetry.tasks import Supervisor

LONG = LARGE + 1


class Work:
    """Work that goes on until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.go.wait(5)
        return threading.current_thread().name


def begin(look: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
    return Supervisor().start(look, name="look")


async def begun(*works: Work) -> None:
    for work in works:
        assert await asyncio.to_thread(work.begun.wait, 5)


async def test_little_is_looked_at_where_it_is_and_much_in_threads_of_its_own() -> None:
    scans, name = Scans(), lambda: threading.current_thread().name

    assert await scans.look(1, LARGE, name) == threading.current_thread().name
    assert (await scans.look(1, LONG, name)).startswith("guard")


async def test_of_one_user_one_text_is_looked_at_at_a_time_and_others_do_not_wait_for_it() -> None:
    scans, works = Scans(), [Work() for _ in range(3)]

    looks = [begin(scans.look(user, LONG, work)) for user, work in zip((1, 1, 2), works, strict=True)]
    await begun(works[0], works[2])

    assert not works[1].begun.is_set()
    for work in works:
        work.go.set()
    assert len(await asyncio.gather(*looks)) == 3


async def test_who_leaves_gets_no_other_turn_before_what_was_begun_is_over() -> None:
    scans, first, second = Scans(), Work(), Work()
    left = begin(scans.look(1, LONG, first))
    await begun(first)
    left.cancel()
    next_one = begin(scans.look(1, LONG, second))
    await asyncio.wait([left])

    assert await scans.look(2, LONG, second.begun.is_set) is False
    first.go.set()
    second.go.set()
    await next_one


async def test_what_waits_for_a_thread_and_is_left_is_never_begun() -> None:
    scans, busy, never = Scans(), [Work() for _ in range(THREADS)], Work()
    looks = [begin(scans.look(user, LONG, work)) for user, work in enumerate(busy)]
    await begun(*busy)
    left = begin(scans.look(99, LONG, never))
    await asyncio.wait([left], timeout=0)
    left.cancel()
    await asyncio.wait([left])
    for work in busy:
        work.go.set()
    await asyncio.gather(*looks)

    assert await scans.look(99, LONG, never.begun.is_set) is False


async def test_what_it_raises_is_raised_and_the_next_one_has_its_turn() -> None:
    scans = Scans()
    broken: Callable[[], int] = lambda: int("no number")  # noqa: E731

    with pytest.raises(ValueError, match="no number"):
        await scans.look(1, LONG, broken)
    assert await scans.look(1, LONG, lambda: 1) == 1


def test_a_text_of_many_strings_weighs_more_and_the_more_the_more_rules_there_are() -> None:
    assert weight(b"x" * 100, 10) == 100
    assert weight(b'["a","b"]', 1) < weight(b'["a","b"]', 2)
    assert weight(b'"a",' * 5000, 3) > LARGE > len(b'"a",' * 5000)
