"""Looks into long texts: in threads of their own, and of each user one at a time.

Nobody has paid for anything yet when a request is looked at. So what is looked at takes no thread from others' work,
and who sends much of it waits for himself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from clinx.relay.aside import LARGE

THREADS: Final = 2
STRING: Final = 4
"""Bytes of a text that take as long to look at as a string does before its first character, for each quote of it."""

_T = TypeVar("_T")


class Scans:
    """Where texts are looked at."""

    __slots__ = ("_threads", "_turns")

    def __init__(self) -> None:
        """Start no thread yet."""
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="guard")
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def look(self, user: int, size: int, work: Callable[[], _T]) -> _T:
        """Do work over so many bytes: at once if they are few, in the user's turn if they are many.

        A caller who leaves does not get another turn before what was begun for them is over.
        """
        if size <= LARGE:
            return work()
        turn = self._turns.setdefault(user, asyncio.Lock())
        await turn.acquire()
        try:
            future = self._threads.submit(work)
        except BaseException:
            turn.release()
            raise
        future.add_done_callback(partial(_release, asyncio.get_running_loop(), turn))
        return await asyncio.wrap_future(future)


def weight(data: bytes, rules: int) -> int:
    """Return how long so many rules look at JSON text, in bytes of one plain text: every string of it costs more."""
    return len(data) + STRING * rules * data.count(b'"')


def _release(loop: asyncio.AbstractEventLoop, turn: asyncio.Lock, done: Future[Any]) -> None:
    del done
    with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
        loop.call_soon_threadsafe(turn.release)
