from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio
from msgspec.structs import replace

from billing.journal.samples import (
    everything,
    held,
    largest_file,
    nothing_ahead,
    record,
    release,
    reservation,
    settle,
)
from clinx.billing.diary import Diary, OpenHolds
from clinx.billing.journal.durability import Sync
from clinx.billing.journal.failures import JournalFailed
from clinx.billing.journal.files import Position
from clinx.billing.journal.holds import OpenHold
from clinx.billing.journal.reader import open_holds
from clinx.billing.journal.writer import Journal
from clinx.billing.operations import Settle
from clinx.billing.shipper import Shipper
from clinx.domain.ledger import Unresolved
from clinx.domain.money import ZERO, Amount
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor
from support.database import ORIGIN, START

__all__ = ["nothing_ahead"]


@dataclass
class Desk:
    folder: Path
    diary: Diary
    journal: Journal
    shipper: Shipper

    def open(self) -> dict[str, OpenHold]:
        """Return what a next life would find, if it could read the newest segment alone."""
        self.journal._rotate()
        self.journal._rotate()
        return open_holds(self.folder, self.journal.position)


@pytest_asyncio.fixture
async def desk(database: Database, supervisor: Supervisor, tmp_path: Path) -> AsyncGenerator[Desk]:
    holds = OpenHolds()
    journal = Journal.open(tmp_path, origin=ORIGIN, sync=Sync.OFF, supervisor=supervisor, carry=holds.records)
    shipper = Shipper(database, tmp_path, ORIGIN, now=lambda: START, random=Random(1))
    yield Desk(tmp_path, Diary(journal, shipper, holds), journal, shipper)
    await journal.close()


async def test_what_is_open_is_carried_on_with_all_that_is_known_of_it(desk: Desk) -> None:
    desk.diary.open(held("a"))
    desk.diary.open(held("b"))
    desk.diary.progress(reservation("a"), Amount(90), Unresolved.VOID, Amount(40))
    desk.diary.extend(replace(reservation("a"), amount=Amount(150)))

    found = desk.open()
    assert found.keys() == {"a", "b"}
    assert found["a"].held == replace(
        held("a", 150),
        reservation=replace(reservation("a"), amount=Amount(150)),
        floor=Amount(90),
        unresolved=Unresolved.VOID,
        cost=Amount(40),
    )
    assert (found["a"].amount, found["a"].unresolved, found["a"].cost) == (Amount(150), Unresolved.VOID, Amount(40))
    assert found["b"] == OpenHold(held("b"), Amount(100), ZERO, Unresolved.METERED, ORIGIN)
    assert desk.diary.holding == 2


async def test_what_has_ended_is_not_carried_on(desk: Desk) -> None:
    for id_ in ("a", "b", "c"):
        desk.diary.open(held(id_))
    desk.diary.end(settle("a"))
    end = desk.diary.end(release("b"))

    assert (desk.diary.holding, desk.diary.waiting) == (1, 2)
    assert not desk.diary.is_open(reservation("a"))
    assert desk.diary.is_open(reservation("c"))
    assert desk.shipper._written == end == desk.journal.position
    assert desk.open().keys() == {"c"}


async def test_progress_of_a_call_that_has_ended_is_nothing(desk: Desk) -> None:
    desk.diary.open(held("a"))
    desk.diary.end(settle("a"))
    before = desk.journal.position
    desk.diary.progress(reservation("a"), Amount(50), Unresolved.METERED)

    assert desk.journal.position == before
    assert (desk.diary.holding, desk.open()) == (0, {})


@pytest.mark.usefixtures("nothing_ahead")
async def test_a_hold_that_is_not_written_is_none(desk: Desk) -> None:
    with largest_file(0), pytest.raises(JournalFailed):
        desk.diary.open(held("a"))

    assert desk.diary.failing
    assert not desk.diary.is_open(reservation("a"))
    assert (desk.diary.holding, desk.diary.waiting) == (0, 0)


@pytest.mark.usefixtures("nothing_ahead")
async def test_while_the_journal_fails_ends_are_written_and_mere_logs_are_not(desk: Desk) -> None:
    desk.diary.open(held("a"))
    with largest_file(0), pytest.raises(JournalFailed):
        desk.diary.open(held("b"))
    before = desk.journal.position
    desk.diary.note(record("log"))
    assert (desk.journal.position, desk.diary.waiting) == (before, 0)

    desk.diary.end(settle("a"))
    assert desk.diary.waiting == 1
    assert await desk.journal.retry()
    desk.diary.note(record("log"))
    assert desk.diary.waiting == 2
    assert open_holds(desk.folder, Position(1, 0)) == {}


async def test_what_no_journal_can_say_of_a_call_does_not_cost_its_charge(desk: Desk) -> None:
    desk.diary.open(held("a"))
    odd = settle("a")
    desk.diary.end(replace(odd, log=replace(odd.log, model="a\ud800b", quote=("\ud800",))))

    (written,) = everything(desk.folder)
    assert isinstance(written, Settle)
    assert (written.reservation, written.charge) == (odd.reservation, odd.charge)
    assert (written.log.id, written.log.model, written.log.quote) == ("a", "a?b", ())
    assert desk.diary.waiting == 1


async def test_a_process_whose_place_was_taken_over_admits_nothing(desk: Desk) -> None:
    assert not desk.diary.failing
    desk.shipper.fenced = True
    assert desk.diary.failing
    desk.diary.note(record("log"))
    assert desk.diary.waiting == 0
