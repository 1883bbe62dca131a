import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from clinx.accounts import tokens
from clinx.accounts.tokens import Limits
from clinx.billing.batch import Overtaken, Passage, execute, ship
from clinx.billing.journal.files import Position
from clinx.billing.operations import Hold, Lend, Loan, Operation, Outcome, Record, Release, Repay, Resolution, Settle
from clinx.domain.identity import Principal
from clinx.domain.ledger import Origin, Reservation
from clinx.domain.money import ZERO, Amount
from clinx.errors import InsufficientBalance
from clinx.storage import leases, ledger, nodes, request_logs, rollups
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageRefused
from clinx.storage.leases import Lease
from clinx.storage.ledger import Movement
from support.database import ORIGIN, START, make_caller, request_log

OTHER = Origin("other", 1)
BUDGET = Limits(budget=Amount.parse("0.5"))


async def run(database: Database, *operations: Operation, origin: Origin = ORIGIN) -> list[Outcome]:
    return await database.atomically(execute(operations, START, origin))


def leased(caller: Principal, id_: str, amount: int, *, capped: bool = False) -> Reservation:
    return Reservation(id_, caller.user.id, caller.token.id, Amount(amount), "r1", leased=True, capped=capped)


def settle(caller: Principal, held: Reservation, charge: int) -> Settle:
    return Settle(held, Amount(charge), request_log(held.id, caller, charge=Amount(charge)))


async def state(database: Database, caller: Principal) -> list[Any]:
    """Balance, held and leased of the account; spent, held and leased of the token."""
    account = await database.fetch("SELECT balance, held, leased FROM account WHERE name = $1", caller.user.account)
    token = await database.fetch("SELECT spent, held, leased FROM token WHERE id = $1", caller.token.id)
    return [*account, *token]


async def shipped(
    database: Database, operations: Sequence[Operation], start: int, end: int, origin: Origin = ORIGIN
) -> list[Outcome]:
    return await database.atomically(
        ship(operations, START, origin, Passage(Position(1, start), Position(1, end), origin.epoch))
    )


async def at_the_beginning(database: Database) -> None:
    await database.atomically(nodes.begin(ORIGIN.node, "host", START, 0))
    await database.atomically(nodes.advance(ORIGIN, (0, 0), (1, 0)))


async def test_a_batch_is_one_transaction(database: Database):
    caller = await make_caller(database, balance="1")
    fine = Hold(Reservation("fine", caller.user.id, caller.token.id, Amount(1), "r1"), START)
    unstorable = Hold(Reservation("x" * 10 + "\ud800", caller.user.id, caller.token.id, Amount(1), "r1"), START)

    with pytest.raises(StorageRefused):
        await run(database, fine, Record(request_log("log")), unstorable)

    assert await request_logs.latest(database) == []
    assert await database.fetch("SELECT id FROM reservation") == []


async def test_nothing_to_do_is_fine(database: Database):
    assert await run(database) == []


async def test_a_guarded_movement_refuses_in_the_statement_itself(database: Database):
    caller = await make_caller(database, balance="1")

    with pytest.raises(StorageConflict):
        await database.atomically(
            ledger.move([Movement(caller.user.account, held=Amount.parse("1.000000001"), guarded=True)])
        )

    assert (await database.fetch("SELECT held FROM account WHERE name = $1", caller.user.account))[0][0] == 0


async def test_what_is_leased_is_charged_without_a_row_of_its_own(database: Database):
    caller = await make_caller(database, balance="0.000001", limits=Limits(budget=Amount(800)))
    (loan,) = await run(database, Lend(caller.user.id, caller.token.id, Amount(10), Amount(100)))
    assert loan == Loan(Amount(100), Amount(100))
    assert await state(database, caller) == [(1000, 0, 100), (0, 0, 100)]

    held = leased(caller, "req-1", 30, capped=True)
    outcomes = await run(database, settle(caller, held, 25), Release(leased(caller, "req-2", 9), request_log("req-2")))

    assert outcomes == [Resolution.SETTLED, Resolution.RELEASED]
    assert await state(database, caller) == [(975, 0, 75), (25, 0, 75)]
    lease = Lease(Amount(100), ZERO, Amount(25))
    scopes = [caller.user.account, f"token:{caller.token.id}"]
    assert await database.atomically(leases.lock(ORIGIN, scopes)) == dict.fromkeys(scopes, lease)
    assert await database.fetch("SELECT id FROM reservation") == []
    assert await database.fetch("SELECT account, amount FROM entry WHERE event = 'settle:req-1' ORDER BY account") == [
        ("revenue", 25),
        (caller.user.account, -25),
    ]
    assert await database.fetch("SELECT balance FROM account WHERE name = 'revenue'") == [(25,)]
    assert await database.fetch(
        'SELECT day, model, "group", calls, charge, input_tokens, output_tokens FROM spend'
    ) == [(21_915, "gpt-4o", "default", 1, 25, 10, 20)]
    assert {log.id for log in await request_logs.latest(database)} == {"req-1", "req-2"}


