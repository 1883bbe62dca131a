import asyncio
import types
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from clinx.accounts.tokens import Limits
from clinx.billing import statement
from clinx.billing.journal.durability import Sync
from clinx.billing.journal.files import Position
from clinx.billing.journal.reader import open_holds
from clinx.billing.journal.segment import Segment
from clinx.domain.ledger import Balance, Unresolved
from clinx.domain.money import ZERO, Amount
from clinx.errors import BillingUnavailable, BudgetSpent, InsufficientBalance
from clinx.storage import request_logs
from clinx.storage.database import Database
from support.books import contradictions
from support.database import make_caller, request_log
from support.treasury import Bank


def dollars(text: str) -> Amount:
    return Amount.parse(text)


async def test_a_rich_account_is_held_from_in_memory_and_charged_in_the_ledger(
    database: Database, tmp_path: Path
) -> None:
    caller = await make_caller(database, balance="100")
    async with Bank(database, tmp_path) as bank:
        held = await bank.hold(caller, "0.10")
        assert held.leased
        await bank.cashier.settle(held, dollars("0.03"), log=request_log(held.id, caller, charge=dollars("0.03")))
        await bank.treasury.settle_down()

        assert await statement.balance(database, caller.user) == Balance(dollars("99.97"), ZERO, ZERO)
        assert await request_logs.find(database, held.id) is not None


async def test_a_poor_account_is_held_by_the_database_for_the_whole(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="0.15")
    async with Bank(database, tmp_path) as bank:
        held = await bank.hold(caller, "0.10", whole="0.12")

        assert not held.leased
        assert await statement.balance(database, caller.user) == Balance(dollars("0.15"), dollars("0.12"), ZERO)

        await bank.cashier.settle(held, dollars("0.03"), log=request_log(held.id, caller, charge=dollars("0.03")))
        await bank.cashier.flush()
        assert await statement.balance(database, caller.user) == Balance(dollars("0.12"), ZERO, ZERO)


async def test_what_a_poor_caller_did_not_use_can_be_held_again_at_once(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="0.15")
    async with Bank(database, tmp_path) as bank:
        for _ in range(4):  # Each settlement is on its way to the ledger when the next hold is asked for.
            held = await bank.hold(caller, "0.10")
            await bank.cashier.settle(held, dollars("0.01"), log=request_log(held.id, caller, charge=dollars("0.01")))
        with pytest.raises(InsufficientBalance):
            await bank.hold(caller, "0.12")
        await bank.cashier.flush()

        assert await statement.balance(database, caller.user) == Balance(dollars("0.11"), ZERO, ZERO)


async def test_parallel_callers_get_exactly_what_the_balance_covers(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="10")
    async with Bank(database, tmp_path) as bank:
        asked = [bank.hold(caller, "1") for _ in range(200)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, InsufficientBalance)]

        assert (len(answers) - len(refused), len(refused)) == (10, 190)
        balance = await statement.balance(database, caller.user)
        assert (balance.total, balance.available) == (dollars("10"), ZERO)


async def test_a_budget_bounds_a_token_whatever_its_user_has(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="100", limits=Limits(budget=dollars("1")))
    async with Bank(database, tmp_path) as bank:
        answers = await asyncio.gather(*(bank.hold(caller, "0.1") for _ in range(30)), return_exceptions=True)

        assert sum(isinstance(answer, BudgetSpent) for answer in answers) == 20


async def test_a_released_hold_costs_nothing(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="100")
    async with Bank(database, tmp_path) as bank:
        held = await bank.hold(caller, "5")
        await bank.cashier.release(held, log=request_log(held.id, caller))
        await bank.treasury.settle_down()

        assert await statement.balance(database, caller.user) == Balance(dollars("100"), ZERO, ZERO)
        assert bank.cashier.holding == 0


