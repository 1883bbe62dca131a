import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio
from msgspec.structs import replace

from clinx.billing import statement
from clinx.billing.diary import OpenHolds
from clinx.billing.journal.durability import Sync
from clinx.billing.journal.files import BEGINNING, Position, segment_path
from clinx.billing.journal.slots import claim
from clinx.billing.journal.writer import Journal
from clinx.billing.operations import Record, Release, Settle
from clinx.billing.shipper import BATCH, Shipper
from clinx.billing.treasury import begin
from clinx.domain.identity import Principal
from clinx.domain.ledger import Balance, Origin, Reservation
from clinx.domain.money import ZERO, Amount
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor
from support.books import contradictions
from support.database import START, make_caller, request_log
from support.flaky import Fault, Flaky
from support.history import dump, run

ONE = Amount.parse("1")
CENT = Amount.parse("0.01")


@dataclass
class Shipment:
    """A journal that a test writes, and its shipper."""

    database: Flaky
    folder: Path
    origin: Origin
    journal: Journal
    shipper: Shipper
    supervisor: Supervisor
    caller: Principal
    start: Position

    def settle(self, id_: str, charge: Amount = CENT) -> Position:
        """Write a settlement of a loan that nobody made: it comes out of the balance alone."""
        held = Reservation(id_, self.caller.user.id, self.caller.token.id, charge, "r1", leased=True)
        return self.write(Settle(held, charge, request_log(id_, self.caller, charge=charge)))

    def write(self, record: Settle | Release | Record) -> Position:
        position = self.journal.append(record)
        self.shipper.notice(position)
        return position

    def write_with_nonsense(self, prefix: str) -> Position:
        """Charges, and one among them that no database takes: its log has a status beyond all columns."""
        for name in ("a", "b"):
            self.settle(prefix + name)
        charge = Settle(
            Reservation(prefix + "bad", self.caller.user.id, self.caller.token.id, CENT, "r1", leased=True),
            CENT,
            replace(request_log(prefix + "bad", self.caller, charge=CENT), status=2**63),
        )
        self.write(charge)
        return self.settle(prefix + "c")

    def new_shipper(self) -> Shipper:
        return Shipper(self.database, self.folder, self.origin, now=lambda: START, random=Random(1))

    def run(self) -> asyncio.Task[None]:
        return self.supervisor.start(self.shipper.run(self.start), name="shipper", endless=True)

    async def flush(self) -> None:
        self.run()
        await self.flush_again()

    async def flush_again(self) -> None:
        async with asyncio.timeout(20):
            await self.shipper.flush()

    async def balance(self) -> Balance:
        return await statement.balance(self.database, self.caller.user)

    async def stored(self) -> list[tuple[int, int]]:
        return list(await self.database.fetch("SELECT segment, position FROM node"))  # pyright: ignore[reportReturnType]

    async def charges(self) -> list[str]:
        rows = await self.database.fetch("SELECT event FROM entry WHERE kind = 'charge' AND amount < 0 ORDER BY event")
        return [row[0] for row in rows]


@pytest_asyncio.fixture
async def shipment(database: Database, tmp_path: Path, supervisor: Supervisor) -> AsyncGenerator[Shipment]:
    slot = claim(tmp_path / "journal", lambda: "node_1")
    flaky = Flaky(database)
    origin = await begin(flaky, slot, "test", START)
    caller = await make_caller(flaky, balance="10")
    flaky.asked = 0
    holds = OpenHolds()
    journal = Journal.open(slot.path, origin=origin, sync=Sync.OFF, supervisor=supervisor, carry=holds.records)
    shipper = Shipper(flaky, slot.path, origin, now=lambda: START, random=Random(1))
    yield Shipment(flaky, slot.path, origin, journal, shipper, supervisor, caller, BEGINNING)
    await journal.close()
    slot.release()


async def test_what_is_written_is_shipped_with_the_position_it_ends_at(shipment: Shipment) -> None:
    shipment.settle("a")
    end = shipment.settle("b", Amount.parse("0.02"))
    assert shipment.shipper.waiting == 2
    await shipment.flush()

    assert await shipment.balance() == Balance(Amount.parse("9.97"), ZERO, ZERO)
    assert await shipment.stored() == [end]
    assert (shipment.shipper.shipped, shipment.shipper.waiting) == (end, 0)
    assert shipment.database.asked == 1
    assert await contradictions(shipment.database) == []