@pytest.mark.parametrize("charge", [0, 7])
async def test_a_leased_charge_counts_once_however_often_it_comes(database: Database, charge: int):
    caller = await make_caller(database, balance="1")
    await run(database, Lend(caller.user.id, caller.token.id, Amount(10), Amount(100)))
    again = settle(caller, leased(caller, "req-1", 10), charge)

    assert await run(database, again, again) == [Resolution.SETTLED, Resolution.ALREADY]
    assert await run(database, again) == [Resolution.ALREADY]

    assert await state(database, caller) == [(10**9 - charge, 0, 100 - charge), (charge, 0, 0)]
    assert await database.fetch("SELECT calls, charge FROM spend") == [(1, charge)]


async def test_each_life_spends_its_own_lease(database: Database):
    caller = await make_caller(database, balance="0.000001")
    lend = Lend(caller.user.id, caller.token.id, Amount(10), Amount(100))
    assert await run(database, lend) == [Loan(Amount(100), None)]
    assert await run(database, lend, origin=OTHER) == [Loan(Amount(100), None)]

    await run(database, settle(caller, leased(caller, "req-1", 150), 150), origin=OTHER)

    assert await state(database, caller) == [(850, 0, 100), (150, 0, 0)]
    assert await database.fetch("SELECT node, granted, spent FROM lease ORDER BY node") == [
        (ORIGIN.node, 100, 0),
        ("other", 100, 100),
    ]


async def test_a_refused_hold_knows_of_the_leases_of_others(database: Database):
    caller = await make_caller(database, balance="0.000001")
    await run(database, Lend(caller.user.id, caller.token.id, Amount(100), Amount(1000)), origin=OTHER)
    hold = Hold(Reservation("req-1", caller.user.id, caller.token.id, Amount(800), "r1"), START)

    (elsewhere,) = await run(database, hold)
    (ours,) = await run(database, hold, origin=OTHER)

    assert isinstance(elsewhere, InsufficientBalance)
    assert isinstance(ours, InsufficientBalance)
    assert (elsewhere.available_nano, elsewhere.leased_elsewhere) == (750, True)
    assert (ours.available_nano, ours.leased_elsewhere) == (750, False)


async def test_a_lease_of_a_deleted_token_is_spent_and_repaid_all_the_same(database: Database):
    caller = await make_caller(database, balance="0.000001", limits=Limits(budget=Amount(1000)))
    await run(database, Lend(caller.user.id, caller.token.id, Amount(10), Amount(100)))
    await tokens.delete(database, caller.token, at=START)
    token = f"token:{caller.token.id}"

    outcomes = await run(
        database,
        settle(caller, leased(caller, "req-1", 30, capped=True), 30),
        Repay(token, Amount(70)),
        Repay(caller.user.account, Amount(70)),
    )

    assert outcomes == [Resolution.SETTLED, None, None]
    assert await state(database, caller) == [(970, 0, 0)]
    assert await database.fetch("SELECT granted, returned, spent FROM lease") == [(100, 70, 30)] * 2


async def test_a_direct_hold_names_the_life_that_holds_it_and_a_tasks_none(database: Database):
    caller = await make_caller(database, balance="1")
    ours, tasks = (Reservation(id_, caller.user.id, caller.token.id, Amount(1), "r1") for id_ in ("ours", "tasks"))

    await run(database, Hold(ours, START), Hold(tasks, START, terms='{"kind":"video"}'))

    assert await database.fetch("SELECT id, node, epoch, terms FROM reservation ORDER BY id") == [
        ("ours", ORIGIN.node, ORIGIN.epoch, None),
        ("tasks", None, 0, '{"kind":"video"}'),
    ]


async def test_a_journal_is_shipped_in_order_and_once(database: Database):
    caller = await make_caller(database, balance="1")
    await at_the_beginning(database)
    first, second = (settle(caller, leased(caller, id_, 0), 5) for id_ in ("req-1", "req-2"))

    assert await shipped(database, [first], 0, 100) == [Resolution.SETTLED]
    for start in (0, 99, 101):
        with pytest.raises(Overtaken):
            await shipped(database, [second], start, 200)
    assert await database.atomically(nodes.position(ORIGIN.node)) == (1, 100)
    assert await state(database, caller) == [(10**9 - 5, 0, 0), (5, 0, 0)]

    assert await shipped(database, [first, second], 100, 200) == [Resolution.ALREADY, Resolution.SETTLED]
    assert await shipped(database, [], 200, 300) == []
    assert await database.atomically(nodes.position(ORIGIN.node)) == (1, 300)
    assert await state(database, caller) == [(10**9 - 10, 0, 0), (10, 0, 0)]


async def test_a_batch_that_is_refused_does_not_move_the_position(database: Database):
    caller = await make_caller(database, balance="1")
    await at_the_beginning(database)
    fine, unstorable = (settle(caller, leased(caller, id_, 0), 5) for id_ in ("req-1", "x\ud800"))

    with pytest.raises(StorageRefused):
        await shipped(database, [fine, unstorable], 0, 100)

    assert await database.atomically(nodes.position(ORIGIN.node)) == (1, 0)
    assert await state(database, caller) == [(10**9, 0, 0), (0, 0, 0)]
    assert await request_logs.latest(database) == []


