import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from clinx.billing import statement
from clinx.billing.journal.files import segment_numbers
from clinx.billing.treasury import ForeignJournal, JournalFigures
from clinx.domain.identity import Principal
from clinx.domain.ledger import Balance, Unresolved
from clinx.domain.money import ZERO, Amount
from clinx.errors import BillingUnavailable, InsufficientBalance
from clinx.storage.database import Database
from clinx.storage.migrate import migrate
from support.books import contradictions
from support.database import make_caller, request_log
from support.flaky import Fault, Flaky
from support.treasury import Bank


def dollars(text: str) -> Amount:
    return Amount.parse(text)


async def spend(bank: Bank, caller: Principal, amount: str) -> None:
    held = await bank.hold(caller, "0.10")
    charge = dollars(amount)
    await bank.cashier.settle(held, charge, log=request_log(held.id, caller, charge=charge))


async def test_a_clean_close_leaves_nothing_leased_and_nothing_to_recover(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caller = await make_caller(database, balance="100")
    for life in (1, 2, 3):
        async with Bank(database, tmp_path) as bank:
            assert bank.treasury.origin.epoch == life
            await spend(bank, caller, "0.03")
            assert (await statement.balance(database, caller.user)).leased > ZERO

        spent = Amount(life * dollars("0.03").nano)
        assert await statement.balance(database, caller.user) == Balance(dollars("100") - spent, ZERO, ZERO)
    assert len(segment_numbers(tmp_path / "journal" / "0")) == 3
    assert await contradictions(database) == []
    assert caplog.messages == []


async def test_after_a_close_nothing_of_it_runs(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="100")
    bank = Bank(database, tmp_path)
    await bank.begin()
    await spend(bank, caller, "0.03")
    await bank.treasury.close()
    if running := set(bank.supervisor._tasks):
        await asyncio.wait(running, timeout=10)

    assert {task.get_name() for task in bank.supervisor._tasks} == set()
    await bank.end()


async def test_calls_that_outlive_a_close_are_charged_by_the_next_life(database: Database, tmp_path: Path) -> None:
    rich, poor = await make_caller(database, balance="100"), await make_caller(database, "bob", balance="0.15")
    async with Bank(database, tmp_path) as bank:
        leased = await bank.hold(rich, "0.10", floor="0.02")
        direct = await bank.hold(poor, "0.10", unresolved=Unresolved.VOID)
        assert (leased.leased, direct.leased) == (True, False)

    async with Bank(database, tmp_path) as bank:
        await bank.treasury.settle_down()
        assert await statement.balance(database, rich.user) == Balance(dollars("99.98"), ZERO, ZERO)
        assert await statement.balance(database, poor.user) == Balance(dollars("0.15"), ZERO, ZERO)


async def test_what_a_killed_process_settled_is_charged_by_the_next_life(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="100")
    bank = Bank(database, tmp_path)
    await bank.begin()
    for _ in range(3):
        await spend(bank, caller, "0.03")
    await bank.crash()

    async with Bank(database, tmp_path) as again:
        await again.treasury.settle_down()
        assert await statement.balance(database, caller.user) == Balance(dollars("99.91"), ZERO, ZERO)
    assert await contradictions(database) == []


async def test_two_processes_of_a_machine_have_two_places(database: Database, tmp_path: Path) -> None:
    async with Bank(database, tmp_path, name="a") as first, Bank(database, tmp_path, name="b") as second:
        assert first.treasury.origin.node != second.treasury.origin.node
        assert sorted(path.name for path in (tmp_path / "journal").iterdir()) == ["0", "1"]


async def test_the_journal_of_another_database_is_refused_and_let_go(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="100")
    async with Bank(database, tmp_path) as bank:
        await spend(bank, caller, "0.03")
    url = f"sqlite:///{tmp_path / 'other.db'}"
    await migrate(url)
    other = await Database.connect(url)

    stranger = Bank(other, tmp_path)
    with pytest.raises(ForeignJournal, match="belongs to another database"):
        await stranger.begin()
    await stranger.end()

    assert await other.fetch("SELECT COUNT(*) FROM node") == [(0,)]
    await other.close()
    async with Bank(database, tmp_path) as bank:
        assert bank.treasury.origin.epoch == 2


async def test_a_beginning_that_fails_leaves_the_place_to_the_next(database: Database, tmp_path: Path) -> None:
    flaky = Flaky(database)
    flaky.plan = lambda _: Fault.AWAY
    failed = Bank(flaky, tmp_path)
    with pytest.raises(BillingUnavailable):
        await failed.begin()
    await failed.end()

    async with Bank(database, tmp_path) as bank:
        assert bank.treasury.origin.epoch == 1
        assert [path.name for path in (tmp_path / "journal").iterdir()] == ["0"]


async def test_recovery_goes_on_beside_the_first_calls(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an earlier life left is not waited for; what this one writes is shipped after it."""
    monkeypatch.setattr("clinx.billing.treasury.PROMPT", timedelta(0))
    dead, alive = await make_caller(database, balance="100"), await make_caller(database, "bob", balance="0.15")
    bank = Bank(database, tmp_path)
    await bank.begin()
    await bank.hold(dead, "0.10", floor="0.02")
    await bank.crash()

    flaky = Flaky(database)
    flaky.plan = lambda n: Fault.AWAY if n == 3 else None
    async with Bank(flaky, tmp_path) as bank:
        assert not bank.treasury.recovered.is_set()
        await spend(bank, alive, "0.03")
        await bank.treasury.settle_down()

        assert bank.treasury.recovered.is_set()
        assert await statement.balance(database, dead.user) == Balance(dollars("99.98"), ZERO, ZERO)
        assert await statement.balance(database, alive.user) == Balance(dollars("0.12"), ZERO, ZERO)


async def test_who_is_refused_asks_other_processes_to_return_what_they_leased(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.billing.cashier.RECALL", timedelta(0))
    caller = await make_caller(database, balance="1")
    async with Bank(database, tmp_path, name="a") as first, Bank(database, tmp_path, name="b") as second:
        await spend(first, caller, "0.03")
        with pytest.raises(InsufficientBalance):
            await second.hold(caller, "0.96")

        announced = await database.fetch("SELECT topic, subject FROM announcement WHERE topic = 'recall'")
        assert announced == [("recall", caller.user.account)]


async def test_the_journal_tells_how_far_the_ledger_is_behind_it(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="100")
    async with Bank(database, tmp_path) as bank:
        await spend(bank, caller, "0.03")
        await bank.treasury.settle_down()

        assert bank.treasury.figures() == JournalFigures(
            waiting=0, is_failing=False, is_fenced=False, is_recovered=True
        )
