import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest
from msgspec.structs import replace

from clinx.accounts import tokens, users
from clinx.accounts.tokens import Limits
from clinx.billing import statement
from clinx.billing.operations import Direct, Loan, Operation, Outcome, Resolution
from clinx.billing.sweep import sweep
from clinx.billing.vault import MOST_LOGS, Vault
from clinx.domain.identity import Principal, Status
from clinx.domain.ledger import Balance, EntryKind, Origin, Reservation
from clinx.domain.money import ZERO, Amount
from clinx.errors import (
    BillingUnavailable,
    BudgetSpent,
    GatewayError,
    InsufficientBalance,
    InternalError,
    PermissionDenied,
    TokenDisabled,
    TokenExpired,
)
from clinx.storage import request_logs, statements
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageInDoubt, StorageUnavailable
from clinx.storage.program import Program, execute
from clinx.telemetry.tasks import Supervisor
from support.books import contradictions
from support.database import ORIGIN, START, Clock, make_caller, request_log

T = TypeVar("T")
HOUR = timedelta(hours=1)
ONE = Amount.parse("1")


def usd(text: str) -> Amount:
    return Amount.parse(text)


async def hold(vault: Vault, caller: Principal, amount: str, request_id: str = "req-1") -> Reservation:
    return await vault.reserve(caller, usd(amount), request_id=request_id, revision="r1", lifetime=HOUR)


async def balance(database: Database, caller: Principal) -> tuple[str, str]:
    found = await statement.balance(database, caller.user)
    return str(found.total), str(found.held)


async def spent(database: Database, caller: Principal) -> str:
    return str((await tokens.find(database, str(caller.token.id))).token.spent)


async def test_a_hold_is_taken_from_what_is_available(database: Database, vault: Vault):
    caller = await make_caller(database, balance="5")

    reservation = await hold(vault, caller, "3")

    assert reservation == Reservation("req-1", caller.user.id, caller.token.id, usd("3"), "r1")
    assert await balance(database, caller) == ("5", "3")


async def test_a_settlement_charges_frees_the_hold_and_writes_two_entries_and_the_log(database: Database, vault: Vault):
    caller = await make_caller(database, balance="5")
    reservation = await hold(vault, caller, "3")

    log = request_log("req-1", caller, charge=usd("1.25"))
    outcome = await vault.settle(reservation, usd("1.25"), log=log)

    assert outcome is Resolution.SETTLED
    assert await balance(database, caller) == ("3.75", "0")
    assert await spent(database, caller) == "1.25"
    entry = (await statement.entries(database, caller.user))[0]
    assert (entry.event, entry.amount, entry.kind, entry.revision, entry.detail, entry.at) == (
        "settle:req-1",
        usd("-1.25"),
        EntryKind.CHARGE,
        "r1",
        "gpt-4o",
        START,
    )
    assert (await statements.entries(database, "revenue"))[0].amount == usd("1.25")
    assert await request_logs.find(database, "req-1") == log
    assert await contradictions(database) == []


async def test_a_hold_resolves_at_most_once(database: Database, vault: Vault):
    caller = await make_caller(database, balance="5")
    reservation = await hold(vault, caller, "3")
    log = request_log("req-1", caller)

    first = await asyncio.gather(*(vault.settle(reservation, ONE, log=log) for _ in range(5)))
    later = [await vault.settle(reservation, ONE, log=log), await vault.release(reservation, log=None)]

    assert first == [Resolution.SETTLED] + [Resolution.ALREADY] * 4
    assert later == [Resolution.ALREADY] * 2
    assert await balance(database, caller) == ("4", "0")


async def test_a_release_frees_the_hold_and_charges_nothing(database: Database, vault: Vault):
    caller = await make_caller(database, balance="5")
    reservation = await hold(vault, caller, "3")

    assert await vault.release(reservation, log=request_log("req-1", caller)) is Resolution.RELEASED
    assert await vault.settle(reservation, ONE, log=request_log("req-1")) is Resolution.ALREADY

    assert await balance(database, caller) == ("5", "0")
    assert [entry.kind for entry in await statement.entries(database, caller.user)] == [EntryKind.GRANT]
    assert (await request_logs.find(database, "req-1")) == request_log("req-1", caller)


