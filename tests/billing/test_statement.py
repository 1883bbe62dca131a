from datetime import timedelta

from clinx.billing import statement
from clinx.billing.cashier import Cashier
from clinx.domain.ledger import Balance
from clinx.domain.money import ZERO, Amount
from clinx.storage.database import Database
from clinx.storage.program import Program, execute
from clinx.storage.statements import DailySpend, Discrepancy, OpenHold
from support.database import START, Clock, fund, make_caller, make_user, request_log


async def test_a_new_user_has_nothing(database: Database):
    user = await make_user(database)

    assert await statement.balance(database, user) == Balance(ZERO, ZERO)
    assert await statement.entries(database, user) == []
    assert await statement.spend(database, user, START) == []


async def test_open_holds_are_listed_with_their_end(database: Database, cashier: Cashier):
    ann, bob = await make_caller(database, "ann", balance="5"), await make_caller(database, "bob", balance="5")
    held = [
        await cashier.reserve(caller, Amount(n), request_id=f"req-{n}", revision="r1", lifetime=timedelta(hours=9 - n))
        for n, caller in enumerate((ann, bob, ann, ann), 1)
    ]
    await cashier.release(held[2], log=None)

    assert await statement.holds(database, ann.user) == [
        OpenHold("req-4", ann.token.id, Amount(4), START + timedelta(hours=5)),
        OpenHold("req-1", ann.token.id, Amount(1), START + timedelta(hours=8)),
    ]
    assert [hold.id for hold in await statement.holds(database, ann.user, limit=1)] == ["req-4"]


async def test_entries_are_paged_from_the_newest(database: Database):
    user = await make_user(database)
    for amount in ("1", "2", "3"):
        await fund(database, user, amount)

    first = await statement.entries(database, user, limit=2)
    second = await statement.entries(database, user, before=first[-1].id, limit=2)

    assert [str(entry.amount) for entry in first + second] == ["3", "2", "1"]


async def test_spend_is_summed_by_day(database: Database, cashier: Cashier, clock: Clock):
    caller = await make_caller(database, balance="10")
    for number, amount in enumerate(("0.1", "0.2", "0.4")):
        held = await cashier.reserve(
            caller, Amount.parse("1"), request_id=str(number), revision="r", lifetime=timedelta(days=9)
        )
        await cashier.settle(held, Amount.parse(amount), attempt=1, log=request_log(str(number)))
        clock.advance(43_200)

    assert await statement.spend(database, caller.user, START) == [
        DailySpend(START.date(), 2, Amount.parse("0.3")),
        DailySpend((START + timedelta(days=1)).date(), 1, Amount.parse("0.4")),
    ]
    assert len(await statement.spend(database, caller.user, START + timedelta(hours=13))) == 1


async def test_a_tampered_balance_is_found(database: Database):
    caller = await make_caller(database, balance="1")

    def tamper() -> Program[int]:
        return (
            yield from execute(
                "UPDATE account SET balance = balance + 1, held = 2 WHERE name = $1", caller.user.account
            )
        )

    await database.atomically(tamper())

    assert await statement.discrepancies(database) == [
        Discrepancy(
            caller.user.account, Balance(Amount(1_000_000_001), Amount(2)), Balance(Amount(1_000_000_000), ZERO)
        )
    ]
