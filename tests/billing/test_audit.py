from datetime import timedelta

import pytest

from clinx.billing import topup
from clinx.billing.audit import GRACE, Auditor
from clinx.billing.sweep import sweep
from clinx.billing.transfer import Cause
from clinx.billing.vault import Vault
from clinx.domain.money import Amount
from clinx.storage import nodes
from clinx.storage.database import Database
from support.database import START, Clock, make_user
from support.history import DAMAGE, Damage, dump, entry, inflict, moved, run, said, write_history

ONE = Amount.parse("1")


@pytest.fixture
def auditor(database: Database, clock: Clock) -> Auditor:
    return Auditor(database, now=clock.now, bound=ONE)


async def test_books_that_balance_have_no_breach(database: Database, vault: Vault, auditor: Auditor):
    await write_history(database, vault)

    report = await auditor.audit(full=True)

    assert said(report) == []
    assert {check.code: check.count for check in report.checks} == {
        "I1": 10,
        "I2": 6,
        "I3": 3,
        "I4": 1,
        "I5": 1,
        "I6": 2,
        "I7": 1,
        "I8": 2,
    }


async def test_an_empty_ledger_has_no_breach(auditor: Auditor):
    report = await auditor.audit(full=True)

    assert said(report) == []
    assert sum(check.count for check in report.checks) == 3  # The house's accounts.


@pytest.mark.parametrize("name", DAMAGE)
async def test_exactly_the_broken_rule_is_reported_and_nothing_is_mended(
    database: Database, vault: Vault, auditor: Auditor, name: str
):
    await write_history(database, vault)
    await inflict(database, DAMAGE[name])
    before = await dump(database)

    report = await auditor.audit(full=True)

    assert said(report) == list(DAMAGE[name].found)
    accounts = {account for breach in report.breaches.values() for account in breach.accounts}
    assert sorted(accounts) == list(DAMAGE[name].accounts)
    assert await dump(database) == before


async def learned(auditor: Auditor, clock: Clock) -> None:
    """Let an auditor see all of the history twice: from then on it looks at what is new."""
    for _ in range(3):
        assert said(await auditor.audit(full=False)) == []
        clock.advance(60)


async def entries_compared(auditor: Auditor) -> int:
    return (await auditor.audit(full=False)).checks[0].count


@pytest.mark.parametrize("name", DAMAGE)
async def test_most_damage_is_noticed_by_the_next_look_at_what_is_new(
    database: Database, vault: Vault, auditor: Auditor, clock: Clock, name: str
):
    await write_history(database, vault)
    await learned(auditor, clock)
    await inflict(database, DAMAGE[name])

    soon, all_of_it = said(await auditor.audit(full=False)), list(DAMAGE[name].found)

    assert soon == all_of_it if DAMAGE[name].is_noticed_soon else set(soon) < set(all_of_it)
    assert said(await auditor.audit(full=True)) == all_of_it


async def test_entries_are_summed_once_when_nothing_older_can_appear(
    database: Database, vault: Vault, auditor: Auditor, clock: Clock
):
    await write_history(database, vault)

    assert await entries_compared(auditor) == 10
    clock.advance(29)
    assert await entries_compared(auditor) == 10
    clock.advance(1)
    assert await entries_compared(auditor) == 10  # Now they are remembered.
    assert await entries_compared(auditor) == 0
    await make_user(database, "cleo", balance="2")
    assert await entries_compared(auditor) == 2
    clock.advance(30)
    assert await entries_compared(auditor) == 2
    assert await entries_compared(auditor) == 2
    clock.advance(30)
    assert await entries_compared(auditor) == 2
    assert await entries_compared(auditor) == 0
    assert said(await auditor.audit(full=False)) == []


async def test_an_entry_that_is_committed_after_one_with_a_higher_id_is_not_missed(
    database: Database, vault: Vault, auditor: Auditor, clock: Clock
):
    await write_history(database, vault)
    await write_pair(database, 1000)
    assert said(await auditor.audit(full=False)) == []

    await write_pair(database, 900)

    for _ in range(4):
        clock.advance(30)
        assert said(await auditor.audit(full=False)) == []