async def test_many_records_are_a_few_transactions(shipment: Shipment) -> None:
    for number in range(2 * BATCH + 1):
        shipment.write(Record(request_log(f"log-{number}")))
    await shipment.flush()

    assert shipment.database.asked == 3
    assert await shipment.database.fetch("SELECT COUNT(*) FROM request_log") == [(2 * BATCH + 1,)]


async def test_files_that_are_shipped_again_change_nothing(shipment: Shipment) -> None:
    for id_ in ("a", "b", "c"):
        shipment.settle(id_)
    free = Reservation("free", shipment.caller.user.id, shipment.caller.token.id, ONE, "r1", leased=True)
    shipment.write(Settle(free, ZERO, request_log("free", shipment.caller)))
    shipment.write(Release(replace(free, id="given back"), request_log("given back", shipment.caller)))
    await shipment.flush()
    before = await dump(shipment.database)

    for segment, offset in [(0, 0), (1, 0), (0, 0)]:
        await run(shipment.database, f"UPDATE node SET segment = {segment}, position = {offset}")  # noqa: S608  (our own numbers)
        again = shipment.new_shipper()
        again.notice(shipment.journal.position)
        shipment.supervisor.start(again.run(Position(segment, offset)), name="again", endless=True)
        await again.flush()

        assert await dump(shipment.database) == before
    assert await shipment.charges() == ["settle:a", "settle:b", "settle:c"]


@pytest.mark.parametrize(
    "faults",
    [
        {1: Fault.DOUBT},
        {1: Fault.DOUBT, 3: Fault.AWAY},
        {1: Fault.DOUBT, 3: Fault.DOUBT, 4: Fault.AWAY},
        {1: Fault.CONFLICT, 2: Fault.CONFLICT, 3: Fault.CONFLICT},
        {1: Fault.AWAY, 2: Fault.DOUBT},
    ],
    ids=str,
)
async def test_whatever_becomes_of_a_transaction_a_record_counts_once(
    shipment: Shipment, faults: dict[int, Fault]
) -> None:
    """In doubt, it was written: the ledger is beyond the batch, and says where to go on."""
    shipment.database.plan = faults.get
    shipment.settle("a")
    end = shipment.settle("b")
    await shipment.flush()
    last = shipment.settle("c")
    await shipment.flush_again()

    assert await shipment.charges() == ["settle:a", "settle:b", "settle:c"]
    assert await shipment.balance() == Balance(Amount.parse("9.97"), ZERO, ZERO)
    assert end < shipment.shipper.shipped == last
    assert await shipment.stored() == [last]
    assert shipment.shipper.waiting == 0


async def test_a_position_that_somebody_moved_back_is_followed(shipment: Shipment) -> None:
    shipment.settle("a")
    await shipment.flush()
    await run(shipment.database, "UPDATE node SET segment = 0, position = 0")
    end = shipment.settle("b")
    await shipment.flush_again()

    assert await shipment.charges() == ["settle:a", "settle:b"]
    assert await shipment.stored() == [end]


async def test_what_the_database_refuses_is_put_aside_and_the_rest_goes_on(
    shipment: Shipment, caplog: pytest.LogCaptureFixture
) -> None:
    end = shipment.write_with_nonsense("")
    await shipment.flush()

    assert await shipment.charges() == ["settle:a", "settle:b", "settle:c"]
    assert await shipment.stored() == [end]
    refused = [record for record in caplog.records if record.message == "billing.refused"]
    assert [(record.levelno, "bad" in vars(record)["operation"]) for record in refused] == [(logging.CRITICAL, True)]
    (line,) = (shipment.folder / "refused.log").read_text().splitlines()
    assert "bad" in line
    assert await contradictions(shipment.database) == []


async def test_a_divided_batch_may_fail_anywhere(shipment: Shipment) -> None:
    shipment.write_with_nonsense("0-")
    await shipment.flush()
    transactions, database = shipment.database.asked, shipment.database

    for fault in (Fault.DOUBT, Fault.CONFLICT):
        for number in range(1, transactions + 1):
            database.asked, database.plan = 0, {number: fault}.get
            end = shipment.write_with_nonsense(f"{fault.value}-{number}-")
            await shipment.flush_again()
            assert await shipment.stored() == [end]

    whole = 1 + 2 * transactions
    assert len(await shipment.charges()) == 3 * whole
    assert await shipment.balance() == Balance(Amount.parse("10") - Amount(3 * whole * CENT.nano), ZERO, ZERO)
    assert await contradictions(database) == []


