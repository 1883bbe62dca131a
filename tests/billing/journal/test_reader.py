import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from billing.journal.samples import (
    everything,
    held,
    open_journal,
    progress,
    record,
    release,
    settle,
)
from clinx.billing.journal.failures import JournalUnreadable
from clinx.billing.journal.files import BEGINNING, Header, Position, opening, segment_numbers, segment_path
from clinx.billing.journal.frames import enclose
from clinx.billing.journal.holds import OpenHold
from clinx.billing.journal.reader import Batch, open_holds, prune, read
from clinx.billing.journal.records import JournalRecord, Shipped, frame
from clinx.domain.ledger import Origin, Unresolved
from clinx.domain.money import ZERO, Amount
from clinx.telemetry.tasks import Supervisor

FIRST = Origin("node_1", 1)
SECOND = Origin("node_1", 2)


def put(
    folder: Path, number: int, *records: JournalRecord, epoch: int = 1, continues: bool = False, tail: bytes = b""
) -> Position:
    """Write a segment; return where it ends, without its tail."""
    data = opening(Header("node_1", epoch, continues)) + b"".join(map(frame, records))
    segment_path(folder, number).write_bytes(data + tail)
    return Position(number, len(data))


def test_only_what_ships_is_read_with_the_position_after_it(tmp_path: Path):
    start = put(tmp_path, 1)
    middle = put(tmp_path, 1, held("a"), settle("a"))
    end = put(tmp_path, 1, held("a"), settle("a"), progress("b", 1), record("c"))
    last = put(tmp_path, 1, held("a"), settle("a"), progress("b", 1), record("c"), held("d"))

    batch = Batch([(settle("a"), middle), (record("c"), end)], last, None, FIRST)
    assert read(tmp_path, BEGINNING) == batch
    assert read(tmp_path, start) == batch
    assert read(tmp_path, middle) == Batch([(record("c"), end)], last, None, FIRST)
    assert read(tmp_path, last) == Batch([], last, None, FIRST)


def test_an_empty_folder_has_nothing(tmp_path: Path):
    assert read(tmp_path, BEGINNING) == Batch([], BEGINNING, None, None)
    assert open_holds(tmp_path, BEGINNING) == {}


def test_reading_goes_on_where_it_stopped(tmp_path: Path):
    written = [settle(f"{number}") for number in range(7)]
    put(tmp_path, 1, *written[:4])
    put(tmp_path, 2, *written[4:])

    assert [each for each, _ in read(tmp_path, BEGINNING, most=3).records] == written[:3]
    assert everything(tmp_path, most=3) == written
    assert everything(tmp_path, most=1) == written
    assert everything(tmp_path) == written


def test_reading_ends_where_it_is_told_to(tmp_path: Path):
    middle = put(tmp_path, 1, settle("a"), held("b"))
    put(tmp_path, 1, settle("a"), held("b"), settle("b"))

    batch = read(tmp_path, BEGINNING, end=middle)
    assert ([each for each, _ in batch.records], batch.end) == ([settle("a")], middle)
    assert read(tmp_path, middle, end=middle) == Batch([], middle, None, FIRST)


def test_a_batch_is_of_one_life_of_the_process(tmp_path: Path):
    first = put(tmp_path, 1, settle("a"))
    second = put(tmp_path, 2, settle("b"), epoch=2)

    assert read(tmp_path, BEGINNING) == Batch([(settle("a"), first)], first, None, FIRST)
    assert read(tmp_path, first) == Batch([(settle("b"), second)], second, None, SECOND)


def test_a_torn_tail_of_the_last_segment_is_its_end(tmp_path: Path):
    end = put(tmp_path, 1, settle("a"), tail=frame(settle("b"))[:-1])

    assert read(tmp_path, BEGINNING) == Batch([(settle("a"), end)], end, None, FIRST)

    put(tmp_path, 1, settle("a"), tail=frame(settle("b")))
    assert everything(tmp_path, end) == [settle("b")]
    assert [path.name for path in tmp_path.iterdir()] == ["00000001.journal"]


