import asyncio
from dataclasses import replace

import pytest

from clinx.billing import transfer
from clinx.billing.failures import KeyReused
from clinx.billing.once import Claim, once
from clinx.storage import idempotency
from clinx.storage.database import Database
from clinx.storage.program import Program
from support.database import START

CLAIM = Claim(1, "key-1", "print", "three", START)


class Press:
    """Counts how often it worked, and says so."""

    def __init__(self) -> None:
        self.runs = 0

    def work(self) -> Program[str]:
        self.runs += 1
        yield from ()
        return f"run {self.runs}"


async def do(database: Database, claim: Claim, press: Press) -> tuple[str, bool]:
    return await transfer.persist(database, lambda: once(claim, press.work))


async def test_what_was_done_under_a_key_is_not_done_again(database: Database):
    press = Press()

    assert await do(database, CLAIM, press) == ("run 1", True)
    assert await do(database, CLAIM, press) == ("run 1", False)
    assert await do(database, replace(CLAIM, user_id=2), press) == ("run 2", True)
    assert await do(database, replace(CLAIM, key="key-2"), press) == ("run 3", True)


async def test_of_many_at_once_one_does_it(database: Database):
    press = Press()

    found = await asyncio.gather(*(do(database, CLAIM, press) for _ in range(5)))

    assert len({result for result, _ in found}) == 1
    assert [is_new for _, is_new in found].count(True) == 1


@pytest.mark.parametrize("other", [replace(CLAIM, asked="four"), replace(CLAIM, operation="sell")])
async def test_a_key_is_not_used_for_something_else(database: Database, other: Claim):
    press = Press()
    await do(database, CLAIM, press)

    with pytest.raises(KeyReused):
        await do(database, other, press)

    assert press.runs == 1


async def test_what_fails_uses_up_no_key(database: Database):
    press = Press()

    def failing() -> Program[str]:
        yield from press.work()
        raise ValueError("out of paper")

    with pytest.raises(ValueError, match="out of paper"):
        await transfer.persist(database, lambda: once(CLAIM, failing))

    assert await do(database, CLAIM, press) == ("run 2", True)


async def test_what_is_asked_for_is_kept_as_a_digest(database: Database):
    await do(database, CLAIM, Press())

    known = await database.atomically(idempotency.begin(1, "key-1", "print", "", START))
    assert known is not None
    assert (known.digest, known.result) == (CLAIM.digest, "run 1")
    assert len(CLAIM.digest) == 64
