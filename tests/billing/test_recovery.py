import logging
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from clinx.billing import statement
from clinx.billing.batch import execute
from clinx.billing.journal.durability import Sync
from clinx.billing.journal.files import Position, segment_numbers
from clinx.billing.journal.records import Held
from clinx.billing.journal.slots import claim
from clinx.billing.journal.writer import Journal
from clinx.billing.operations import Lend
from clinx.billing.recovery import OUTCOME, Recovered, Recovery
from clinx.billing.treasury import begin
from clinx.domain.identity import Principal
from clinx.domain.ledger import Balance, Reservation, Unresolved
from clinx.domain.money import MAX_NANO, ZERO, Amount
from clinx.storage import request_logs, rollups
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageUnavailable
from clinx.telemetry.tasks import Supervisor
from support.books import contradictions
from support.database import make_caller, request_log
from support.flaky import Fault, Flaky, Killed
from support.treasury import LIFETIME, Bank, now

RICH = Balance(Amount.parse("99.65"), ZERO, ZERO)
POOR = Balance(Amount.parse("0.14"), ZERO, ZERO)
FOUND = Recovered(resolved=5, charged=Amount.parse("0.33"), records=1)


def dollars(text: str) -> Amount:
    return Amount.parse(text)


@dataclass
class Grave:
    """What a process left that was killed in the middle of everything."""

    database: Flaky
    folder: Path
    rich: Principal
    poor: Principal

    async def recover(self, *, tries: int | None = None) -> Recovered:
        """In a next life."""
        slot = claim(self.folder / "journal", lambda: pytest.fail("the slot has a name"))
        try:
            origin = await begin(self.database, slot, "test", now())
            end = Position(segment_numbers(slot.path)[-1] + 1, 0)
            return await Recovery(self.database, now, Random(1)).recover(slot.path, origin, end, tries=tries)
        finally:
            slot.release()

    async def check(self) -> None:
        assert await statement.balance(self.database, self.rich.user) == RICH
        assert await statement.balance(self.database, self.poor.user) == POOR
        rows = await self.database.fetch(
            "SELECT event FROM entry WHERE kind = 'charge' AND account IN ($1, $2) ORDER BY event",
            self.rich.user.account,
            self.poor.user.account,
        )
        name = self.folder.name
        assert [row[0] for row in rows] == [
            f"settle:{name}-{id_}" for id_ in ("direct", "extended", "floor", "metered", "settled")
        ]
        assert await contradictions(self.database) == []


async def dig(database: Database, folder: Path) -> Grave:
    """Let a process die with a hold of every kind, a settlement that was not shipped, and one nobody wrote down."""
    name = folder.name
    rich = await make_caller(database, f"rich-{name}", balance="100")
    poor = await make_caller(database, f"poor-{name}", balance="0.15")
    bank = Bank(database, folder, name="dead")
    await bank.begin()
    await bank.hold(rich, "0.10", floor="0.02", cost="0.01", request_id=f"{name}-floor")
    metered = await bank.hold(rich, "0.10", floor="0.02", cost="0.01", request_id=f"{name}-metered")
    bank.cashier.progress(metered, dollars("0.05"), Unresolved.METERED, dollars("0.03"))
    extended = await bank.hold(rich, "0.10", unresolved=Unresolved.HOLD, request_id=f"{name}-extended")
    assert bank.cashier.extend(extended, dollars("0.25")) is not None
    await bank.hold(rich, "0.10", floor="0.10", unresolved=Unresolved.VOID, request_id=f"{name}-void")
    await bank.hold(poor, "0.08", floor="0.01", request_id=f"{name}-direct")
    await bank.treasury.vault.reserve(
        poor, dollars("0.04"), request_id=f"{name}-orphan", revision="r1", lifetime=LIFETIME
    )
    settled = await bank.hold(rich, "0.10", request_id=f"{name}-settled")
    charge = dollars("0.03")
    await bank.cashier.settle(settled, charge, log=request_log(settled.id, rich, charge=charge))
    await bank.crash()
    return Grave(Flaky(database), folder, rich, poor)


async def test_every_hold_ends_as_its_channel_wants_it(database: Database, tmp_path: Path) -> None:
    grave = await dig(database, tmp_path / "a")

    assert await grave.recover() == FOUND
    await grave.check()

    states = await database.fetch("SELECT id, state FROM reservation ORDER BY id")
    assert states == [("a-direct", "settled"), ("a-orphan", "expired")]
    log = await request_logs.find(database, "a-metered")
    assert log is not None
    assert (log.outcome, log.charge, log.usage.estimated) == (OUTCOME, dollars("0.05"), True)
    assert log.quote == ("estimated: metered",)
    void = await request_logs.find(database, "a-void")
    assert void is not None
    assert (void.outcome, void.charge) == (OUTCOME, ZERO)


