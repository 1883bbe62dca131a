"""Ids of requests: unique in all processes, in the order of their milliseconds."""

from __future__ import annotations

import random
import time
from collections.abc import Callable


def request_ids(draw: random.Random) -> Callable[[], str]:
    """Return a maker of ids: the millisecond, then 64 bits of a generator that was seeded with entropy.

    Ids of all processes never meet, and rows written together lie together: an index over random ids would make every
    exchange touch pages of its own. An id is no secret, so it need not cost a system call.
    """

    def new_id() -> str:
        return f"req_{time.time_ns() // 1_000_000:012x}{draw.getrandbits(64):016x}"

    return new_id
