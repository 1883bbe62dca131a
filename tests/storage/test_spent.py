from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from clinx.domain.money import Amount
from clinx.storage import request_logs, spend
from clinx.storage.database import Database
from clinx.storage.program import Program
from clinx.storage.spend import Spend, SpendKey
from clinx.storage.spent import spent
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
        ({}, 31),
        ({"user_id": 1}, 7),
        ({"user_id": 1, "token_id": 8}, 6),
        ({"group": "vip"}, 25),
        ({"user_id": 1, "model": "o3"}, 4),
        ({"user_id": 9}, 0),
    ],
)
async def test_from_midnight_on_the_daily_sums_are_summed(database: Database, whose: dict[str, Any], nano: int) -> None:
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

    assert await spent(database, START, **whose) == Amount(nano)


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
    assert await spent(database, hour, user_id=7, token_id=70, model="gpt-4o") == Amount(6)
    assert await spent(database, hour, user_id=8) == Amount(0)