async def test_a_journal_of_an_unknown_node_is_not_shipped(database: Database):
    with pytest.raises(Overtaken):
        await shipped(database, [Record(request_log("req-1"))], 0, 100)

    assert await request_logs.latest(database) == []


async def test_processes_that_ship_hold_lend_and_repay_at_once_take_their_locks_in_one_order(database_url: str):
    databases = [await Database.connect(database_url) for _ in range(3)]
    limits = Limits(budget=Amount.parse("1"))
    callers = [await make_caller(databases[0], f"user{n}", balance="1", limits=limits) for n in range(8)]
    origins = [Origin(f"node{number}", 1) for number in range(3)]
    for origin in origins:
        await databases[0].atomically(nodes.begin(origin.node, "host", START, 0))

    async def work(number: int) -> None:
        random, origin = Random(number), origins[number]
        for turn in range(15):
            mixed = [operation for caller in callers for operation in each(caller, f"{number}-{turn}")]
            random.shuffle(mixed)
            program = ship(mixed, START, origin, Passage(Position(0, turn), Position(0, turn + 1), origin.epoch))
            await databases[number].atomically(program)  # A deadlock would be a StorageConflict.

    def each(caller: Principal, name: str) -> list[Operation]:
        id_ = f"{name}-{caller.user.id}"
        held = leased(caller, id_, 10, capped=True)
        direct = Reservation(f"direct-{id_}", caller.user.id, caller.token.id, Amount(5), "r1")
        lend = Lend(caller.user.id, caller.token.id, Amount(10), Amount(50))
        return [lend, settle(caller, held, 7), Hold(direct, START), Repay(caller.user.account, Amount(10))]

    await asyncio.gather(*(work(number) for number in range(3)))

    assert await databases[0].fetch("SELECT SUM(balance) FROM account") == [(0,)]
    assert await databases[0].fetch("SELECT COUNT(*) FROM entry WHERE kind = 'charge'") == [(2 * 3 * 15 * 8,)]
    assert await databases[0].fetch(
        "SELECT (SELECT SUM(leased) FROM account) = (SELECT SUM(granted - returned - spent) FROM lease"
        " WHERE scope LIKE 'user:%'), (SELECT SUM(leased) FROM token) = (SELECT SUM(granted - returned - spent)"
        " FROM lease WHERE scope LIKE 'token:%')"
    ) == [(True, True)]
    for opened in databases:
        await opened.close()


async def counted(database: Database) -> list[Any]:
    """Requests and charge of everybody, by day."""
    while await rollups.fold(database):
        pass
    return list(
        await database.fetch(
            "SELECT requests, charge FROM rollup WHERE user_id = 0 AND facet = 'total' AND grain = 'day' ORDER BY start"
        )
    )


@pytest.mark.parametrize("charge", [0, 7])
async def test_an_exchange_counts_once_however_often_it_is_told(database: Database, charge: int):
    caller = await make_caller(database, balance="1")
    await run(database, Lend(caller.user.id, caller.token.id, Amount(10), Amount(100)))
    told = [
        settle(caller, leased(caller, "settled", 10), charge),
        Release(leased(caller, "released", 9), request_log("released", caller)),
        Record(request_log("refused", caller)),
    ]

    await run(database, *told, *told)
    await run(database, *told)

    assert await counted(database) == [(3, charge)]
    assert len(await request_logs.latest(database)) == 3


async def test_a_hold_of_the_database_counts_once_too(database: Database):
    caller = await make_caller(database, balance="1")
    held = Reservation("req-1", caller.user.id, caller.token.id, Amount(10), "r1")
    freed = Reservation("req-2", caller.user.id, caller.token.id, Amount(10), "r1")
    await run(database, Hold(held, START), Hold(freed, START))
    ended = [settle(caller, held, 6), Release(freed, request_log("req-2", caller))]

    assert await run(database, *ended) == [Resolution.SETTLED, Resolution.RELEASED]
    assert await run(database, *ended) == [Resolution.ALREADY, Resolution.ALREADY]

    assert await counted(database) == [(2, 6)]


async def test_a_log_that_came_before_does_not_keep_a_charge_from_counting(database: Database):
    caller = await make_caller(database, balance="1")
    await run(database, Release(leased(caller, "req-1", 10), request_log("req-1", caller)))

    (outcome,) = await run(database, settle(caller, leased(caller, "req-1", 10), 6))

    assert outcome is Resolution.SETTLED
    assert await counted(database) == [(2, 6)]


async def test_what_was_not_committed_does_not_count(database: Database):
    caller = await make_caller(database, balance="1")
    unstorable = Hold(Reservation("x" * 10 + "\ud800", caller.user.id, caller.token.id, Amount(1), "r1"), START)

    with pytest.raises(StorageRefused):
        await run(database, Record(request_log("log")), unstorable)
    assert await counted(database) == []

    await run(database, Record(request_log("log")))
    assert await counted(database) == [(1, 0)]
