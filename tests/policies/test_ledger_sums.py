from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from clinx.domain.money import Amount
from clinx.policies.ledger_sums import LedgerSums
from clinx.policies.subject import Scope, Subject
from clinx.storage import request_logs, spend
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.storage.spend import Spend, SpendKey
from support.database import START, request_log

TODAY = (START - START.replace(year=1970)).days
CALLER = Subject(7, 70, "vip", "gpt-4o")


async def settled() -> None:
    """Nothing waits."""


@pytest.mark.parametrize(
    ("scopes", "nano"),
    [
        ((), 31),
        ((Scope.USER,), 7),
        ((Scope.TOKEN,), 3),
        ((Scope.GROUP,), 9),
        ((Scope.MODEL,), 21),
        ((Scope.USER, Scope.MODEL), 5),
    ],
)
async def test_it_sums_what_shares_the_scopes(database: Database, scopes: tuple[Scope, ...], nano: int) -> None:
    rows = [(7, 70, "gpt-4o", "vip", 1), (7, 70, "o3", "default", 2), (7, 71, "gpt-4o", "default", 4)]
    rows += [(8, 80, "o3", "vip", 8), (8, 80, "gpt-4o", "default", 16)]
    await database.atomically(
        spend.add(
            Spend(SpendKey.of(user, TODAY, token, model, group), 1, Amount(nano), 1, 1)
            for user, token, model, group, nano in rows
        )
    )

    assert await LedgerSums(database, settled).spent(CALLER, scopes, START) == Amount(nano)


async def test_logs_that_were_moved_elsewhere_are_summed_as_well(database: Database, logs: Database) -> None:
    hour = START + timedelta(hours=1)
    for nano, where in ((1, database), (2, logs)):
        log = replace(request_log(f"r{nano}", charge=Amount(nano)), at=hour, user_id=7)
        await where.atomically(request_logs.append([log]))

    assert await LedgerSums(database, settled, logs=logs).spent(CALLER, (Scope.USER,), hour) == Amount(3)


async def test_what_does_not_reach_the_ledger_in_time_is_not_left_out(database: Database) -> None:
    sums = LedgerSums(database, asyncio.Event().wait, patience=0.01)  # pyright: ignore[reportArgumentType]

    with pytest.raises(StorageUnavailable):
        await sums.spent(CALLER, (), START + timedelta(hours=1))