@pytest.mark.parametrize("after", [{"epoch": 2}, {"continues": True}])
@pytest.mark.parametrize("header", [True, False])
def test_half_a_frame_that_its_writer_died_over_or_wrote_again_is_no_loss(
    tmp_path: Path, after: dict[str, int], header: bool
):
    put(tmp_path, 1, settle("a"))
    put(tmp_path, 2, tail=frame(settle("b"))[:-1])
    if not header:
        segment_path(tmp_path, 2).write_bytes(opening(Header("node_1", 1))[:-1])
    put(tmp_path, 3, settle("b"), epoch=after.get("epoch", 1), continues="continues" in after)

    assert everything(tmp_path) == [settle("a"), settle("b")]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".journal"] * 3


def test_half_a_frame_that_was_written_is_told_once_and_kept(tmp_path: Path):
    torn = frame(settle("b"))[:-1]
    end = put(tmp_path, 1, settle("a"), tail=torn)
    last = put(tmp_path, 2, settle("c"))

    batch = read(tmp_path, BEGINNING)
    assert batch == Batch(
        [(settle("a"), end)], Position(2, 0), f"{tmp_path}/00000001.journal is torn at byte {end.offset}", FIRST
    )
    assert read(tmp_path, batch.end) == Batch([(settle("c"), last)], last, None, FIRST)
    assert (tmp_path / "00000001.torn").read_bytes() == torn


def test_half_a_frame_is_the_end_while_the_next_segment_has_only_a_name(tmp_path: Path):
    end = put(tmp_path, 1, settle("a"), tail=frame(settle("b"))[:-1])
    segment_path(tmp_path, 2).touch()

    assert read(tmp_path, BEGINNING) == Batch([(settle("a"), end)], end, None, FIRST)


def test_corruption_is_told_even_in_the_last_segment(tmp_path: Path):
    end = put(tmp_path, 1, settle("a"), tail=b"what is no frame" + frame(settle("b")))
    problem = f"{tmp_path}/00000001.journal is corrupt at byte {end.offset}"

    assert read(tmp_path, BEGINNING) == Batch([(settle("a"), end)], end, problem, FIRST)
    assert read(tmp_path, end) == Batch([], end, problem, FIRST)

    put(tmp_path, 2)
    assert read(tmp_path, end) == Batch([], Position(2, 0), problem, FIRST)


def test_a_segment_without_its_header_is_passed_over_and_told(tmp_path: Path):
    put(tmp_path, 1, settle("a"))
    segment_path(tmp_path, 2).write_bytes(b"something else")
    end = put(tmp_path, 3, settle("c"))

    batch = read(tmp_path, BEGINNING)
    assert [each for each, _ in batch.records] == [settle("a")]
    assert (batch.end, batch.problem) == (Position(3, 0), f"{tmp_path}/00000002.journal is corrupt at byte 0")
    assert read(tmp_path, batch.end) == Batch([(settle("c"), end)], end, None, FIRST)


def test_a_segment_that_nothing_was_written_to_is_no_loss(tmp_path: Path):
    put(tmp_path, 1, settle("a"))
    segment_path(tmp_path, 2).touch()
    put(tmp_path, 3, settle("c"))

    assert everything(tmp_path) == [settle("a"), settle("c")]


def test_the_unused_room_of_an_emergency_segment_is_no_loss(tmp_path: Path):
    put(tmp_path, 1, settle("a"))
    put(tmp_path, 2, settle("b"), continues=True, tail=bytes(3_000_000))
    put(tmp_path, 3, settle("c"))

    assert everything(tmp_path) == [settle("a"), settle("b"), settle("c")]


def test_a_missing_segment_is_told(tmp_path: Path):
    start = Position(2, 700)
    problem = f"{tmp_path}/00000002.journal is missing; it was read up to byte 700"
    put(tmp_path, 1, settle("a"))
    assert read(tmp_path, start) == Batch([], start, problem, None)

    end = put(tmp_path, 4, settle("d"))
    assert read(tmp_path, start) == Batch([], Position(4, 0), problem, None)
    assert read(tmp_path, Position(4, 0)) == Batch([(settle("d"), end)], end, None, FIRST)


def test_a_position_beyond_what_a_power_cut_left_is_the_end(tmp_path: Path):
    end = put(tmp_path, 1, settle("a"))
    beyond = Position(1, end.offset + 1000)
    assert read(tmp_path, beyond) == Batch([], beyond, None, FIRST)

    put(tmp_path, 2, settle("b"))
    assert everything(tmp_path, beyond) == [settle("b")]