async def test_a_settlement_may_exceed_the_hold_and_the_balance(database: Database, vault: Vault):
    caller = await make_caller(database, balance="1")
    reservation = await hold(vault, caller, "1")

    await vault.settle(reservation, usd("3"), log=request_log("req-1"))

    assert await balance(database, caller) == ("-2", "0")
    with pytest.raises(InsufficientBalance, match="0 available"):
        await hold(vault, caller, "0.01", "req-2")


async def test_a_settlement_of_nothing_writes_no_entry(database: Database, vault: Vault):
    caller = await make_caller(database)
    reservation = await hold(vault, caller, "0")

    assert await vault.settle(reservation, ZERO, log=request_log("req-1")) is Resolution.SETTLED

    assert await statement.entries(database, caller.user) == []
    assert await vault.settle(reservation, ZERO, log=request_log("req-1")) is Resolution.ALREADY


async def test_a_settlement_after_the_hold_expired_still_charges_and_frees_nothing_twice(
    database: Database, vault: Vault, clock: Clock
):
    caller = await make_caller(database, balance="5")
    reservation = await hold(vault, caller, "3")
    clock.advance(3600)
    assert await sweep(database, clock.now()) == 1
    other = await hold(vault, caller, "4", "req-2")

    assert await vault.settle(reservation, ONE, log=request_log("req-1")) is Resolution.SETTLED_LATE

    assert await balance(database, caller) == ("4", "4")
    assert await vault.release(other, log=None) is Resolution.RELEASED
    assert await contradictions(database) == []


async def test_a_settlement_whose_hold_is_gone_is_charged_once_and_frees_nothing(database: Database, vault: Vault):
    """A restored backup does not know the hold; the journal knows that it was granted and used."""
    caller = await make_caller(database, balance="5")
    gone = Reservation("gone", caller.user.id, caller.token.id, ONE, "r1")

    assert await vault.release(gone, log=None) is Resolution.UNKNOWN
    assert await vault.settle(gone, ONE, log=request_log("gone")) is Resolution.SETTLED_LATE
    assert await vault.settle(gone, ONE, log=request_log("gone")) is Resolution.ALREADY
    assert await balance(database, caller) == ("4", "0")
    assert await contradictions(database) == []


async def test_a_request_id_holds_once(database: Database, vault: Vault):
    caller = await make_caller(database, balance="5")
    await hold(vault, caller, "1")

    with pytest.raises(InternalError, match="used before"):
        await hold(vault, caller, "1")

    assert await balance(database, caller) == ("5", "1")


@pytest.mark.parametrize("amount", ["0", "1"])
async def test_a_revoked_token_is_refused_at_once(database: Database, vault: Vault, amount: str):
    caller = await make_caller(database, balance="5")
    await tokens.disable(database, caller.token, at=START)

    with pytest.raises(TokenDisabled):
        await hold(vault, caller, amount)

    assert await balance(database, caller) == ("5", "0")


async def test_a_deleted_token_is_refused_but_its_open_hold_is_still_charged(database: Database, vault: Vault):
    caller = await make_caller(database, balance="5")
    reservation = await hold(vault, caller, "2")
    await tokens.delete(database, caller.token, at=START)

    with pytest.raises(TokenDisabled):
        await hold(vault, caller, "0", "req-2")
    await vault.settle(reservation, ONE, log=request_log("req-1"))

    assert await balance(database, caller) == ("4", "0")


async def test_an_expired_token_is_refused(database: Database, vault: Vault, clock: Clock):
    caller = await make_caller(database, balance="5", limits=Limits(expires_at=START + HOUR))
    await vault.release(await hold(vault, caller, "1"), log=None)
    clock.advance(3600)

    with pytest.raises(TokenExpired):
        await hold(vault, caller, "1", "req-2")


async def test_a_disabled_user_is_refused(database: Database, vault: Vault):
    caller = await make_caller(database, balance="5")
    await users.change(database, caller.user, status=Status.DISABLED, at=START)

    with pytest.raises(PermissionDenied):
        await hold(vault, caller, "1")


