import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction

import pytest
from msgspec.structs import replace

from clinx.accounts import tokens
from clinx.accounts.tokens import Limits
from clinx.billing import statement
from clinx.billing.operations import Resolution
from clinx.billing.sweep import sweep
from clinx.billing.task_holds import TaskHold, TaskHoldOver, TaskHolds, TaskHoldUnknown
from clinx.billing.terms import Terms
from clinx.billing.transfer import Cause
from clinx.billing.vault import Vault
from clinx.domain.identity import Principal
from clinx.domain.ledger import Balance, EntryKind, ReservationState
from clinx.domain.money import ZERO, Amount
from clinx.domain.pricing import Price, Rate, Rates
from clinx.domain.usage import Unit, Usage
from clinx.errors import BudgetSpent, InsufficientBalance, InternalError, NotCovered, TokenDisabled
from clinx.storage import request_logs
from clinx.storage.database import Database
from clinx.storage.program import Program, execute
from support.database import START, Clock, make_caller, make_user, request_log

HOUR = timedelta(hours=1)
TERMS = Terms((Rates({Unit.SECOND: Rate(Fraction("0.1"), 1)}),), Fraction(1, 2), "r7")
CAUSE = Cause("test", "the vendor failed", "refund-1")
TWO, THREE, FIVE = (Amount.parse(text) for text in ("2", "3", "5"))


@dataclass
class Freeing:
    """Stands for what brings leased money home."""

    frees: bool = False
    asked: list[NotCovered] = field(default_factory=list[NotCovered])
    program: Program[int] | None = None


@pytest.fixture
def freeing() -> Freeing:
    return Freeing()


@pytest.fixture
def holds(database: Database, vault: Vault, clock: Clock, freeing: Freeing) -> TaskHolds:
    async def free(_: Principal, refusal: NotCovered) -> bool:
        freeing.asked.append(refusal)
        if freeing.program is not None:
            await database.atomically(freeing.program)
        return freeing.frees

    return TaskHolds(database, vault, now=clock.now, free=free)


async def opened(holds: TaskHolds, caller: Principal, amount: Amount = TWO, id_: str = "req-1") -> TaskHold:
    return await holds.open(caller, amount, request_id=id_, kind="video", deadline=START + HOUR, terms=TERMS)


async def balance(database: Database, caller: Principal) -> Balance:
    return await statement.balance(database, caller.user)


async def events(database: Database, caller: Principal) -> list[tuple[str, Amount]]:
    found = await statement.entries(database, caller.user)
    return [(entry.event, entry.amount) for entry in reversed(found) if entry.kind is not EntryKind.GRANT]


async def test_a_task_holds_with_its_frozen_terms_and_belongs_to_no_process(database: Database, holds: TaskHolds):
    caller = await make_caller(database, balance="5")

    hold = await opened(holds, caller)

    assert hold == TaskHold(hold.reservation, "video", TERMS, START + HOUR, ReservationState.OPEN)
    assert (hold.reservation.id, hold.reservation.amount, hold.reservation.revision) == ("req-1", TWO, "r7")
    assert await balance(database, caller) == Balance(FIVE, TWO)
    assert await holds.find("req-1") == hold
    assert await holds.find_open() == [hold]
    rows = await database.fetch("SELECT node, epoch FROM reservation")
    assert [tuple(row) for row in rows] == [(None, 0)]


async def test_what_is_not_covered_is_refused_and_holds_nothing(database: Database, holds: TaskHolds, freeing: Freeing):
    poor = await make_caller(database, "ann", balance="1")
    capped = await make_caller(database, "bob", balance="5", limits=Limits(budget=Amount.parse("1")))

    with pytest.raises(InsufficientBalance):
        await opened(holds, poor)
    with pytest.raises(BudgetSpent):
        await opened(holds, capped)

    assert [type(refusal) for refusal in freeing.asked] == [InsufficientBalance, BudgetSpent]
    assert await balance(database, poor) == Balance(Amount.parse("1"), ZERO)
    assert await balance(database, capped) == Balance(FIVE, ZERO)
    assert await holds.find_open() == []


async def test_what_is_leased_is_brought_home_before_a_task_is_refused(
    database: Database, holds: TaskHolds, freeing: Freeing
):
    caller = await make_caller(database, balance="5")

    def lease(nano: int) -> Program[int]:
        return (yield from execute("UPDATE account SET leased = $2 WHERE name = $1", caller.user.account, nano))

    await database.atomically(lease(4_000_000_000))
    freeing.program, freeing.frees = lease(0), True

    await opened(holds, caller)

    assert len(freeing.asked) == 1
    assert await balance(database, caller) == Balance(FIVE, TWO)


@pytest.mark.parametrize(("amount", "deadline"), [(Amount(-1), START + HOUR), (TWO, START)])
async def test_a_hold_that_makes_no_sense_is_refused(
    database: Database, holds: TaskHolds, amount: Amount, deadline: object
):
    caller = await make_caller(database, balance="5")

    with pytest.raises(ValueError, match="a task's hold"):
        await holds.open(caller, amount, request_id="req-1", kind="video", deadline=deadline, terms=TERMS)  # pyright: ignore[reportArgumentType]

    assert await balance(database, caller) == Balance(FIVE, ZERO)


