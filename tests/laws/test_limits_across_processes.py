"""A limit is the limit, whoever asks and from wherever: eight processes at one Redis."""

from __future__ import annotations

import asyncio
import sys
import uuid

from support.counters import REDIS, needs_redis

PROCESSES = 8
CALLS = 20
"""Of each process, all at once."""
LIMIT = 60
DEADLINE = 60.0
PROGRAM = """
import asyncio, sys, time
from datetime import UTC, datetime
from clinx.errors import RateLimited
from clinx.policies.gate import Gate
from clinx.policies.limit import LimitRule, Measure
from clinx.policies.subject import Subject
from clinx.state.redis import RedisCounters

class Note:
    refused = unshared = 0

    def limit_refused(self, rule):
        self.refused += 1

    def limits_unshared(self):
        self.unshared += 1

async def main(url, name, number, limit, calls):
    counters, note = RedisCounters(url, monotonic=time.monotonic, answer_seconds=10), Note()
    ids = iter(f"{number}-{n}" for n in range(1000))
    gate = Gate(counters, lambda: datetime.now(UTC), new_id=ids.__next__, spent=None, note=note)
    print("ready", flush=True)
    sys.stdin.readline()

    async def passes(rule):
        try:
            await gate.enter([rule], Subject(7, 70, "default"))
        except RateLimited:
            return False
        return True

    for sliding in (True, False):
        rule = LimitRule(f"{name}-{sliding}", Measure.REQUESTS, int(limit), 24 * 3_600_000, sliding=sliding)
        print(sum(await asyncio.gather(*(passes(rule) for _ in range(int(calls))))), flush=True)
    print(note.refused, note.unshared, flush=True)
    await gate.close()

asyncio.run(main(*sys.argv[1:]))
"""


@needs_redis
async def test_of_many_calls_at_once_exactly_as_many_pass_as_the_limit_says() -> None:
    name = f"law-{uuid.uuid4().hex}"
    programs = [await start(name, number) for number in range(PROCESSES)]
    async with asyncio.timeout(DEADLINE):
        assert [await line(program) for program in programs] == ["ready"] * PROCESSES
        for program in programs:
            assert program.stdin is not None
            program.stdin.write(b"go\n")
        sliding = [int(await line(program)) for program in programs]
        fixed = [int(await line(program)) for program in programs]
        refused = [await line(program) for program in programs]
        await asyncio.gather(*(program.wait() for program in programs))

    assert sum(sliding) == sum(fixed) == LIMIT
    assert sum(int(each.split()[0]) for each in refused) == 2 * (PROCESSES * CALLS - LIMIT)
    assert {each.split()[1] for each in refused} == {"0"}


async def start(name: str, number: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, REDIS, name, str(number), str(LIMIT), str(CALLS)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def line(program: asyncio.subprocess.Process) -> str:
    assert program.stdout is not None
    return (await program.stdout.readline()).decode().strip()