async def test_exactly_as_many_holds_pass_as_the_balance_pays_for(database: Database, vault: Vault):
    caller = await make_caller(database, balance="1")

    answers = await asyncio.gather(
        *(hold(vault, caller, "0.01", f"req-{n}") for n in range(1000)), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [Reservation] * 100 + [InsufficientBalance] * 900
    assert await balance(database, caller) == ("1", "1")
    assert await contradictions(database) == []


async def test_a_thousand_calls_against_a_balance_for_a_hundred_leave_the_books_balanced(
    database: Database, vault: Vault
):
    caller = await make_caller(database, balance="1")

    async def call(number: int) -> bool:
        try:
            reservation = await hold(vault, caller, "0.01", f"req-{number}")
        except InsufficientBalance:
            return False
        await vault.settle(reservation, usd("0.01"), log=request_log(reservation.id, caller))
        return True

    answered = sum(await asyncio.gather(*(call(number) for number in range(1000))))

    assert answered == 100
    assert await balance(database, caller) == ("0", "0")
    assert (await database.fetch("SELECT SUM(amount) FROM entry"))[0][0] == 0
    assert (await database.fetch("SELECT COUNT(*) FROM request_log"))[0][0] == 100
    assert await contradictions(database) == []


async def test_a_budget_is_exact_under_concurrency(database: Database, vault: Vault):
    caller = await make_caller(database, balance="100", limits=Limits(budget=usd("0.5")))

    answers = await asyncio.gather(
        *(hold(vault, caller, "0.03", f"req-{n}") for n in range(100)), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [Reservation] * 16 + [BudgetSpent] * 84
    assert str(answers[-1]) == "The budget of this API key is spent: 0.02 left, this request may cost 0.03."


async def test_a_smaller_hold_passes_where_a_larger_one_before_it_did_not(database: Database, vault: Vault):
    caller = await make_caller(database, balance="1")

    answers = await asyncio.gather(
        *(hold(vault, caller, amount, amount) for amount in ("0.7", "0.4", "0.3", "0.1")), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [
        Reservation,
        InsufficientBalance,
        Reservation,
        InsufficientBalance,
    ]


async def test_one_users_poverty_does_not_touch_another(database: Database, vault: Vault):
    rich = await make_caller(database, "rich", balance="10")
    poor = await make_caller(database, "poor", balance="0.01")

    answers = await asyncio.gather(
        *(hold(vault, (rich, poor)[n % 2], "1", f"req-{n}") for n in range(10)), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [Reservation, InsufficientBalance] * 5


async def test_what_a_settlement_frees_may_be_held_in_the_same_batch(database: Database, vault: Vault):
    caller = await make_caller(database, balance="1")
    reservation = await hold(vault, caller, "1")

    answers = await asyncio.gather(
        hold(vault, caller, "0.9", "req-2"),
        vault.settle(reservation, usd("0.1"), log=request_log("req-1")),
    )

    assert answers[1] is Resolution.SETTLED
    assert await balance(database, caller) == ("0.9", "0.9")


async def test_a_caller_that_leaves_while_holding_keeps_nothing(database: Database, vault: Vault):
    caller = await make_caller(database, balance="1")
    asking = asyncio.ensure_future(hold(vault, caller, "1"))  # noqa: TID251  (a caller that leaves)
    await asyncio.sleep(0)  # It is queued now, and its commit begins with the next turn of the loop.
    await asyncio.sleep(0)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await vault.record(request_log("later"))
    await vault.record(request_log("later still"))

    assert await balance(database, caller) == ("1", "0")


async def test_a_caller_cancelled_between_the_commit_and_its_answer_keeps_nothing(
    database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
):
    caller = await make_caller(database, balance="1")
    submit = vault._submit

    def submit_and_cancel(operation: Operation) -> asyncio.Future[Outcome]:
        answer = submit(operation)
        answer.add_done_callback(lambda _: asking.cancel())
        return answer

    monkeypatch.setattr(vault, "_submit", submit_and_cancel)
    asking = asyncio.ensure_future(hold(vault, caller, "1"))  # noqa: TID251  (a caller that is cancelled)
    with pytest.raises(asyncio.CancelledError):
        await asking
    monkeypatch.undo()
    await vault.record(request_log("later"))

    assert await balance(database, caller) == ("1", "0")
    assert await database.fetch("SELECT state FROM reservation") == [("released",)]


async def test_a_user_whose_account_row_is_missing_is_served(database: Database, vault: Vault):
    caller = await make_caller(database)

    def forget() -> Program[int]:
        return (yield from execute("DELETE FROM account WHERE name = $1", caller.user.account))

    await database.atomically(forget())
    free = await hold(vault, caller, "0")
    await vault.settle(free, ONE, log=request_log("req-1"))

    assert await balance(database, caller) == ("-1", "0")


async def test_a_record_is_written_once_and_moves_nothing(database: Database, vault: Vault):
    log = request_log("req-1")
    await vault.record(log)
    await vault.record(request_log("req-1", charge=ONE))

    assert await request_logs.latest(database) == [log]


async def test_hostile_text_in_a_log_does_not_stop_a_settlement(database: Database, vault: Vault):
    caller = await make_caller(database, balance="5")
    reservation = await hold(vault, caller, "1")
    log = request_log("req-1", caller)
    hostile = replace(log, model="a\x00b\ud800" + "x" * 999)

    assert await vault.settle(reservation, ONE, log=hostile) is Resolution.SETTLED
    found = await request_logs.find(database, "req-1")
    assert found is not None
    assert found.model == "a\ufffdb?" + "x" * 251


async def test_negative_amounts_are_defects(database: Database, vault: Vault):
    caller = await make_caller(database, balance="5")

    with pytest.raises(ValueError, match="hold is not negative"):
        await hold(vault, caller, "-1")
    reservation = await hold(vault, caller, "1")
    with pytest.raises(ValueError, match="charge is not negative"):
        await vault.settle(reservation, usd("-1"), log=request_log("req-1"))


class FlakyDatabase:
    """A database that answers as told before it works."""

    def __init__(self, database: Database, *failures: Exception) -> None:
        self.database = database
        self.failures: Sequence[Exception] = failures
        self.programs = 0

    async def atomically(self, program: Program[T]) -> T:
        self.programs += 1
        if self.failures:
            program.close()
            failure, *self.failures = self.failures
            raise failure
        return await self.database.atomically(program)


def counter(database: object, supervisor: Supervisor, clock: Clock) -> Vault:
    return Vault(database, supervisor, origin=ORIGIN, now=clock.now, random=Random(1))  # pyright: ignore[reportArgumentType]  (a stand-in)


async def test_a_lost_race_is_run_again_unnoticed(database: Database, supervisor: Supervisor, clock: Clock):
    caller = await make_caller(database, balance="5")
    flaky = FlakyDatabase(database, StorageConflict("deadlock"), StorageConflict("deadlock"))
    vault = counter(flaky, supervisor, clock)
    vault.start()

    await hold(vault, caller, "1")

    assert flaky.programs == 3
    assert await balance(database, caller) == ("5", "1")
    await vault.close()


async def test_while_the_database_is_away_holds_are_refused_and_settlements_wait(
    database: Database, supervisor: Supervisor, clock: Clock
):
    caller = await make_caller(database, balance="5")
    flaky = FlakyDatabase(database)
    vault = counter(flaky, supervisor, clock)
    vault.start()
    reservation = await hold(vault, caller, "1")
    flaky.failures = [StorageUnavailable("away"), StorageUnavailable("away")]

    settled, refused = await asyncio.gather(
        vault.settle(reservation, ONE, log=request_log("req-1")),
        hold(vault, caller, "1", "req-2"),
        return_exceptions=True,
    )

    assert settled is Resolution.SETTLED
    assert isinstance(refused, BillingUnavailable)
    assert refused.retry_after == 1
    assert await balance(database, caller) == ("4", "0")
    await vault.close()


class SlowDatabase:
    """A database that is asked, and answers when it is told to."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def atomically(self, program: Program[T]) -> T:
        self.asked.set()
        await self.may_answer.wait()
        return await self.database.atomically(program)


def impatient(database: object, supervisor: Supervisor, clock: Clock) -> Vault:
    patience = timedelta(milliseconds=100)
    return Vault(database, supervisor, origin=ORIGIN, now=clock.now, random=Random(1), patience=patience)  # pyright: ignore[reportArgumentType]  (a stand-in)


async def test_nobody_waits_long_for_a_slow_database_and_what_it_grants_too_late_is_given_back(
    database: Database, supervisor: Supervisor, clock: Clock, caplog: pytest.LogCaptureFixture
):
    caller = await make_caller(database, balance="5")
    slow = SlowDatabase(database)
    slow.may_answer.set()
    vault = impatient(slow, supervisor, clock)
    vault.start()
    first, second = await hold(vault, caller, "1"), await hold(vault, caller, "1", "req-2")
    slow.may_answer.clear()
    slow.asked.clear()

    in_the_batch = asyncio.gather(
        hold(vault, caller, "2", "req-3"),
        vault.settle(first, ONE, log=request_log("req-1")),
        return_exceptions=True,
    )
    await slow.asked.wait()
    behind_it = await asyncio.gather(
        hold(vault, caller, "2", "req-4"),
        vault.release(second, log=request_log("req-2")),
        vault.record(request_log("req-5")),
        return_exceptions=True,
    )
    at_once = await asyncio.gather(
        hold(vault, caller, "2", "req-6"), vault.record(request_log("req-7")), return_exceptions=True
    )

    assert [type(answer) for answer in await in_the_batch] == [BillingUnavailable] * 2
    assert [type(answer) for answer in behind_it] == [BillingUnavailable, BillingUnavailable, type(None)]
    assert [type(answer) for answer in at_once] == [BillingUnavailable, type(None)]
    assert await balance(database, caller) == ("5", "2")

    slow.may_answer.set()
    await vault.close()
    assert await balance(database, caller) == ("4", "0")
    assert await database.fetch("SELECT id, state FROM reservation ORDER BY id") == [
        ("req-1", "settled"),
        ("req-2", "released"),
        ("req-3", "released"),
    ]
    assert len(await request_logs.latest(database)) == 4
    assert [record.message for record in caplog.records] == ["billing.unavailable", "billing.recovered"]


async def test_an_outage_is_said_in_two_lines_however_long_and_holds_come_back_by_themselves(
    database: Database, supervisor: Supervisor, clock: Clock, caplog: pytest.LogCaptureFixture
):
    caller = await make_caller(database, balance="5")
    flaky = FlakyDatabase(database, *[StorageUnavailable("Connection refused", where="db")] * 3)
    vault = impatient(flaky, supervisor, clock)
    vault.start()

    with pytest.raises(BillingUnavailable) as caught:
        await hold(vault, caller, "1")
    refused = await asyncio.gather(*(hold(vault, caller, "1", f"req-{n}") for n in range(100)), return_exceptions=True)
    async with asyncio.timeout(10):
        while flaky.failures or "billing.recovered" not in [record.message for record in caplog.records]:
            await database.fetch("SELECT 1")

    assert caught.value.message == "The ledger cannot be written right now."
    assert {type(answer) for answer in refused} == {BillingUnavailable}
    assert [(record.message, record.exc_info) for record in caplog.records] == [
        ("billing.unavailable", None),
        ("billing.recovered", None),
    ]
    begun, ended = (vars(record) for record in caplog.records)
    assert begun["reason"] == "the database cannot be used now (db: Connection refused)"
    assert (ended["failures"], ended["refused"]) == (3, 101)
    assert isinstance(await hold(vault, caller, "1"), Reservation)
    await vault.close()


class InDoubt(FlakyDatabase):
    """A database that writes, and loses the connection before it says so."""

    async def atomically(self, program: Program[T]) -> T:
        if self.failures:
            failure, *self.failures = self.failures
            await self.database.atomically(program)
            raise failure
        return await self.database.atomically(program)


async def test_a_hold_that_may_have_been_written_is_given_back_and_a_settlement_counts_once(
    database: Database, supervisor: Supervisor, clock: Clock, caplog: pytest.LogCaptureFixture
):
    caller = await make_caller(database, balance="5")
    losing = InDoubt(database)
    vault = counter(losing, supervisor, clock)
    vault.start()
    reservation = await hold(vault, caller, "1")
    losing.failures = [StorageInDoubt("lost")]

    answers = await asyncio.gather(
        vault.settle(reservation, ONE, log=request_log("req-1")),
        hold(vault, caller, "1", "req-2"),
        return_exceptions=True,
    )
    await vault.close()

    assert answers[0] is Resolution.ALREADY
    assert isinstance(answers[1], BillingUnavailable)
    assert await balance(database, caller) == ("4", "0")
    assert await contradictions(database) == []
    assert [record.message for record in caplog.records] == ["billing.unavailable", "billing.recovered"]


async def test_a_hold_that_was_not_written_after_all_is_nothing_to_report(
    database: Database, supervisor: Supervisor, clock: Clock, caplog: pytest.LogCaptureFixture
):
    caller = await make_caller(database, balance="5")
    vault = counter(FlakyDatabase(database, StorageInDoubt("lost")), supervisor, clock)
    vault.start()

    with pytest.raises(BillingUnavailable):
        await hold(vault, caller, "1")
    await vault.close()

    assert await balance(database, caller) == ("5", "0")
    assert "billing.unknown_hold" not in [record.message for record in caplog.records]


async def test_an_operation_the_database_refuses_does_not_harm_its_batch(database: Database, vault: Vault):
    caller = await make_caller(database, balance="5")

    answers = await asyncio.gather(
        *(hold(vault, caller, "1", request_id) for request_id in ("a", "b\ud800", "c", "d")), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [Reservation, InternalError, Reservation, Reservation]
    assert await balance(database, caller) == ("5", "3")


async def test_a_defect_stops_the_counter_and_everybody_hears_of_it(
    database: Database, supervisor: Supervisor, clock: Clock, caplog: pytest.LogCaptureFixture
):
    caller = await make_caller(database, balance="5")
    vault = counter(FlakyDatabase(database, LookupError("a defect")), supervisor, clock)
    vault.start()

    for request_id in ("req-1", "req-2"):
        with pytest.raises(BillingUnavailable):
            await hold(vault, caller, "1", request_id)
    await vault.record(request_log("req-3"))
    await vault.close()

    assert {record.message for record in caplog.records} == {"task.failed", "billing.lost", "billing.log_dropped"}
    assert await balance(database, caller) == ("5", "0")


async def test_closing_what_never_started_answers_whoever_waits(
    database: Database, supervisor: Supervisor, clock: Clock
):
    caller = await make_caller(database, balance="5")
    vault = counter(database, supervisor, clock)
    waiting = asyncio.gather(hold(vault, caller, "1"), return_exceptions=True)
    await asyncio.sleep(0)

    await vault.close()

    assert [type(answer) for answer in await waiting] == [BillingUnavailable]
    with pytest.raises(BillingUnavailable):
        await hold(vault, caller, "1")


async def test_closing_writes_what_is_queued(database: Database, supervisor: Supervisor, clock: Clock):
    caller = await make_caller(database, balance="5")
    vault = counter(database, supervisor, clock)
    reserving = asyncio.gather(*(hold(vault, caller, "1", f"req-{n}") for n in range(3)))
    await asyncio.sleep(0)
    vault.start()

    await vault.close()

    assert len(await reserving) == 3
    assert await balance(database, caller) == ("5", "3")
    with pytest.raises(BillingUnavailable):
        await hold(vault, caller, "1", "req-9")


async def test_closing_without_a_database_gives_up_after_its_grace(
    database: Database, supervisor: Supervisor, clock: Clock, caplog: pytest.LogCaptureFixture
):
    caller = await make_caller(database, balance="5")
    flaky = FlakyDatabase(database)
    vault = counter(flaky, supervisor, clock)
    vault.start()
    reservation = await hold(vault, caller, "1")
    flaky.failures = [StorageUnavailable("away")] * 10_000
    settling = asyncio.gather(vault.settle(reservation, ONE, log=request_log("req-1")), return_exceptions=True)
    await asyncio.sleep(0)

    await vault.close(grace=timedelta(milliseconds=50))

    assert [type(answer) for answer in await settling] == [BillingUnavailable]
    assert [record.message for record in caplog.records if record.levelname == "CRITICAL"] == ["billing.lost"]
    assert await balance(database, caller) == ("5", "1")


async def test_too_many_waiting_logs_are_dropped_without_raising(
    database: Database, supervisor: Supervisor, clock: Clock, caplog: pytest.LogCaptureFixture
):
    vault = counter(database, supervisor, clock)
    waiting = asyncio.gather(*(vault.record(request_log(f"req-{n}")) for n in range(MOST_LOGS + 1)))
    await asyncio.sleep(0)
    vault.start()

    await waiting

    assert [record.message for record in caplog.records] == ["billing.log_dropped"]
    assert (await database.fetch("SELECT COUNT(*) FROM request_log"))[0][0] == MOST_LOGS
    await vault.close()


async def test_two_processes_share_one_ledger_exactly(database_url: str, supervisor: Supervisor, clock: Clock):
    databases = [await Database.connect(database_url) for _ in range(2)]
    caller = await make_caller(databases[0], balance="1")
    cashiers = [counter(database, supervisor, clock) for database in databases]
    for vault in cashiers:
        vault.start()

    async def call(number: int) -> Resolution | GatewayError:
        vault = cashiers[number % 2]
        try:
            reservation = await hold(vault, caller, "0.01", f"req-{number}")
        except InsufficientBalance as error:
            return error
        return await vault.settle(reservation, usd("0.01"), log=request_log(reservation.id))

    answers: Sequence[Resolution | GatewayError] = await asyncio.gather(*(call(number) for number in range(300)))

    assert sum(answer is Resolution.SETTLED for answer in answers) == 100
    assert await statement.balance(databases[1], caller.user) == Balance(ZERO, ZERO)
    assert await contradictions(databases[0]) == []
    for vault, database in zip(cashiers, databases, strict=True):
        await vault.close()
        await database.close()


async def test_what_was_acknowledged_is_there_after_the_connection_is_lost(
    database_url: str, supervisor: Supervisor, clock: Clock, tmp_path: Path
):
    database = await Database.connect(database_url)
    caller = await make_caller(database, balance="5")
    vault = counter(database, supervisor, clock)
    vault.start()
    await vault.settle(await hold(vault, caller, "2"), ONE, log=request_log("req-1"))
    await vault.close()
    await database.close()

    again = await Database.connect(database_url)

    assert await balance(again, caller) == ("4", "0")
    await again.close()


async def leased(database: Database, caller: Principal) -> tuple[int, int]:
    """What is leased of the account, and of the token."""
    account = await database.fetch("SELECT leased FROM account WHERE name = $1", caller.user.account)
    token = await database.fetch("SELECT leased FROM token WHERE id = $1", caller.token.id)
    return account[0][0], token[0][0]


async def test_a_loan_tells_all_that_was_granted_and_a_repayment_all_that_was_returned(
    database: Database, vault: Vault
):
    caller = await make_caller(database, balance="1", limits=Limits(budget=usd("0.4")))
    account, token = caller.user.account, f"token:{caller.token.id}"

    assert await vault.lend(caller, usd("0.01"), usd("0.03")) == Loan(usd("0.03"), usd("0.03"))
    assert await vault.lend(caller, usd("0.01"), usd("9")) == Loan(usd("0.2725"), usd("0.1225"))
    assert await leased(database, caller) == (272_500_000, 122_500_000)

    for _ in range(2):
        await vault.repay(account, usd("0.2"))
        await vault.repay(token, usd("0.1225"))

    assert await leased(database, caller) == (72_500_000, 0)
    assert await vault.lend(caller, usd("0.01"), usd("0.01")) == Loan(usd("0.2825"), usd("0.1325"))
    assert await balance(database, caller) == ("1", "0")


async def test_the_poor_hold_directly_and_the_penniless_not_at_all(database: Database, vault: Vault):
    caller = await make_caller(database, balance="0.015")

    assert await vault.lend(caller, usd("0.01"), usd("0.1")) is Direct.DIRECT
    with pytest.raises(InsufficientBalance) as caught:
        await vault.lend(caller, usd("0.016"), usd("0.1"))

    assert (caught.value.available_nano, caught.value.leased_elsewhere) == (15_000_000, False)
    assert await leased(database, caller) == (0, 0)
    assert isinstance(await hold(vault, caller, "0.015"), Reservation)


async def test_loans_and_repayments_that_make_no_sense_are_defects(database: Database, vault: Vault):
    caller = await make_caller(database, balance="1")

    with pytest.raises(ValueError, match="loan is positive"):
        await vault.lend(caller, ZERO, ONE)
    with pytest.raises(ValueError, match="repayment is not negative"):
        await vault.repay(caller.user.account, usd("-1"))


async def test_while_the_database_is_away_loans_are_refused_and_repayments_wait(
    database: Database, supervisor: Supervisor, clock: Clock
):
    caller = await make_caller(database, balance="5")
    flaky = FlakyDatabase(database)
    vault = counter(flaky, supervisor, clock)
    vault.start()
    await vault.lend(caller, ONE, ONE)
    flaky.failures = [StorageUnavailable("away"), StorageUnavailable("away")]

    repaid, refused = await asyncio.gather(
        vault.repay(caller.user.account, usd("0.4")), vault.lend(caller, usd("0.1"), ONE), return_exceptions=True
    )

    assert repaid is None
    assert isinstance(refused, BillingUnavailable)
    assert await leased(database, caller) == (600_000_000, 0)
    await vault.close()


async def test_a_loan_that_may_have_been_written_shows_in_the_next(
    database: Database, supervisor: Supervisor, clock: Clock
):
    caller = await make_caller(database, balance="5")
    losing = InDoubt(database, StorageInDoubt("lost"))
    vault = counter(losing, supervisor, clock)
    vault.start()

    with pytest.raises(BillingUnavailable):
        await vault.lend(caller, usd("0.1"), usd("0.2"))
    async with asyncio.timeout(10):
        while True:
            try:
                loan = await vault.lend(caller, usd("0.1"), usd("0.2"))
                break
            except BillingUnavailable:
                await database.fetch("SELECT 1")

    assert loan == Loan(usd("0.4"), None)
    assert await leased(database, caller) == (400_000_000, 0)
    await vault.close()


async def test_what_cannot_be_repaid_before_the_end_is_left_to_the_next_life(
    database: Database, supervisor: Supervisor, clock: Clock, caplog: pytest.LogCaptureFixture
):
    caller = await make_caller(database, balance="5")
    flaky = FlakyDatabase(database)
    vault = counter(flaky, supervisor, clock)
    vault.start()
    await vault.lend(caller, ONE, ONE)
    flaky.failures = [StorageUnavailable("away")] * 10_000
    repaying = asyncio.gather(vault.repay(caller.user.account, ONE), return_exceptions=True)
    await asyncio.sleep(0)

    await vault.close(grace=timedelta(milliseconds=50))

    assert [type(answer) for answer in await repaying] == [BillingUnavailable]
    assert await leased(database, caller) == (1_000_000_000, 0)
    assert "billing.lost" not in [record.message for record in caplog.records]


async def test_two_processes_lend_of_one_account_without_overspending(
    database_url: str, supervisor: Supervisor, clock: Clock
):
    databases = [await Database.connect(database_url) for _ in range(2)]
    caller = await make_caller(databases[0], balance="1")
    vaults = [
        Vault(database, supervisor, origin=Origin(f"node{number}", 1), now=clock.now, random=Random(1))
        for number, database in enumerate(databases)
    ]
    for vault in vaults:
        vault.start()

    answers = await asyncio.gather(
        *(vaults[n % 2].lend(caller, usd("0.01"), usd("0.1")) for n in range(200)), return_exceptions=True
    )
    granted = [
        max((answer.granted.nano for answer in answers[number::2] if isinstance(answer, Loan)), default=0)
        for number in range(2)
    ]

    assert {type(answer) for answer in answers} <= {Loan, Direct, InsufficientBalance}
    assert await leased(databases[1], caller) == (sum(granted), 0)
    assert 900_000_000 < sum(granted) <= 1_000_000_000
    for vault, database in zip(vaults, databases, strict=True):
        await vault.close()
        await database.close()
