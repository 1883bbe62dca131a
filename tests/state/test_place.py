from __future__ import annotations

import subprocess
import sys

from clinx.state.memory import MemoryCounters
from clinx.state.place import counters_at
from clinx.state.redis import RedisCounters
from support.database import Clock


def test_without_an_address_this_process_counts_for_itself() -> None:
    clock = Clock()

    assert isinstance(counters_at("", now=clock.now, monotonic=clock.monotonic), MemoryCounters)


async def test_with_one_redis_does() -> None:
    clock = Clock()

    counters = counters_at("redis://127.0.0.1:1/0", now=clock.now, monotonic=clock.monotonic)

    assert isinstance(counters, RedisCounters)
    await counters.close()


def test_who_has_no_redis_does_not_load_its_client() -> None:
    program = "import sys, clinx.app; sys.exit('redis' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