async def test_a_hold_of_nothing_asks_nobody(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="0")
    async with Bank(database, tmp_path) as bank:
        held = await bank.hold(caller, "0")
        await bank.cashier.settle(held, ZERO, log=request_log(held.id, caller))
        await bank.cashier.flush()

        assert await request_logs.find(database, held.id) is not None


async def test_a_leased_hold_is_extended_in_memory(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="100")
    async with Bank(database, tmp_path) as bank:
        held = await bank.hold(caller, "0.10")
        raised = bank.cashier.extend(held, dollars("0.25"))
        assert raised is not None
        assert raised.amount == dollars("0.25")
        await bank.cashier.settle(raised, dollars("0.20"), log=request_log(held.id, caller, charge=dollars("0.20")))
        await bank.treasury.settle_down()

        assert await statement.balance(database, caller.user) == Balance(dollars("99.80"), ZERO, ZERO)


async def test_a_hold_of_the_database_is_not_extended(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="0.15")
    async with Bank(database, tmp_path) as bank:
        held = await bank.hold(caller, "0.10")

        assert bank.cashier.extend(held, dollars("0.12")) is None


async def test_a_charge_above_its_hold_is_charged_all_the_same(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="100")
    async with Bank(database, tmp_path) as bank:
        held = await bank.hold(caller, "0.10")
        await bank.cashier.settle(held, dollars("0.30"), log=request_log(held.id, caller, charge=dollars("0.30")))
        await bank.treasury.settle_down()

        assert await statement.balance(database, caller.user) == Balance(dollars("99.70"), ZERO, ZERO)


@pytest.mark.parametrize(("amount", "whole"), [("-1", "0"), ("2", "1")])
async def test_nonsense_is_no_hold(database: Database, tmp_path: Path, amount: str, whole: str) -> None:
    caller = await make_caller(database, balance="100")
    async with Bank(database, tmp_path) as bank:
        with pytest.raises(ValueError, match="a hold is not negative"):
            await bank.hold(caller, amount, whole=whole)
        assert bank.cashier.holding == 0


async def test_a_second_end_changes_nothing(database: Database, tmp_path: Path) -> None:
    """Not even in memory: what it would give back belongs to another call."""
    caller = await make_caller(database, balance="100")
    async with Bank(database, tmp_path) as bank:
        other, held = await bank.hold(caller, "0.20"), await bank.hold(caller, "0.10")
        log = request_log(held.id, caller, charge=dollars("0.03"))
        await bank.cashier.settle(held, dollars("0.03"), log=log)
        before = bank.treasury.leases.standing(caller.user.account), bank.treasury.journal.position
        await bank.cashier.settle(held, dollars("0.03"), log=log)
        await bank.cashier.release(held, log=log)

        assert (bank.treasury.leases.standing(caller.user.account), bank.treasury.journal.position) == before
        assert before[0] is not None
        assert before[0].outstanding == other.amount
        await bank.cashier.release(other, log=None)
        await bank.treasury.settle_down()
        assert await statement.balance(database, caller.user) == Balance(dollars("99.97"), ZERO, ZERO)


async def test_what_a_running_call_has_cost_is_written_down(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="100")
    async with Bank(database, tmp_path) as bank:
        held = await bank.hold(caller, "0.10", floor="0.01")
        bank.cashier.progress(held, dollars("0.04"), Unresolved.HOLD, dollars("0.03"))

        (found,) = open_holds(tmp_path / "journal" / "0", Position(1, 0)).values()
        assert (found.amount, found.metered, found.unresolved) == (held.amount, dollars("0.04"), Unresolved.HOLD)
        assert found.cost == dollars("0.03")

        await bank.cashier.release(held, log=None)
        bank.cashier.progress(held, dollars("0.05"), Unresolved.HOLD)
        assert open_holds(tmp_path / "journal" / "0", Position(1, 0)) == {}