async def test_what_only_one_of_two_looks_finds_is_no_breach(
    database: Database, vault: Vault, auditor: Auditor, clock: Clock
):
    """An entry far later than a transaction may take makes the remembered sums wrong; the second look sees it all."""
    await write_history(database, vault)
    await write_pair(database, 1000)
    await learned(auditor, clock)

    await write_pair(database, 900)

    assert said(await auditor.audit(full=False)) == []
    assert said(await auditor.audit(full=False)) == []


async def test_a_breach_in_the_history_stands_until_a_full_audit_misses_it(
    database: Database, vault: Vault, auditor: Auditor, clock: Clock
):
    await write_history(database, vault)
    damage = DAMAGE["a log that says another charge"]
    await inflict(database, damage)
    assert said(await auditor.audit(full=True)) == list(damage.found)
    clock.advance(60)
    await auditor.audit(full=False)
    await run(database, "UPDATE request_log SET charge = 1250000000 WHERE id = 'req-1'")

    clock.advance(60)
    assert said(await auditor.audit(full=False)) == list(damage.found)
    assert said(await auditor.audit(full=True)) == []


async def test_a_sum_that_is_right_again_is_no_breach_any_more(database: Database, vault: Vault, auditor: Auditor):
    await write_history(database, vault)
    await inflict(database, DAMAGE["a balance"])
    assert len((await auditor.audit(full=False)).breaches) == 1

    await run(database, moved("user:1", -1))

    assert said(await auditor.audit(full=False)) == []


async def test_a_hold_that_no_sweep_ended_is_overdue_after_a_grace(
    database: Database, vault: Vault, auditor: Auditor, clock: Clock
):
    await write_history(database, vault)
    clock.advance(3600 + GRACE.total_seconds() - 1)
    assert said(await auditor.audit(full=False)) == []

    clock.advance(1)

    assert said(await auditor.audit(full=False)) == [("I5", "hold req-2", "0", "2")]
    await sweep(database, clock.now())
    assert said(await auditor.audit(full=False)) == []


@pytest.mark.parametrize(("seen", "found"), [(0, []), (4000, [("I5", "hold req-2", "0", "2")])])
async def test_whoever_just_came_asks_whether_a_process_lived_to_sweep(
    database: Database, vault: Vault, clock: Clock, seen: int, found: list[tuple[str, ...]]
):
    await write_history(database, vault)
    begun = nodes.begin("node_test", "h", clock.now(), 0)
    await database.atomically(begun)
    await database.atomically(nodes.seen("node_test", clock.now() + timedelta(seconds=seen)))
    clock.advance(4000)

    report = await Auditor(database, now=clock.now, bound=ONE).audit(full=True)

    assert said(report) == found


async def test_a_settlement_of_an_older_release_is_the_settlement_of_its_hold(
    database: Database, vault: Vault, auditor: Auditor
):
    await write_history(database, vault)
    await inflict(
        database,
        Damage(
            [
                "UPDATE entry SET event = 'settle:req-1:3' WHERE event = 'settle:req-1'",
                "DELETE FROM spend",  # Which that release did not write.
            ],
            [],
        ),
    )

    assert said(await auditor.audit(full=True)) == []


async def test_a_correction_may_leave_any_balance(database: Database, auditor: Auditor):
    user = await make_user(database, balance="1")
    await topup.adjust(database, user, Amount.parse("-50"), Cause("op", "fraud", "k"), at=START)

    assert said(await auditor.audit(full=True)) == []


async def test_the_bound_is_what_was_given(database: Database, vault: Vault, clock: Clock):
    await write_history(database, vault)
    await inflict(database, DAMAGE["an overdrawn account"])

    within = Auditor(database, now=clock.now, bound=Amount(1_000_000_001))

    assert said(await within.audit(full=True)) == []


async def write_pair(database: Database, first_id: int) -> None:
    """Write an event as a transaction that drew these ids earlier would."""
    await run(
        database,
        entry(f"x{first_id}", "user:1", 7, id_=first_id),
        entry(f"x{first_id}", "promo", -7, id_=first_id + 1),
        moved("user:1", 7),
        moved("promo", -7),
    )
