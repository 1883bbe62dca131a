import logging
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from billing.journal.samples import (
    everything,
    held,
    largest_file,
    open_journal,
    progress,
    record,
    release,
    settle,
)
from clinx.billing.journal import segment as segments
from clinx.billing.journal import writer as module
from clinx.billing.journal.durability import Sync
from clinx.billing.journal.failures import JournalFailed, JournalRefused
from clinx.billing.journal.files import BEGINNING, Header, Position, segment_numbers
from clinx.billing.journal.passage import Passage
from clinx.billing.journal.reader import open_holds, read
from clinx.billing.journal.records import Held, JournalRecord, decode, frame
from clinx.billing.journal.segment import Emergency
from clinx.billing.journal.writer import Journal
from clinx.billing.operations import Settle
from clinx.domain.ledger import Origin
from clinx.telemetry.tasks import Supervisor


@pytest.fixture(params=[False, True], ids=["written", "mapped"])
def mapped(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways to write, whatever file system the tests run on."""
    monkeypatch.setattr(module, "holds_room", lambda _: request.param)  # pyright: ignore[reportUnknownArgumentType]
    # What is allocated ahead is full at once: so is then the disk.
    monkeypatch.setattr(segments, "WINDOW", 1)
    return request.param


@pytest_asyncio.fixture
async def journal(folder: Path, supervisor: Supervisor) -> AsyncGenerator[Journal]:
    opened = open_journal(folder, supervisor)
    yield opened
    await opened.close()


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the tests may run."""
    monkeypatch.setattr(module, "is_volatile", lambda _: False)  # pyright: ignore[reportUnknownArgumentType]


@pytest.fixture
def folder(tmp_path: Path, mapped: bool) -> Path:
    return tmp_path / "journal"


def written(folder: Path, number: int) -> list[JournalRecord]:
    return [decode(each) for each in Passage(folder, number)]


def grow(journal: Journal) -> Position:
    """Fill the segment beyond what the tests write to the next one, with what neither ships nor is held."""
    while journal.position.offset < 5000:
        journal.append(progress("ballast", 1))
    return journal.position


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    found = [(each.levelno, each.message) for each in caplog.records]
    caplog.clear()
    return found


async def test_what_was_appended_is_in_the_file_in_its_order(journal: Journal, folder: Path):
    records = [held("a"), progress("a", 5), settle("a"), held("b"), release("b"), record("c")]
    began = journal.position

    ends = [journal.append(each) for each in records]

    assert written(folder, 1) == records
    assert ends == sorted(ends)
    assert ends[-1] == journal.position
    assert ends[0] == Position(1, began.offset + len(frame(held("a"))))


async def test_every_life_begins_a_segment_with_what_is_open(folder: Path, supervisor: Supervisor):
    first = open_journal(folder, supervisor)
    first.append(held("a"))
    await first.close()
    second = open_journal(folder, supervisor, origin=Origin("node_1", 2), carry=lambda: [held("a"), progress("a", 5)])
    second.append(settle("a"))
    await second.close()

    assert segment_numbers(folder) == [1, 2]
    assert Passage(folder, 1).header == Header("node_1", 1)
    assert Passage(folder, 2).header == Header("node_1", 2)
    assert written(folder, 2) == [held("a"), progress("a", 5), settle("a")]


async def test_a_full_segment_is_followed_by_one_that_repeats_the_open_holds(folder: Path, supervisor: Supervisor):
    holds = [held("old"), held("older")]
    journal = open_journal(folder, supervisor, carry=lambda: holds, segment_size=1000)
    number = 0
    while journal.position.segment < 3:
        number += 1
        journal.append(settle(f"{number}"))
    await journal.close()

    assert segment_numbers(folder) == [1, 2, 3]
    for each in (2, 3):
        assert written(folder, each)[:2] == holds
    assert everything(folder) == [settle(f"{each}") for each in range(1, number + 1)]
    assert open_holds(folder, journal.position).keys() == {"old", "older"}


@pytest.mark.parametrize("sync", Sync)
async def test_durable_waits_only_when_each_record_counts(
    folder: Path, supervisor: Supervisor, on_disk: None, sync: Sync
):
    journal = open_journal(folder, supervisor, sync=sync)
    position = journal.append(held("a"))

    waited = journal.durable(position)
    if sync is Sync.EACH:
        await waited
        assert journal.synced == position
    else:
        with pytest.raises(StopIteration):
            waited.send(None)
        assert journal.synced == (position if sync is Sync.OFF else BEGINNING)
    await journal.close()
    assert journal.synced == position


async def test_a_folder_in_memory_is_refused_unless_that_is_said_to_be_fine(
    folder: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "is_volatile", lambda _: True)  # pyright: ignore[reportUnknownArgumentType]
    for sync in (Sync.EACH, Sync.GROUP):
        with pytest.raises(JournalRefused, match=r"is in memory.*CLINX_STATE_DIR.*CLINX_JOURNAL_SYNC=off"):
            open_journal(folder, supervisor, sync=sync)
    assert segment_numbers(folder) == []
    assert not (folder / "emergency").exists()

    await open_journal(folder, supervisor, sync=Sync.OFF).close()
    assert segment_numbers(folder) == [1]


@pytest.mark.parametrize("refused", [held("new"), record("new")])
async def test_a_full_disk_stops_admission_and_keeps_what_is_due(
    journal: Journal, folder: Path, caplog: pytest.LogCaptureFixture, refused: JournalRecord
):
    grow(journal)
    journal.append(held("a"))
    end = journal.append(held("b"))
    with largest_file(end.offset + 20):
        for _ in range(2):
            with pytest.raises(JournalFailed):
                journal.append(refused)
        assert journal.failing
        assert said(caplog) == [(logging.ERROR, "journal.failed")]

        journal.append(progress("a", 5))
        middle = journal.append(settle("a"))
        last = journal.append(release("b"))
        assert not await journal.retry()

    assert segment_numbers(folder) == [1, 2]
    assert written(folder, 1)[-2:] == [held("a"), held("b")]
    assert written(folder, 2) == [progress("a", 5), settle("a"), release("b")]
    assert (last.segment, last) == (2, journal.position)
    assert read(folder, end).records == [(settle("a"), middle), (release("b"), last)]
    assert open_holds(folder, last) == {}
    assert said(caplog) == []


async def test_a_settlement_that_meets_the_full_disk_first_is_kept(journal: Journal, folder: Path):
    grow(journal)
    end = journal.append(held("a"))
    with largest_file(end.offset + 20):
        journal.append(settle("a"))

    assert journal.failing
    assert everything(folder) == [settle("a")]


async def test_what_was_held_before_the_disk_was_full_is_found_from_the_emergency_segment(
    journal: Journal, folder: Path
):
    grow(journal)
    journal.append(held("a"))
    end = journal.append(held("b"))
    with largest_file(end.offset):
        position = journal.append(settle("a"))

    assert position.segment == 2
    assert open_holds(folder, position).keys() == {"b"}


async def test_admission_begins_again_when_the_disk_works(
    folder: Path, supervisor: Supervisor, caplog: pytest.LogCaptureFixture
):
    journal = open_journal(folder, supervisor, carry=lambda: [held("b")])
    grow(journal)
    end = journal.append(held("a"))
    with largest_file(end.offset):
        journal.append(settle("a"))
    said(caplog)

    assert await journal.retry()
    assert await journal.retry()

    assert not journal.failing
    assert said(caplog) == [(logging.WARNING, "journal.recovered")]
    journal.append(held("c"))
    assert written(folder, 3) == [held("b"), held("c")]
    assert (folder / "emergency").exists()
    grow(journal)
    with largest_file(journal.position.offset):
        journal.append(settle("c"))
    assert everything(folder) == [settle("a"), settle("c")]
    await journal.close()


async def test_it_is_tried_again_by_itself(journal: Journal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "RETRY", timedelta())
    grow(journal)
    end = journal.append(held("a"))
    with largest_file(end.offset):
        journal.append(settle("a"))
    assert journal.failing

    assert journal._healing is not None
    await journal._healing

    assert not journal.failing


async def test_a_rotation_that_fails_leaves_no_half_segment(folder: Path, supervisor: Supervisor):
    open_now = list[Held]()
    journal = open_journal(folder, supervisor, carry=lambda: open_now, segment_size=1)
    open_now += [held(f"{number}") for number in range(20)]
    with largest_file(1000):
        journal.append(settle("0"))

    assert journal.failing
    assert segment_numbers(folder) == [1, 2]
    header = Passage(folder, 2).header
    assert header is not None
    assert header.continues
    assert written(folder, 2) == [settle("0")]
    await journal.close()


async def test_progress_leaves_room_for_settlements(journal: Journal, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "EMERGENCY_SIZE", 2000)
    grow(journal)
    end = journal.append(held("a"))
    with largest_file(end.offset):
        journal.append(release("x"))
    while journal.position.offset <= 1000:
        journal.append(progress("a", 5))

    with pytest.raises(JournalFailed):
        journal.append(progress("a", 6))
    journal.append(settle("a"))

    assert everything(folder) == [release("x"), settle("a")]


async def test_what_finds_no_room_even_there_is_logged_whole(
    folder: Path, supervisor: Supervisor, caplog: pytest.LogCaptureFixture
):
    journal = open_journal(folder, supervisor)
    end = journal.append(held("a"))
    with largest_file(60):
        assert end.offset > 60
        with pytest.raises(JournalFailed):
            journal.append(settle("a"))

    (lost,) = [each for each in caplog.records if each.message == "journal.lost"]
    assert (lost.levelno, vars(lost)["record"]) == (logging.CRITICAL, repr(settle("a")))
    assert everything(folder) == []
    assert await journal.retry()
    journal.append(settle("a"))
    assert everything(folder) == [settle("a")]
    await journal.close()


async def test_a_failed_sync_stops_admission(
    folder: Path,
    supervisor: Supervisor,
    on_disk: None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    def refuse(_: int) -> None:
        raise OSError(5, "Input/output error")

    journal = open_journal(folder, supervisor, sync=Sync.EACH)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", refuse)
        with pytest.raises(JournalFailed):
            await journal.durable(journal.append(held("a")))
        assert journal.failing
        position = journal.append(release("a"))
        assert position.segment == 2
        with pytest.raises(JournalFailed):
            await journal.durable(position)

    assert said(caplog) == [(logging.ERROR, "journal.failed")]
    assert await journal.retry()
    await journal.durable(journal.append(held("b")))
    assert everything(folder) == [release("a")]
    assert open_holds(folder, journal.position).keys() == {"b"}
    await journal.close()


async def test_without_room_for_an_emergency_a_journal_does_not_open(folder: Path, supervisor: Supervisor):
    with largest_file(1000), pytest.raises(OSError):
        open_journal(folder, supervisor)

    assert segment_numbers(folder) == []
    assert not (folder / "emergency").exists()


async def test_an_emergency_file_that_cannot_be_renamed_is_told(
    journal: Journal, folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    end = journal.append(held("a"))
    (folder / "emergency").unlink()
    with largest_file(end.offset), pytest.raises(JournalFailed):
        journal.append(settle("a"))

    assert said(caplog) == [
        (logging.ERROR, "journal.failed"),
        (logging.ERROR, "journal.failed"),
        (logging.CRITICAL, "journal.lost"),
    ]
    assert await journal.retry()
    assert isinstance(journal._emergency, Emergency)


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


async def test_a_real_disk_that_is_full(small_disk: Path, supervisor: Supervisor):
    with pytest.raises(JournalRefused):
        open_journal(small_disk, supervisor, sync=Sync.GROUP)
    journal = open_journal(small_disk, supervisor)
    ballast, admitted = small_disk / "ballast", list[str]()
    ballast.write_bytes(bytes(5_900_000))
    while append(journal, f"{len(admitted)}"):
        admitted.append(f"{len(admitted)}")
    assert len(admitted) > 100

    for id_ in admitted:
        journal.append(settle(id_))
    assert not await journal.retry()
    assert everything(small_disk) == [settle(id_) for id_ in admitted]
    ballast.unlink()
    assert await journal.retry()
    journal.append(held("new"))
    assert open_holds(small_disk, journal.position).keys() == {"new"}
    await journal.close()


def append(journal: Journal, id_: str) -> bool:
    try:
        journal.append(held(id_))
    except JournalFailed:
        return False
    return True


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path):
    tests = Path(__file__).parents[2]
    acknowledged: dict[str, set[str]] = {"held": set(), "settled": set()}
    for epoch in range(1, 11):
        command = [sys.executable, Path(__file__).with_name("endless_writer.py"), tmp_path, str(epoch)]
        environment = {**os.environ, "PYTHONPATH": str(tests)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
            assert child.stdout is not None
            for _ in range(150 * epoch):
                what, id_ = child.stdout.readline().split()
                acknowledged[what].add(id_)
            child.kill()
            for line in child.stdout.read().splitlines(keepends=True):
                if line.endswith("\n"):
                    what, id_ = line.split()
                    acknowledged[what].add(id_)
        assert child.returncode == -9

        settled = [each.reservation.id for each in everything(tmp_path) if isinstance(each, Settle)]
        assert len(settled) == len(set(settled))
        assert acknowledged["settled"] <= set(settled)
        assert acknowledged["held"] <= open_holds(tmp_path, BEGINNING).keys() | set(settled)
    assert len(segment_numbers(tmp_path)) > 20