@pytest.mark.parametrize(("balance", "cost"), [("100", "0.01"), ("0.28", "0.06")])
async def test_what_a_call_costs_us_if_its_process_dies_is_written_down_for_what_is_held(
    database: Database, tmp_path: Path, balance: str, cost: str
) -> None:
    """A leased account holds the beginning, for it can be raised; a poor one all of it."""
    caller = await make_caller(database, balance=balance)
    async with Bank(database, tmp_path) as bank:
        held = await bank.hold(caller, "0.15", whole="0.25", cost="0.01", whole_cost="0.06")

        (found,) = open_holds(tmp_path / "journal" / "0", Position(1, 0)).values()
        assert (held.leased, found.cost) == (balance == "100", dollars(cost))
        await bank.cashier.release(held, log=None)


async def test_an_extension_asks_for_more_than_is_leased_only_once_it_is_there(
    database: Database, tmp_path: Path
) -> None:
    caller = await make_caller(database, balance="100")
    async with Bank(database, tmp_path) as bank:
        held = await bank.hold(caller, "0.10")

        assert bank.cashier.extend(held, dollars("99")) is None
        assert bank.cashier.holding == 1
        await bank.cashier.release(held, log=None)
        assert bank.cashier.extend(held, dollars("0.11")) is None
        await bank.treasury.settle_down()
    assert await statement.balance(database, caller.user) == Balance(dollars("100"), ZERO, ZERO)


