from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clinx.accounts.tokens import Limits
from clinx.domain.ledger import Balance, EntryKind, LedgerEntry
from clinx.domain.money import ZERO, Amount
from clinx.storage import ledger, spend, statements
from clinx.storage.database import Database
from clinx.storage.ledger import NewEntry
from clinx.storage.program import Program, execute
from clinx.storage.spend import Spend, SpendKey
from clinx.storage.statements import Allowance, EntryFilter, SpendBy, Spent
from support.database import START, make_caller

TODAY = START.date()
YESTERDAY = TODAY - timedelta(days=1)
DAY = (START - datetime(1970, 1, 1, tzinfo=UTC)).days


async def test_an_entry_comes_back_as_it_was_written(database: Database):
    await database.atomically(
        ledger.append([NewEntry("settle:a:1", "user:1", Amount(-5), EntryKind.CHARGE, START, "rev", "gpt-4o")])
    )

    (entry,) = await statements.entries(database, "user:1")
    assert entry == LedgerEntry(entry.id, "settle:a:1", "user:1", Amount(-5), EntryKind.CHARGE, START, "rev", "gpt-4o")


def added(*rows: tuple[int, int, int, str, str, int]) -> Program[None]:
    """Sums of (user, day, token, model, group, nano): two calls of three and five tokens each."""
    return spend.add(
        Spend(SpendKey.of(user, day, token, model, group), 2, Amount(nano), 6, 10)
        for user, day, token, model, group, nano in rows
    )


async def spent(database: Database, user_id: int | None, *by: SpendBy, token_id: int | None = None) -> list[Spent]:
    return await statements.spend(database, user_id, YESTERDAY, TODAY, by=by, token_id=token_id)


async def test_spend_is_summed_by_what_is_asked_for(database: Database):
    await database.atomically(
        added(
            (1, DAY - 2, 7, "gpt-4o", "vip", 1000),
            (1, DAY - 1, 7, "gpt-4o", "vip", 1),
            (1, DAY, 7, "gpt-4o", "vip", 2),
            (1, DAY, 8, "gpt-4o", "default", 4),
            (1, DAY, 8, "o3", "default", 8),
            (2, DAY, 9, "o3", "default", 16),
            (1, DAY + 1, 7, "gpt-4o", "vip", 1000),
        )
    )

    assert await spent(database, 1) == [Spent(8, Amount(15), 24, 40)]
    assert await spent(database, 1, SpendBy.DAY) == [
        Spent(6, Amount(14), 18, 30, day=TODAY),
        Spent(2, Amount(1), 6, 10, day=YESTERDAY),
    ]
    assert await spent(database, 1, SpendBy.MODEL) == [
        Spent(2, Amount(8), 6, 10, model="o3"),
        Spent(6, Amount(7), 18, 30, model="gpt-4o"),
    ]
    assert await spent(database, None, SpendBy.GROUP) == [
        Spent(6, Amount(28), 18, 30, group="default"),
        Spent(4, Amount(3), 12, 20, group="vip"),
    ]
    assert await spent(database, 1, SpendBy.MODEL, SpendBy.TOKEN, SpendBy.DAY) == [
        Spent(2, Amount(8), 6, 10, day=TODAY, model="o3", token_id=8),
        Spent(2, Amount(4), 6, 10, day=TODAY, model="gpt-4o", token_id=8),
        Spent(2, Amount(2), 6, 10, day=TODAY, model="gpt-4o", token_id=7),
        Spent(2, Amount(1), 6, 10, day=YESTERDAY, model="gpt-4o", token_id=7),
    ]
    assert await spent(database, 1, token_id=7) == [Spent(4, Amount(3), 12, 20)]
    assert await spent(database, None, token_id=9) == [Spent(2, Amount(16), 6, 10)]


async def test_who_spent_nothing_has_no_rows(database: Database):
    assert await spent(database, 1) == []
    assert await spent(database, 1, *SpendBy) == []


async def test_spend_without_end_is_cut_off_behind_the_dearest(database: Database):
    rows = [(1, DAY, 7, f"model-{number}", "default", number) for number in range(statements.MOST_ROWS + 1)]
    await database.atomically(added(*rows))

    found = await spent(database, 1, SpendBy.MODEL)

    assert [row.charge.nano for row in found] == list(range(statements.MOST_ROWS, 0, -1))


async def test_a_token_s_allowance_is_its_budget_or_its_user_s_balance(database: Database):
    ann = await make_caller(database, "ann", balance="5")
    bob = await make_caller(database, "bob", balance="5", limits=Limits(budget=Amount.parse("2")))
    eve = await make_caller(database, "eve")

    def spend_some() -> Program[int]:
        return (yield from execute("UPDATE token SET spent = 3, held = 1, leased = 1"))

    await database.atomically(spend_some())

    assert await statements.allowance(database, ann.token.id) == Allowance(
        Amount(3), Amount(5_000_000_000), budgeted=False
    )
    assert await statements.allowance(database, bob.token.id) == Allowance(
        Amount(3), Amount(1_999_999_997), budgeted=True
    )
    assert await statements.allowance(database, eve.token.id) == Allowance(Amount(3), ZERO, budgeted=False)
    assert await statements.allowance(database, 99) is None