async def test_an_id_holds_once(database: Database, holds: TaskHolds):
    caller = await make_caller(database, balance="5")
    hold = await opened(holds, caller)

    with pytest.raises(InternalError):
        await opened(holds, caller, THREE)

    assert await holds.find("req-1") == hold
    assert await balance(database, caller) == Balance(FIVE, TWO)


async def test_usage_is_charged_at_the_price_that_was_frozen(database: Database, holds: TaskHolds):
    """The tree's price has changed since: what the hold says is all that counts."""
    caller = await make_caller(database, balance="5")
    await opened(holds, caller)
    usage = Usage(second=7)
    changed = Price((Rates({Unit.SECOND: Rate(Fraction(9), 1)}),))
    assert changed.quote(usage, Fraction(1), {}).total == Amount.parse("63")

    resolution, hold = await holds.settle("req-1", usage, replace(request_log("other"), revision="r8"))

    charge = Amount.parse("0.35")
    assert resolution is Resolution.SETTLED
    assert (hold.state, hold.charge) == (ReservationState.SETTLED, charge)
    assert await holds.find("req-1") == hold
    assert await balance(database, caller) == Balance(FIVE - charge, ZERO)
    assert await events(database, caller) == [("settle:req-1", -charge)]
    log = await request_logs.find(database, "req-1")
    assert log is not None
    assert (log.charge, log.usage, log.revision, log.quote) == (charge, usage, "r7", ("7 second at 0.1/1", "x 0.5"))
    assert (log.user_id, log.token_id) == (caller.user.id, caller.token.id)
    assert await request_logs.find(database, "other") is None


async def test_an_amount_may_be_charged_as_it_is_even_above_the_hold(database: Database, holds: TaskHolds):
    caller = await make_caller(database, balance="3")
    await opened(holds, caller)

    await holds.settle("req-1", FIVE, request_log("req-1"))

    assert await balance(database, caller) == Balance(Amount.parse("-2"), ZERO)


async def test_a_task_is_settled_once_however_often_and_by_whomever(database: Database, holds: TaskHolds):
    caller = await make_caller(database, balance="5")
    await opened(holds, caller)

    results = await asyncio.gather(
        *(holds.settle("req-1", Amount(n + 1), request_log("req-1")) for n in range(10)), return_exceptions=True
    )

    done = [result for result in results if not isinstance(result, BaseException)]
    assert sorted(resolution.value for resolution, _ in done) == ["already"] * 9 + ["settled"]
    charges = {hold.charge for _, hold in done}
    assert len(charges) == 1
    (charge,) = charges
    assert charge is not None
    assert await balance(database, caller) == Balance(FIVE - charge, ZERO)
    assert len(await events(database, caller)) == 1


async def test_at_the_deadline_the_sweep_frees_it_and_a_later_settlement_still_charges(
    database: Database, holds: TaskHolds, clock: Clock
):
    caller = await make_caller(database, balance="5")
    await opened(holds, caller)
    clock.advance(3599)
    assert await sweep(database, clock.now()) == 0
    clock.advance(1)

    assert await sweep(database, clock.now()) == 1

    assert (await holds.find("req-1")).state is ReservationState.EXPIRED
    assert await holds.find_open() == []
    assert await balance(database, caller) == Balance(FIVE, ZERO)
    resolution, hold = await holds.settle("req-1", TWO, request_log("req-1"))
    assert (resolution, hold.state, hold.charge) == (Resolution.SETTLED_LATE, ReservationState.SETTLED, TWO)
    assert await balance(database, caller) == Balance(THREE, ZERO)


async def test_an_extended_hold_lives_longer_and_holds_more(database: Database, holds: TaskHolds, clock: Clock):
    caller = await make_caller(database, balance="5", limits=Limits(budget=Amount.parse("4")))
    await opened(holds, caller)

    longer = await holds.extend("req-1", deadline=START + 2 * HOUR)
    more = await holds.extend("req-1", deadline=START, amount=Amount.parse("4"))
    same = await holds.extend("req-1", deadline=START, amount=TWO)

    assert (longer.reservation.amount, longer.deadline) == (TWO, START + 2 * HOUR)
    assert (more.reservation.amount, more.deadline) == (Amount.parse("4"), START + 2 * HOUR)
    assert same == more == await holds.find("req-1")
    assert await balance(database, caller) == Balance(FIVE, Amount.parse("4"))
    assert [row[0] for row in await database.fetch("SELECT held FROM token")] == [4_000_000_000]
    clock.advance(3600)
    assert await sweep(database, clock.now()) == 0
    clock.advance(3600)
    assert await sweep(database, clock.now()) == 1
    assert await balance(database, caller) == Balance(FIVE, ZERO)
    assert [row[0] for row in await database.fetch("SELECT held FROM token")] == [0]