@pytest.mark.parametrize(("balance", "leased"), [("100", True), ("0.15", False)])
async def test_while_the_journal_cannot_be_written_nothing_is_held(
    database: Database, tmp_path: Path, balance: str, leased: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first to hear of it is a call whose hold was made already."""

    def fail(_: Segment, data: bytes) -> None:
        raise OSError(f"no room for {len(data)} bytes")

    caller = await make_caller(database, balance=balance)
    async with Bank(database, tmp_path) as bank:
        first = await bank.hold(caller, "0.01")
        await bank.cashier.release(first, log=None)
        await bank.treasury.settle_down()
        monkeypatch.setattr(Segment, "write", fail)
        with pytest.raises(BillingUnavailable) as caught:
            await bank.hold(caller, "0.10")
        monkeypatch.undo()
        assert caught.value.retry_after == 1
        assert bank.treasury.journal.failing
        with pytest.raises(BillingUnavailable):
            await bank.hold(caller, "0.10")

        assert bank.cashier.holding == 0
        await bank.treasury.leases.return_all()
        async with asyncio.timeout(10):
            while (await statement.balance(database, caller.user)).held:
                pass  # Given back in the background.
        assert await statement.balance(database, caller.user) == Balance(dollars(balance), ZERO, ZERO)

        assert await bank.treasury.journal.retry()
        held = await bank.hold(caller, "0.10")
        assert held.leased is leased
        await bank.cashier.release(held, log=None)


@pytest.mark.parametrize("balance", ["100", "0.15"])
async def test_a_hold_that_may_not_outlive_a_power_cut_is_none(
    database: Database, tmp_path: Path, balance: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await make_caller(database, balance=balance)

    def fail(_: Segment) -> None:
        raise OSError("the disk is gone")

    async with Bank(database, tmp_path, sync=Sync.EACH) as bank:
        monkeypatch.setattr(Segment, "sync", fail)
        with pytest.raises(BillingUnavailable):
            await bank.hold(caller, "0.10")
        monkeypatch.undo()

        assert bank.cashier.holding == 0
        await bank.treasury.settle_down()
        assert await statement.balance(database, caller.user) == Balance(dollars(balance), ZERO, ZERO)


async def test_logs_without_money_are_dropped_when_too_many_wait(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.billing.cashier.MOST_WAITING", 2)
    async with Bank(database, tmp_path) as bank:
        for number in range(4):
            await bank.cashier.record(request_log(f"req-{number}"))
        await bank.cashier.flush()
        await bank.cashier.record(request_log("later"))
        await bank.cashier.flush()

        rows = await database.fetch("SELECT id FROM request_log ORDER BY id")
        assert rows == [("later",), ("req-0",), ("req-1",)]


async def test_what_another_process_leased_is_called_home(database: Database, tmp_path: Path) -> None:
    """The announcements are carried by hand."""
    caller = await make_caller(database, balance="1")
    async with Bank(database, tmp_path, name="a") as first, Bank(database, tmp_path, name="b") as second:
        held = await first.hold(caller, "0.01")
        await first.cashier.release(held, log=None)
        assert (await statement.balance(database, caller.user)).leased > dollars("0.05")
        heard = await database.fetch("SELECT id, topic, subject FROM announcement")
        wanting = second.supervisor.start(second.hold(caller, "0.97"), name="hold")
        while not wanting.done():  # Within moments: it is refused otherwise.
            told = await database.fetch("SELECT id, topic, subject FROM announcement")
            for _, topic, subject in told[len(heard) :]:
                first.treasury.leases.hear(topic, subject)
                second.treasury.leases.hear(topic, subject)
            heard = told

        assert wanting.result().amount == dollars("0.97")
        assert await statement.balance(database, caller.user) == Balance(dollars("1"), dollars("0.97"), ZERO)


@types.coroutine
def cancelled(work: Coroutine[Any, Any, Any], at: int, late: bool) -> Generator[Any, Any, bool]:
    """Run a coroutine, but cancel it where it waits for the n-th time: while it does, or when that is over already.

    Returns whether it came so far.
    """
    try:
        future = work.send(None)
        for _ in range(at - 1):
            yield future
            future = work.send(None)
        if late:
            yield future
        elif future is not None:
            future.cancel()
        while True:
            future = work.throw(asyncio.CancelledError)
            while True:  # It tidies up.
                yield future
                future = work.send(None)
    except StopIteration:
        return False
    except asyncio.CancelledError:
        return True


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("balance", ["100", "0.15"])
async def test_wherever_a_caller_leaves_while_it_asks_it_holds_nothing(
    database: Database, tmp_path: Path, balance: str, late: bool
) -> None:
    """Of leases and of the database itself; the journal is synced, so that there is more to wait for."""
    caller = await make_caller(database, balance=balance, limits=Limits(budget=dollars("50")))
    at, came = 0, True
    while came:
        at += 1
        async with Bank(database, tmp_path, sync=Sync.EACH) as bank:
            asking = bank.hold(caller, "0.10", request_id=f"req-{at}")
            came = await cancelled(asking, at, late)
            if came:
                assert bank.cashier.holding == 0
            else:
                (left,) = open_holds(tmp_path / "journal" / "0", bank.treasury.journal.position).values()
                await bank.cashier.release(left.held.reservation, log=None)

        assert await statement.balance(database, caller.user) == Balance(dollars(balance), ZERO, ZERO)
        assert await contradictions(database) == []
    assert at > 2


@pytest.mark.parametrize("hostile", ["req-\udcff", "\ud800"])
async def test_what_no_journal_can_say_of_a_call_does_not_cost_its_charge(
    database: Database, tmp_path: Path, hostile: str
) -> None:
    """Bytes of a vendor's header that are no text."""
    caller = await make_caller(database, balance="100")
    async with Bank(database, tmp_path) as bank:
        held, other = await bank.hold(caller, "1"), await bank.hold(caller, "1")
        log = replace(request_log(held.id, caller, charge=dollars("0.25")), upstream_id=hostile)
        await bank.cashier.settle(held, dollars("0.25"), log=log)
        await bank.cashier.release(other, log=replace(log, id=other.id))
        await bank.treasury.settle_down()

        assert await statement.balance(database, caller.user) == Balance(dollars("99.75"), ZERO, ZERO)
        assert bank.cashier.holding == 0
        assert await request_logs.find(database, held.id) is not None
