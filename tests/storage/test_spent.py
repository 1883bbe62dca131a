from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from clinx.domain.money import Amount
from clinx.storage import request_logs, spend
from clinx.storage.database import Database
from clinx.storage.program import Program, Row, Value
from clinx.storage.spend import Spend, SpendKey
from clinx.storage.spent import EVERYBODY, Whose, spent
from support.database import START, request_log

TODAY = (START - datetime(1970, 1, 1, tzinfo=UTC)).days


def sums(*rows: tuple[int, int, int, str, str, int]) -> Program[None]:
    """Sums of (user, day, token, model, group, nano)."""
    return spend.add(
        Spend(SpendKey.of(user, day, token, model, group), 1, Amount(nano), 1, 1)
        for user, day, token, model, group, nano in rows
    )


@pytest.mark.parametrize(
    ("whose", "nano"),
    [
        (EVERYBODY, 31),
        (Whose(user_id=1), 7),
        (Whose(user_id=1, token_id=8), 6),
        (Whose(group="vip"), 25),
        (Whose(user_id=1, model="o3"), 4),
        (Whose(user_id=9), 0),
    ],
)
async def test_from_midnight_on_the_daily_sums_are_summed(database: Database, whose: Whose, nano: int) -> None:
    await database.atomically(
        sums(
            (1, TODAY - 1, 7, "gpt-4o", "vip", 1000),
            (1, TODAY, 7, "gpt-4o", "vip", 1),
            (1, TODAY, 8, "gpt-4o", "default", 2),
            (1, TODAY + 1, 8, "o3", "default", 4),
            (2, TODAY, 9, "o3", "vip", 8),
            (2, TODAY + 1, 9, "o3", "vip", 16),
        )
    )

    assert await spent(database, START, whose) == Amount(nano)


async def test_within_a_day_the_log_is_summed(database: Database) -> None:
    hour = START + timedelta(hours=5)
    logs = [
        replace(
            request_log(f"r{nano}", charge=Amount(nano)), at=hour + timedelta(seconds=seconds), user_id=7, token_id=70
        )
        for seconds, nano in ((-1, 1), (0, 2), (9, 4))
    ]
    await database.atomically(request_logs.append(logs))

    assert await spent(database, hour) == Amount(6)
    assert await spent(database, hour, Whose(user_id=7, token_id=70, model="gpt-4o")) == Amount(6)
    assert await spent(database, hour, Whose(user_id=8)) == Amount(0)


async def test_what_waits_here_what_was_moved_and_what_is_in_both_for_a_moment_counts_once(
    database: Database, logs: Database
) -> None:
    hour = START + timedelta(hours=5)
    waits, moved, in_both, before, free = (
        replace(
            request_log(f"r{nano}", charge=Amount(nano)),
            at=hour + timedelta(seconds=seconds),
            user_id=7,
            model=f"m{nano}",
        )
        for nano, seconds in ((1, 0), (2, 1), (4, 2), (8, -1), (0, 3))
    )
    await database.atomically(request_logs.append([waits, in_both, free]))
    await logs.atomically(request_logs.append([moved, in_both, before]))

    assert await spent(database, hour, logs=logs) == Amount(7)
    assert await spent(database, hour, Whose(user_id=7, model="m4"), logs=logs) == Amount(4)
    assert await spent(database, hour, Whose(user_id=7, model="m2"), logs=logs) == Amount(2)
    assert await spent(database, hour, Whose(user_id=8), logs=logs) == Amount(0)


async def test_a_log_that_moves_while_it_is_summed_counts_once(database: Database, logs: Database) -> None:
    hour = START + timedelta(hours=5)
    log = replace(request_log("r1", charge=Amount(3)), at=hour)
    await database.atomically(request_logs.append([log]))

    class MovedMeanwhile(Database):
        def __init__(self) -> None:
            vars(self).update(vars(database))

        async def fetch(self, sql: str, *values: Value) -> Sequence[Row]:
            found = await super().fetch(sql, *values)
            await logs.atomically(request_logs.append([log]))
            return found

    assert await spent(MovedMeanwhile(), hour, logs=logs) == Amount(3)


async def test_from_midnight_on_the_database_for_logs_is_not_asked(database: Database, logs: Database) -> None:
    await database.atomically(sums((1, TODAY, 7, "gpt-4o", "vip", 5)))
    await logs.atomically(request_logs.append([replace(request_log("r1", charge=Amount(3)), at=START)]))

    assert await spent(database, START, logs=logs) == Amount(5)


async def test_the_same_database_for_both_is_summed_once(database: Database) -> None:
    hour = START + timedelta(hours=5)
    await database.atomically(request_logs.append([replace(request_log("r1", charge=Amount(3)), at=hour)]))

    assert await spent(database, hour, logs=database) == Amount(3)