async def test_what_a_killed_call_costs_us_is_in_its_log_and_in_the_sums(database: Database, tmp_path: Path) -> None:
    grave = await dig(database, tmp_path / "a")

    await grave.recover()
    await grave.recover()  # There is nothing left to do, and so nothing counts twice.
    while await rollups.fold(database):
        pass

    rows = await database.fetch("SELECT id, charge, cost FROM request_log ORDER BY id")
    costs = {id_: (Amount(charge), None if cost is None else Amount(cost)) for id_, charge, cost in rows}
    assert costs == {
        "a-direct": (dollars("0.01"), None),
        "a-extended": (dollars("0.25"), None),
        "a-floor": (dollars("0.02"), dollars("0.01")),
        "a-metered": (dollars("0.05"), dollars("0.03")),
        "a-settled": (dollars("0.03"), None),
        "a-void": (ZERO, None),
    }
    (sums,) = await database.fetch(
        "SELECT SUM(cost), SUM(costed_charge), SUM(costed_requests) FROM rollup"
        " WHERE user_id = 0 AND facet = 'total' AND grain = 'day'"
    )
    assert [int(each) for each in sums] == [dollars("0.04").nano, dollars("0.07").nano, 2]


@pytest.mark.parametrize("fault", Fault, ids=str)
async def test_wherever_it_is_interrupted_the_end_is_the_same(database: Database, tmp_path: Path, fault: Fault) -> None:
    first = await dig(database, tmp_path / "whole")
    await first.recover()
    transactions = first.database.asked
    assert transactions > 5

    for number in range(1, transactions + 1):
        grave = await dig(database, tmp_path / str(number))
        grave.database.plan = {number: fault}.get
        try:
            await grave.recover()
        except (Killed, StorageUnavailable):  # Of the beginning of a life.
            await grave.recover()
        await grave.check()


async def test_two_dead_lives_are_finished_together(database: Database, tmp_path: Path, supervisor: Supervisor) -> None:
    """The second was killed before it had recovered the first."""
    grave = await dig(database, tmp_path / "a")
    slot = claim(grave.folder / "journal", lambda: pytest.fail("the slot has a name"))
    origin = await begin(database, slot, "test", now())
    user, token = grave.rich.user.id, grave.rich.token.id
    await database.atomically(execute([Lend(user, token, dollars("1"), dollars("2"))], now(), origin))
    journal = Journal.open(slot.path, origin=origin, sync=Sync.OFF, supervisor=supervisor, carry=tuple)
    held = Reservation("second", user, token, dollars("0.5"), "r1", leased=True)
    journal.append(Held(held, now(), ZERO, Unresolved.HOLD))
    await journal.close()
    slot.release()

    assert await grave.recover() == Recovered(1, 6, dollars("0.83"))

    assert await statement.balance(database, grave.rich.user) == Balance(dollars("99.15"), ZERO, ZERO)
    spent = await database.fetch("SELECT epoch, spent, granted - returned - spent FROM lease WHERE scope LIKE 'user:1'")
    assert sorted(map(tuple, spent)) == [(1, dollars("0.35").nano, 0), (2, dollars("0.5").nano, 0)]
    assert await contradictions(database) == []


async def test_what_was_finished_is_not_told_again(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The segments of the dead are kept for days, and their holds have no end in them."""
    grave = await dig(database, tmp_path / "a")
    await grave.recover()
    assert caplog.messages.count("recovery.finished") == 1

    assert await grave.recover() == Recovered()
    async with Bank(database, tmp_path / "a", name="next") as bank:
        held = await bank.hold(grave.rich, "0.10")
        await bank.cashier.release(held, log=None)
    assert await grave.recover() == Recovered()

    assert caplog.messages.count("recovery.finished") == 1
    await grave.check()


async def test_what_the_database_refuses_is_put_aside_and_the_rest_is_resolved(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two charges that no account covers together."""
    caller = await make_caller(database, balance="100")
    bank = Bank(database, tmp_path)
    await bank.begin()
    for id_, nano in (("a", 1), ("huge-1", MAX_NANO // 2), ("huge-2", MAX_NANO // 2), ("huge-3", MAX_NANO // 2)):
        held = Reservation(id_, caller.user.id, caller.token.id, Amount(nano), "r1", leased=True)
        bank.treasury.journal.append(Held(held, now(), ZERO, Unresolved.HOLD))
    await bank.crash()
    grave = Grave(Flaky(database), tmp_path, caller, caller)
    await grave.recover()

    charged = await database.fetch("SELECT event FROM entry WHERE kind = 'charge' AND amount < 0 ORDER BY event")
    assert charged == [("settle:a",), ("settle:huge-1",), ("settle:huge-2",)]
    (refused,) = [record for record in caplog.records if record.message == "billing.refused"]
    assert (refused.levelno, "huge-3" in vars(refused)["operation"]) == (logging.CRITICAL, True)
    assert "huge-3" in (tmp_path / "journal" / "0" / "refused.log").read_text()
    assert await contradictions(database) == []


async def test_tries_that_are_numbered_end(database: Database, tmp_path: Path) -> None:
    grave = await dig(database, tmp_path / "a")
    grave.database.plan = lambda n: Fault.CONFLICT if n > 2 else None
    with pytest.raises(StorageConflict):
        await grave.recover(tries=2)

    assert grave.database.asked == 4
    grave.database.plan = lambda _: None
    await grave.recover()
    await grave.check()
