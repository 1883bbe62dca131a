import os
from pathlib import Path

import pytest

from clinx.billing.journal.failures import JournalUnreadable
from clinx.billing.journal.files import (
    MAGIC,
    Header,
    Position,
    decode_header,
    holds_room,
    is_volatile,
    opening,
    segment_numbers,
    segment_path,
    sync_folder,
)
from clinx.billing.journal.frames import Frame, Frames
from clinx.domain.ledger import Origin


def test_positions_are_ordered_by_segment_then_byte():
    places = [Position(10, 5), Position(2, 30), Position(2, 0), Position(1, 900)]

    assert sorted(places) == places[::-1]


def test_a_segment_begins_with_who_writes_it():
    header = Header("node_1", 7, continues=True)
    data = opening(header)

    (first,) = Frames(data[len(MAGIC) :])
    assert data.startswith(b"clinxjnl")
    assert decode_header(first) == header
    assert header.origin == Origin("node_1", 7)


@pytest.mark.parametrize("found", [Frame(0, 2, b"\x80", 0), Frame(3, 1, b"\x80", 0), Frame(0, 1, b"\x80", 0)])
def test_another_header_is_a_failure(found: Frame):
    with pytest.raises(JournalUnreadable, match="a header "):
        decode_header(found)


def test_segments_are_numbered_and_other_files_are_none(tmp_path: Path):
    for number in (10, 2, 123456789):
        segment_path(tmp_path, number).touch()
    for name in ("lock", "node", "emergency", "00000003.torn", "3.journal", "00000004.journal.old"):
        (tmp_path / name).touch()

    assert segment_path(tmp_path, 2).name == "00000002.journal"
    assert segment_numbers(tmp_path) == [2, 10, 123456789]


def test_a_folder_is_synced_if_it_exists(tmp_path: Path):
    sync_folder(tmp_path)

    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "none")


@pytest.mark.parametrize(
    ("kind", "volatile"), [("tmpfs", True), ("ramfs", True), ("ext4", False), ("fuse.tmpfs", False)]
)
def test_the_file_system_of_a_folder_says_whether_it_is_volatile(tmp_path: Path, kind: str, volatile: bool):
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 0:999 / / rw,relatime shared:1 - tmpfs tmpfs rw\n"
        f"23 22 {os.major(device)}:{os.minor(device)} / /mnt/a\\040b rw shared:2 master:1 - {kind} none rw\n"
        "\n"
    )

    assert is_volatile(tmp_path, mounts=mounts) is volatile


@pytest.mark.parametrize(
    ("kind", "holds"),
    [("ext4", True), ("xfs", True), ("tmpfs", True), ("btrfs", False), ("zfs", False), ("nfs4", False)],
)
def test_the_file_system_of_a_folder_says_whether_what_is_allocated_can_be_written(
    tmp_path: Path, kind: str, holds: bool
):
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"23 22 {os.major(device)}:{os.minor(device)} / /state rw - {kind} none rw\n")

    assert holds_room(tmp_path, mounts=mounts) is holds


def test_where_nobody_knows_nothing_is_volatile_and_nothing_holds_room(tmp_path: Path):
    assert not is_volatile(tmp_path, mounts=tmp_path / "none")
    assert not holds_room(tmp_path, mounts=tmp_path / "none")


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no shared memory here")  # noqa: S108
def test_shared_memory_is_volatile():
    assert is_volatile(Path("/dev/shm"))  # noqa: S108
