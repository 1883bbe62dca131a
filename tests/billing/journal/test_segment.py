import errno
import mmap
import stat
from pathlib import Path

import pytest

from billing.journal.samples import ORIGIN, largest_file
from clinx.billing.journal import segment as module
from clinx.billing.journal.files import Header, Position, opening, segment_numbers
from clinx.billing.journal.frames import Fault, enclose
from clinx.billing.journal.passage import Passage
from clinx.billing.journal.segment import EMERGENCY_SIZE, Emergency, Segment

HEADER = Header("node_1", 1)
OPENING = opening(HEADER)


def test_a_segment_begins_with_its_header_and_grows(tmp_path: Path):
    segment = Segment.create(tmp_path, 7, HEADER)
    assert segment.position == Position(7, len(OPENING))

    segment.write(b"abc")
    segment.write(b"defg")
    segment.sync()
    segment.close()

    assert segment.position == Position(7, len(OPENING) + 7)
    assert (tmp_path / "00000007.journal").read_bytes() == OPENING + b"abcdefg"
    assert stat.S_IMODE((tmp_path / "00000007.journal").stat().st_mode) == 0o600


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> int:
    """Windows of one page."""
    monkeypatch.setattr(module, "WINDOW", mmap.PAGESIZE)
    return mmap.PAGESIZE


def test_a_mapped_segment_is_what_a_written_one_is(tmp_path: Path, narrow: int):
    frames = [
        enclose(b"\x03\x01", bytes([number % 256]) * number) for number in (1, narrow, 7, 3 * narrow, *range(1, 200))
    ]
    mapped = Segment.create(tmp_path, 1, HEADER, enclose(b"\x01\x01", b"open"), mapped=True)
    plain = Segment.create(tmp_path, 2, HEADER, enclose(b"\x01\x01", b"open"))
    for each in frames:
        mapped.write(each)
        plain.write(each)
        assert mapped.offset == plain.offset
    mapped.sync()
    assert [found.body for found in Passage(tmp_path, 1)] == [found.body for found in Passage(tmp_path, 2)]
    mapped.close()
    plain.close()

    assert mapped.path.read_bytes() == plain.path.read_bytes()


def test_a_mapped_segment_is_in_the_file_without_being_closed(tmp_path: Path):
    segment = Segment.create(tmp_path, 1, HEADER, mapped=True)
    segment.write(enclose(b"\x03\x01", b"said"))

    passage = Passage(tmp_path, 1)
    assert ([found.body for found in passage], passage.end, passage.fault) == ([b"said"], segment.offset, None)
    segment.close()


def test_a_frame_that_was_begun_in_a_mapped_segment_is_torn_whatever_of_it_is_there(tmp_path: Path):
    segment = Segment.create(tmp_path, 1, HEADER, mapped=True)
    segment.write(enclose(b"\x03\x01", b"whole"))
    end = segment.offset
    begun = enclose(b"\x03\x01", bytes(range(1, 200)))
    for there in (begun[:8], begun[:8] + bytes(50) + begun[58:100], begun[:8] + bytes(100) + begun[108:-1]):
        with segment.path.open("r+b") as file:
            file.seek(end)
            file.write(there)
        passage = Passage(tmp_path, 1)
        assert ([found.body for found in passage], passage.end, passage.fault) == ([b"whole"], end, Fault.TORN)
    segment.close()


def test_a_mapped_segment_takes_the_last_of_a_disk_and_then_fails(tmp_path: Path):
    segment = Segment.create(tmp_path, 1, HEADER, mapped=True)
    room = 3 * mmap.PAGESIZE
    with largest_file(room):
        segment.write(enclose(b"\x03\x01", bytes(2 * mmap.PAGESIZE)))
        end = segment.offset
        with pytest.raises(OSError) as failure:
            segment.write(enclose(b"\x03\x01", bytes(room)))
        assert failure.value.errno == errno.EFBIG
        assert segment.offset == end
        segment.write(enclose(b"\x03\x01", b"small"))
    segment.close()

    assert [len(found.body) for found in Passage(tmp_path, 1)] == [2 * mmap.PAGESIZE, 5]
    assert segment.path.stat().st_size == segment.offset


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.EINVAL, errno.ENODEV])
def test_where_nothing_can_be_allocated_or_mapped_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, "not here")

    monkeypatch.setattr(*((module.mmap, "mmap") if code == errno.ENODEV else (module.os, "posix_fallocate")), refuse)
    segment = Segment.create(tmp_path, 1, HEADER, mapped=True)
    for each in (b"one", b"two"):
        segment.write(enclose(b"\x03\x01", each))
    segment.close()

    assert [found.body for found in Passage(tmp_path, 1)] == [b"one", b"two"]
    assert segment.path.stat().st_size == segment.offset


def test_nothing_is_written_after_the_end(tmp_path: Path):
    for mapped in (False, True):
        segment = Segment.create(tmp_path, 1 + mapped, HEADER, mapped=mapped)
        segment.write(enclose(b"\x03\x01", b"said"))
        segment.close()
        with (tmp_path / "another").open("wb"), pytest.raises(OSError):
            segment.write(enclose(b"\x03\x01", b"late"))

    assert (tmp_path / "another").read_bytes() == b""


def test_a_segment_that_exists_is_not_written_over(tmp_path: Path):
    (tmp_path / "00000007.journal").write_bytes(b"precious")

    with pytest.raises(FileExistsError):
        Segment.create(tmp_path, 7, HEADER)

    assert (tmp_path / "00000007.journal").read_bytes() == b"precious"


def test_a_write_that_fails_halfway_leaves_nothing(tmp_path: Path):
    segment = Segment.create(tmp_path, 1, HEADER)
    segment.write(b"kept")

    with largest_file(segment.offset + 10), pytest.raises(OSError) as failure:
        segment.write(bytes(range(100)))

    assert failure.value.errno == errno.EFBIG
    assert segment.offset == len(OPENING) + 4
    assert segment.path.read_bytes() == OPENING + b"kept"
    segment.write(b"!")
    segment.close()
    assert segment.path.read_bytes() == OPENING + b"kept!"


def test_a_segment_whose_header_cannot_be_written_does_not_exist(tmp_path: Path):
    with largest_file(3), pytest.raises(OSError):
        Segment.create(tmp_path, 1, HEADER)

    assert list(tmp_path.iterdir()) == []


def test_the_emergency_file_has_its_room_on_disk_and_is_no_segment(tmp_path: Path):
    emergency = Emergency.create(tmp_path)
    emergency.close()

    found = (tmp_path / "emergency").stat()
    assert found.st_size == EMERGENCY_SIZE
    assert found.st_blocks * 512 >= EMERGENCY_SIZE
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert segment_numbers(tmp_path) == []


def test_the_emergency_file_becomes_a_segment_that_continues_another(tmp_path: Path):
    segment = Emergency.create(tmp_path, 1000).begin(3, ORIGIN)
    segment.close()

    passage = Passage(tmp_path, 3)
    assert passage.header == Header("node_1", 1, continues=True)
    assert (list(passage), passage.end, passage.fault) == ([], segment.offset, None)
    assert not (tmp_path / "emergency").exists()
    assert segment.path.stat().st_size == segment.offset


def test_without_room_there_is_no_emergency_file(tmp_path: Path):
    with largest_file(100), pytest.raises(OSError):
        Emergency.create(tmp_path, 1000)

    assert list(tmp_path.iterdir()) == []