async def test_of_a_hold_that_a_restored_database_does_not_know_the_settlement_counts_all_the_same(
    shipment: Shipment,
) -> None:
    unknown = Reservation("later", shipment.caller.user.id, shipment.caller.token.id, ONE, "r1")
    shipment.write(Release(replace(unknown, id="given back"), None))
    end = shipment.write(Settle(unknown, CENT, request_log("later", shipment.caller, charge=CENT)))
    await shipment.flush()

    assert await shipment.charges() == ["settle:later"]
    assert await shipment.balance() == Balance(Amount.parse("9.99"), ZERO, ZERO)
    assert await shipment.stored() == [end]


async def test_closing_ships_what_is_there(shipment: Shipment) -> None:
    running = shipment.run()
    end = shipment.settle("a")
    shipment.shipper.close()
    await running

    assert await shipment.stored() == [end]
    assert await shipment.charges() == ["settle:a"]


async def test_closing_while_the_database_is_away_leaves_it_in_the_journal(
    shipment: Shipment, caplog: pytest.LogCaptureFixture
) -> None:
    shipment.database.plan = lambda _: Fault.AWAY
    running = shipment.run()
    end = shipment.settle("a")
    shipment.shipper.close()
    await running

    left = [vars(record)["records"] for record in caplog.records if record.message == "journal.left"]
    assert left == [1]
    assert await shipment.charges() == []

    shipment.database.plan = lambda _: None
    later = shipment.new_shipper()
    later.notice(end)
    shipment.supervisor.start(later.run(shipment.start), name="later", endless=True)
    await later.flush()
    assert await shipment.charges() == ["settle:a"]


async def test_while_the_journal_cannot_be_read_nothing_is_written_and_then_everything(
    shipment: Shipment, caplog: pytest.LogCaptureFixture
) -> None:
    shipment.settle("a")
    hidden = segment_path(shipment.folder, 1).rename(shipment.folder / "hidden")
    flushing = shipment.supervisor.start(shipment.flush(), name="flush")
    async with asyncio.timeout(20):
        while "billing.unavailable" not in caplog.messages:
            assert await shipment.charges() == []
    assert (shipment.database.asked, await shipment.charges()) == (0, [])

    hidden.rename(segment_path(shipment.folder, 1))
    await flushing

    assert await shipment.charges() == ["settle:a"]
    assert shipment.database.asked == 1


async def test_a_gap_in_the_journal_is_told_and_what_follows_is_shipped(
    shipment: Shipment, caplog: pytest.LogCaptureFixture
) -> None:
    shipment.settle("a")
    shipment.settle("lost")
    shipment.journal._rotate()
    end = shipment.settle("b")
    path = segment_path(shipment.folder, 1)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    await shipment.flush()

    assert await shipment.charges() == ["settle:a", "settle:b"]
    assert await shipment.stored() == [end]
    assert caplog.messages.count("journal.damaged") == 1


async def test_a_process_whose_place_was_taken_over_ships_nothing_more(
    shipment: Shipment, caplog: pytest.LogCaptureFixture
) -> None:
    """By a later life of its node: its lock was lost, or the folder copied."""
    await run(shipment.database, "UPDATE node SET epoch = epoch + 1")
    shipment.settle("a")
    running = shipment.run()
    async with asyncio.timeout(20):
        while not shipment.shipper.fenced:
            assert await shipment.charges() == []
    shipment.shipper.close()
    await running

    assert await shipment.charges() == []
    assert await shipment.stored() == [(0, 0)]
    assert caplog.messages.count("journal.overtaken") == 1


async def test_what_is_remembered_is_not_read_again(shipment: Shipment) -> None:
    shipment.settle("a")
    await shipment.flush()
    held = Reservation("b", shipment.caller.user.id, shipment.caller.token.id, CENT, "r1", leased=True)
    told = Settle(held, CENT, request_log("b", shipment.caller, charge=CENT))
    # What the journal says differs on purpose: it shows which of the two was shipped.
    end = shipment.journal.append(replace(told, charge=Amount.parse("0.02")))
    shipment.shipper.notice(end, told)
    await shipment.flush_again()

    assert await shipment.balance() == Balance(Amount.parse("9.98"), ZERO, ZERO)
    assert await shipment.stored() == [end]


async def test_more_than_is_remembered_is_read_from_the_journal(
    shipment: Shipment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.billing.shipper.MOST_FRESH", 2)
    ends: list[Position] = []
    for number in range(8):
        record = Record(request_log(f"log-{number}"))
        ends.append(shipment.journal.append(record))
        shipment.shipper.notice(ends[-1], record)
    await shipment.flush()

    assert await shipment.stored() == [ends[-1]]
    assert await shipment.database.fetch("SELECT count(*) FROM request_log") == [(8,)]
    assert shipment.shipper.waiting == 0