async def test_an_extension_that_is_not_covered_leaves_the_hold_as_it_was(database: Database, holds: TaskHolds):
    poor = await make_caller(database, "ann", balance="3")
    capped = await make_caller(database, "bob", balance="5", limits=Limits(budget=THREE))
    revoked = await make_caller(database, "eve", balance="9")
    held = [await opened(holds, caller, id_=caller.user.name) for caller in (poor, capped, revoked)]
    await tokens.disable(database, revoked.token, at=START)

    for name, refusal in (("ann", InsufficientBalance), ("bob", BudgetSpent), ("eve", TokenDisabled)):
        with pytest.raises(refusal):
            await holds.extend(name, deadline=START + 2 * HOUR, amount=Amount.parse("3.000000001"))

    assert [await holds.find(name) for name in ("ann", "bob", "eve")] == held
    assert [(await balance(database, caller)).held for caller in (poor, capped, revoked)] == [TWO, TWO, TWO]
    assert (await holds.extend("ann", deadline=START, amount=THREE)).reservation.amount == THREE
    assert (await holds.extend("eve", deadline=START + 2 * HOUR)).deadline == START + 2 * HOUR


async def test_extensions_at_once_never_hold_more_than_there_is(database: Database, holds: TaskHolds):
    caller = await make_caller(database, balance="5")
    for number in range(5):
        await opened(holds, caller, Amount.parse("0.5"), str(number))

    results = await asyncio.gather(
        *(holds.extend(str(number), deadline=START, amount=Amount.parse("1.5")) for number in range(5)),
        return_exceptions=True,
    )

    assert sum(isinstance(result, TaskHold) for result in results) == 2
    assert sum(isinstance(result, InsufficientBalance) for result in results) == 3
    assert await balance(database, caller) == Balance(FIVE, Amount.parse("4.5"))


async def test_what_is_over_is_not_extended(database: Database, holds: TaskHolds):
    caller = await make_caller(database, balance="5")
    await opened(holds, caller)
    await holds.refund("req-1", CAUSE)

    with pytest.raises(TaskHoldOver):
        await holds.extend("req-1", deadline=START + 2 * HOUR, amount=THREE)

    assert await balance(database, caller) == Balance(FIVE, ZERO)


async def test_a_task_that_failed_gives_its_hold_back_and_is_logged(database: Database, holds: TaskHolds):
    caller = await make_caller(database, balance="5")
    await opened(holds, caller)

    assert await holds.refund("req-1", CAUSE, log=request_log("other", charge=TWO)) == ZERO
    assert await holds.refund("req-1", CAUSE) == ZERO

    assert (await holds.find("req-1")).state is ReservationState.RELEASED
    assert await balance(database, caller) == Balance(FIVE, ZERO)
    assert await events(database, caller) == []
    log = await request_logs.find(database, "req-1")
    assert log is not None
    assert log.charge == ZERO
    resolution, _ = await holds.settle("req-1", TWO, request_log("req-1"))
    assert resolution is Resolution.ALREADY
    assert await balance(database, caller) == Balance(FIVE, ZERO)


async def test_a_charge_is_given_back_as_a_refund_once(database: Database, holds: TaskHolds):
    caller = await make_caller(database, balance="5")
    await opened(holds, caller)
    await holds.settle("req-1", THREE, request_log("req-1"))

    given = [await holds.refund("req-1", CAUSE) for _ in range(2)]

    assert given == [THREE, THREE]
    assert await balance(database, caller) == Balance(FIVE, ZERO)
    assert await events(database, caller) == [("settle:req-1", -THREE), ("refund:req-1:refund-1", THREE)]


async def test_of_an_expired_or_free_task_nothing_is_given_back(database: Database, holds: TaskHolds, clock: Clock):
    caller = await make_caller(database, balance="5")
    for id_ in ("free", "expired"):
        await opened(holds, caller, id_=id_)
    await holds.settle("free", ZERO, request_log("free"))
    clock.advance(3600)
    await sweep(database, clock.now())

    assert [await holds.refund(id_, CAUSE) for id_ in ("free", "expired")] == [ZERO, ZERO]
    assert await balance(database, caller) == Balance(FIVE, ZERO)


async def test_a_task_nobody_knows_is_refused_everywhere(database: Database, holds: TaskHolds, vault: Vault):
    caller = await make_caller(database, balance="5")
    await vault.reserve(caller, TWO, request_id="exchange", revision="r1", lifetime=HOUR)
    await make_user(database, "bob")

    for id_ in ("exchange", "nothing"):
        with pytest.raises(TaskHoldUnknown):
            await holds.find(id_)
        with pytest.raises(TaskHoldUnknown):
            await holds.extend(id_, deadline=START + 2 * HOUR)
        with pytest.raises(TaskHoldUnknown):
            await holds.settle(id_, TWO, request_log(id_))
        with pytest.raises(TaskHoldUnknown):
            await holds.refund(id_, CAUSE)

    assert await balance(database, caller) == Balance(FIVE, TWO)
