import struct

import pytest

from clinx.billing.journal.frames import MOST, Fault, Frame, Frames, enclose

MARK = b"\x03\x01"
DATA = enclose(MARK, b"first") + enclose(MARK, b"second")
FIRST = Frame(3, 1, b"first", 15)
SECOND = Frame(3, 1, b"second", 31)


def test_a_frame_is_its_length_its_checksum_its_kind_its_version_and_its_body():
    # The check value of CRC-32C is that of these nine digits.
    assert enclose(b"12", b"3456789") == struct.pack("<II", 7, 0xE3069283) + b"123456789"


@pytest.mark.parametrize("body", [b"", bytes(MOST + 1)])
def test_a_body_is_not_empty_and_has_a_largest_size(body: bytes):
    with pytest.raises(ValueError, match=f"not the body of a frame: {len(body)} bytes"):
        enclose(MARK, body)


def test_frames_are_found_one_after_another():
    frames = Frames(DATA)

    assert list(frames) == [FIRST, SECOND]
    assert (frames.end, frames.fault) == (31, None)


def test_offsets_count_from_where_the_data_begin():
    frames = Frames(DATA, 1000)

    assert [frame.end for frame in frames] == [1015, 1031]
    assert frames.end == 1031


@pytest.mark.parametrize("size", range(16, 31))
def test_half_a_frame_is_torn(size: int):
    frames = Frames(DATA[:size])

    assert list(frames) == [FIRST]
    assert (frames.end, frames.fault) == (15, Fault.TORN)


@pytest.mark.parametrize("zeros", [1, 8, 9, 10, 5000])
def test_zeros_are_the_end(zeros: int):
    frames = Frames(DATA + bytes(zeros))

    assert list(frames) == [FIRST, SECOND]
    assert (frames.end, frames.fault) == (31, None)


@pytest.mark.parametrize("size", [16, 17, 19, 24, 25, 30])
def test_half_a_frame_in_allocated_room_is_torn(size: int):
    frames = Frames(DATA[:size] + bytes(5000))

    assert list(frames) == [FIRST]
    assert (frames.end, frames.fault) == (15, Fault.TORN)


def test_a_whole_frame_with_a_wrong_byte_in_allocated_room_is_corrupt():
    frames = Frames(DATA[:-1] + b"!" + bytes(5000))

    assert list(frames) == [FIRST]
    assert (frames.end, frames.fault) == (15, Fault.CORRUPT)


@pytest.mark.parametrize("at", [4, 7, 8, 9, 10, 14])
def test_a_frame_with_a_wrong_byte_is_corrupt_and_what_follows_is_not_read(at: int):
    data = bytearray(DATA)
    data[at] ^= 0x10
    frames = Frames(bytes(data))

    assert list(frames) == []
    assert (frames.end, frames.fault) == (0, Fault.CORRUPT)


def test_something_behind_zeros_is_corrupt():
    frames = Frames(DATA + bytes(10) + DATA)

    assert list(frames) == [FIRST, SECOND]
    assert frames.fault is Fault.CORRUPT


def test_a_length_that_no_frame_has_is_corrupt_not_torn():
    frames = Frames(struct.pack("<IIBB", MOST + 1, 0, 3, 1) + b"x")

    assert list(frames) == []
    assert frames.fault is Fault.CORRUPT