async def test_a_balance_tells_what_is_held_and_leased(database: Database):
    ann = await make_caller(database, balance="5")

    def set_aside() -> Program[int]:
        return (yield from execute("UPDATE account SET held = 2, leased = 3 WHERE name = $1", ann.user.account))

    await database.atomically(set_aside())

    assert await statements.balance(database, ann.user.account) == Balance(Amount(5_000_000_000), Amount(2), Amount(3))


async def test_an_account_never_used_has_nothing(database: Database):
    assert await statements.balance(database, "clearing:none") == Balance(ZERO, ZERO)


async def test_the_balances_of_several_accounts_are_read_at_once(database: Database):
    ann, bob = await make_caller(database, "ann", balance="1"), await make_caller(database, "bob", balance="2")

    found = await statements.balances(database, [ann.user.account, bob.user.account, "user:99"])

    assert found == {
        ann.user.account: Balance(Amount.parse("1"), ZERO),
        bob.user.account: Balance(Amount.parse("2"), ZERO),
    }


async def write_entries(database: Database) -> list[LedgerEntry]:
    """Five entries of one account, two of them at one instant, and one of another account."""
    kinds = [EntryKind.CHARGE, EntryKind.TOPUP, EntryKind.CHARGE, EntryKind.CHARGE, EntryKind.GRANT]
    hours = [3, 0, 1, 1, 2]
    made = [
        NewEntry(f"event:{number}", "user:1", Amount(number), kind, START + timedelta(hours=hour))
        for number, (kind, hour) in enumerate(zip(kinds, hours, strict=True))
    ]
    await database.atomically(ledger.append([*made, NewEntry("event:9", "user:2", Amount(9), EntryKind.CHARGE, START)]))
    return sorted(await statements.entries(database, "user:1"), key=lambda each: (each.at, each.id), reverse=True)


async def test_entries_are_paged_by_instant_the_latest_first(database: Database):
    latest = await write_entries(database)
    wanted = EntryFilter("user:1")

    first = await statements.page_of_entries(database, wanted, after=None, limit=2)
    second = await statements.page_of_entries(database, wanted, after=(first[-1].at, first[-1].id), limit=2)
    third = await statements.page_of_entries(database, wanted, after=(second[-1].at, second[-1].id), limit=2)

    assert [first, second, third] == [latest[:2], latest[2:4], latest[4:]]
    assert [each.amount.nano for each in latest] == [0, 4, 3, 2, 1]


async def test_entries_are_found_by_kind_and_time(database: Database):
    await write_entries(database)
    hour = timedelta(hours=1)

    async def found(kind: EntryKind | None = None, since: datetime | None = None, until: datetime | None = None):
        wanted = EntryFilter("user:1", kind, since, until)
        page = await statements.page_of_entries(database, wanted, after=None, limit=10)
        assert await statements.count_entries(database, wanted, most=10) == len(page)
        return [each.amount.nano for each in page]

    assert await found(EntryKind.CHARGE) == [0, 3, 2]
    assert await found(since=START + hour, until=START + 2 * hour) == [3, 2]
    assert await found(EntryKind.GRANT, since=START + hour) == [4]
    assert await found(EntryKind.REFUND) == []


async def test_what_moved_everybody_s_money_but_charges_is_one_list(database: Database):
    await write_entries(database)
    house = [NewEntry("event:10", "revenue", Amount(10), EntryKind.GRANT, START)]
    await database.atomically(ledger.append([*house, NewEntry("e:11", "user:2", Amount(11), EntryKind.REFUND, START)]))
    wanted = EntryFilter(None)

    found = await statements.page_of_entries(database, wanted, after=None, limit=10)
    rest = await statements.page_of_entries(database, wanted, after=(found[0].at, found[0].id), limit=10)
    topups = await statements.page_of_entries(database, EntryFilter(None, EntryKind.TOPUP), after=None, limit=10)

    assert [(each.account, each.amount.nano) for each in found] == [("user:1", 4), ("user:2", 11), ("user:1", 1)]
    assert rest == found[1:]
    assert topups == found[2:]
    assert await statements.count_entries(database, wanted, most=10) == 3


@pytest.mark.parametrize("kind", [None, EntryKind.TOPUP])
async def test_that_list_is_read_through_its_own_index(
    database: Database, monkeypatch: pytest.MonkeyPatch, kind: EntryKind | None
):
    if database.location.path is None:
        pytest.skip("PostgreSQL chooses by statistics: an empty table is always read")
    sent: list[tuple[str, tuple[Any, ...]]] = []
    fetch = Database.fetch

    async def listening(self: Database, sql: str, *values: Any) -> Any:
        sent.append((sql, values))
        return await fetch(self, sql, *values)

    monkeypatch.setattr(Database, "fetch", listening)
    await statements.page_of_entries(database, EntryFilter(None, kind), after=(START, 5), limit=2)
    ((sql, values),) = sent

    plan = await fetch(database, f"EXPLAIN QUERY PLAN {sql}", *values)

    (step,) = [row[3] for row in plan]
    assert step.startswith("SEARCH entry USING INDEX entry_moves")


async def test_entries_are_counted_no_further_than_wanted(database: Database):
    await write_entries(database)

    assert await statements.count_entries(database, EntryFilter("user:1"), most=3) == 3


async def test_an_entry_is_found_by_its_id(database: Database):
    latest = await write_entries(database)

    assert await statements.entry(database, latest[0].id) == latest[0]
    assert await statements.entry(database, 99) is None
