from pathlib import Path

import pytest

from billing.journal.samples import held, settle
from clinx.billing.journal import passage as module
from clinx.billing.journal.failures import JournalUnreadable
from clinx.billing.journal.files import MAGIC, Header, opening, segment_path
from clinx.billing.journal.frames import Fault, enclose
from clinx.billing.journal.passage import Passage
from clinx.billing.journal.records import JournalRecord, decode, frame

HEADER = Header("node_1", 1)
OPENING = opening(HEADER)


def put(folder: Path, data: bytes) -> None:
    segment_path(folder, 1).write_bytes(data)


def records(passage: Passage) -> list[JournalRecord]:
    return [decode(each) for each in passage]


def test_a_segment_is_read_from_its_header_to_its_end(tmp_path: Path):
    put(tmp_path, OPENING + frame(held("a")) + frame(settle("a")))
    passage = Passage(tmp_path, 1)

    assert passage.header == HEADER
    assert records(passage) == [held("a"), settle("a")]
    assert (passage.end, passage.fault, passage.tail()) == (passage.path.stat().st_size, None, b"")


def test_reading_begins_anywhere_between_two_frames(tmp_path: Path):
    put(tmp_path, OPENING + frame(held("a")) + frame(settle("a")))

    passage = Passage(tmp_path, 1, len(OPENING) + len(frame(held("a"))))
    assert passage.header == HEADER
    assert records(passage) == [settle("a")]

    beyond = Passage(tmp_path, 1, passage.end + 100)
    assert (records(beyond), beyond.end, beyond.fault) == ([], passage.end + 100, None)


@pytest.mark.parametrize("chunk", [16, 17, 300, 1000])
def test_frames_larger_than_what_is_read_at_once_are_read(tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_CHUNK", chunk)
    written = [each for number in range(20) for each in (held(f"{number}"), settle(f"{number}"))]
    put(tmp_path, OPENING + b"".join(map(frame, written)) + bytes(2000))

    passage = Passage(tmp_path, 1)

    assert records(passage) == written
    assert (passage.fault, passage.tail()) == (None, bytes(2000))


@pytest.mark.parametrize(
    ("rest", "fault"), [(frame(settle("b"))[:-1], Fault.TORN), (b"no frame at all: 1234", Fault.CORRUPT)]
)
def test_what_is_not_intact_is_the_end_and_is_the_tail(tmp_path: Path, rest: bytes, fault: Fault):
    put(tmp_path, OPENING + frame(held("a")) + rest)
    passage = Passage(tmp_path, 1)

    assert records(passage) == [held("a")]
    assert (passage.fault, passage.tail()) == (fault, rest)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", None),
        (bytes(9000), None),
        (MAGIC[:3], Fault.TORN),
        (MAGIC, Fault.TORN),
        (OPENING[:-1], Fault.TORN),
        (b"something else", Fault.CORRUPT),
        (MAGIC + b"x" * 9000, Fault.CORRUPT),
    ],
)
def test_nothing_is_read_behind_a_header_that_is_not_intact(tmp_path: Path, data: bytes, fault: Fault | None):
    put(tmp_path, data)
    passage = Passage(tmp_path, 1)

    assert passage.header is None
    assert (list(passage), passage.end, passage.fault, passage.tail()) == ([], 0, fault, data)


def test_the_header_of_another_version_is_a_failure(tmp_path: Path):
    put(tmp_path, MAGIC + enclose(bytes((0, 2)), b"\x80"))

    with pytest.raises(JournalUnreadable, match="a header of kind 0, version 2"):
        Passage(tmp_path, 1)