@pytest.mark.parametrize(
    "unknown", [enclose(bytes((9, 1)), b"\x80"), enclose(bytes((1, 9)), b"\x80"), enclose(bytes((3, 1)), b"\x80")]
)
def test_what_is_intact_but_unknown_is_a_failure_after_all_before_it_was_read(tmp_path: Path, unknown: bytes):
    end = put(tmp_path, 1, settle("a"), tail=unknown + frame(settle("b")))

    assert read(tmp_path, BEGINNING) == Batch([(settle("a"), end)], end, None, FIRST)
    with pytest.raises(JournalUnreadable, match=r"00000001\.journal, before byte \d+: a record of kind"):
        read(tmp_path, end)
    with pytest.raises(JournalUnreadable, match=r"00000001\.journal, before byte \d+: a record of kind"):
        open_holds(tmp_path, BEGINNING)


def test_open_holds_are_those_of_the_position_segment_and_after(tmp_path: Path):
    put(tmp_path, 1, held("ancient"))
    put(tmp_path, 2, held("a"), held("b"), progress("b", 30))
    end = put(tmp_path, 3, held("b"), record("x"), settle("x"))
    put(tmp_path, 4, held("b"), held("c"), held("d"), release("d"), epoch=2)

    assert open_holds(tmp_path, end) == {
        "a": OpenHold(held("a"), Amount(100), ZERO, Unresolved.METERED, FIRST),
        "b": OpenHold(held("b"), Amount(100), Amount(30), Unresolved.HOLD, FIRST),
        "c": OpenHold(held("c"), Amount(100), ZERO, Unresolved.METERED, SECOND),
    }


def test_holds_are_found_although_the_beginning_of_the_newest_segment_was_lost(tmp_path: Path):
    put(tmp_path, 1, held("a"), settle("x"))
    segment_path(tmp_path, 2).touch()

    assert open_holds(tmp_path, Position(2, 900)).keys() == {"a"}


def test_a_position_in_a_new_life_says_that_the_holds_of_earlier_ones_are_resolved(tmp_path: Path):
    put(tmp_path, 1, held("a"))
    last = put(tmp_path, 2, held("b"))
    first = put(tmp_path, 3, held("carried"), epoch=2)
    second = put(tmp_path, 4, held("c"), epoch=2)

    assert open_holds(tmp_path, last).keys() == {"a", "b", "carried", "c"}
    for position in (Position(3, 0), first, second):
        assert open_holds(tmp_path, position).keys() == {"carried", "c"}


def test_holds_are_looked_for_before_segments_that_continue_another(tmp_path: Path):
    put(tmp_path, 1, held("ancient"))
    put(tmp_path, 2, held("a"))
    put(tmp_path, 3, settle("x"), continues=True)
    end = put(tmp_path, 4, settle("y"), continues=True)

    assert open_holds(tmp_path, end).keys() == {"a"}
    put(tmp_path, 2, held("a"), continues=True)
    put(tmp_path, 1, held("b"), continues=True)
    assert open_holds(tmp_path, end).keys() == {"a", "b"}


async def test_what_is_being_written_is_read(tmp_path: Path, supervisor: Supervisor):
    journal = open_journal(tmp_path, supervisor, segment_size=1000)
    position, found = BEGINNING, list[Shipped]()
    for number in range(20):
        journal.append(held(f"{number}"))
        journal.append(settle(f"{number}"))
        batch = read(tmp_path, position)
        assert (batch.end, batch.problem) == (journal.position, None)
        found += [each for each, _ in batch.records]
        position = batch.end
    await journal.close()

    assert found == [settle(f"{number}") for number in range(20)]
    assert position.segment > 5


def test_old_segments_that_nobody_needs_are_deleted(tmp_path: Path):
    now = datetime(2030, 1, 10, tzinfo=UTC)
    for number in range(1, 7):
        put(tmp_path, number, settle(f"{number}"))
        when = datetime(2030, 1, number, tzinfo=UTC).timestamp()
        os.utime(segment_path(tmp_path, number), (when, when))
    (tmp_path / "00000001.torn").write_bytes(b"kept")

    assert prune(tmp_path, Position(5, 100), older_than=datetime(2030, 1, 3, tzinfo=UTC)) == 2
    assert segment_numbers(tmp_path) == [3, 4, 5, 6]
    assert prune(tmp_path, Position(5, 100), older_than=now) == 1
    assert segment_numbers(tmp_path) == [4, 5, 6]
    assert prune(tmp_path, BEGINNING, older_than=now) == 0
    assert (tmp_path / "00000001.torn").read_bytes() == b"kept"
