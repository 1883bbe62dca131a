import msgspec
import pytest
from msgspec.structs import replace

from billing.journal.samples import held, progress, record, release, reservation, settle
from clinx.billing.journal.failures import JournalUnreadable
from clinx.billing.journal.frames import Frame, Frames, enclose
from clinx.billing.journal.records import Held, JournalRecord, Progress, check_kind, decode, frame, reservation_id
from clinx.billing.operations import Record, Release, Settle
from clinx.domain.money import Amount
from support.database import request_log

RECORDS: list[JournalRecord] = [
    held("a"),
    held("a", cost=2),
    progress("a", 40),
    progress("a", 40, cost=30),
    settle("a"),
    Settle(reservation("a"), Amount(60), replace(request_log("a", charge=Amount(60)), cost=Amount(45))),
    release("a"),
    Release(reservation("a"), request_log("a")),
    record("a"),
]


def only(data: bytes) -> Frame:
    (found,) = Frames(data)
    assert found.end == len(data)
    return found


@pytest.mark.parametrize("written", RECORDS, ids=lambda each: type(each).__name__)
def test_a_record_is_read_as_it_was_written(written: JournalRecord):
    found = only(frame(written))

    check_kind(found)
    assert decode(found) == written


def test_kinds_have_numbers_that_never_change():
    found = {type(each): only(frame(each)) for each in RECORDS}

    marks = {type_: (each.kind, each.version) for type_, each in found.items()}
    assert marks == {Held: (1, 1), Progress: (2, 1), Settle: (3, 1), Release: (4, 1), Record: (5, 1)}


@pytest.mark.parametrize("written", RECORDS[:-1], ids=lambda each: type(each).__name__)
def test_the_hold_is_told_without_decoding_the_rest(written: JournalRecord):
    assert reservation_id(only(frame(written))) == "a"


def test_a_record_with_more_fields_than_we_know_is_read():
    body = msgspec.msgpack.decode(msgspec.msgpack.encode(settle("a")))
    body["attempt"] = 3
    body["log"]["mood"] = "good"

    assert decode(only(enclose(bytes((3, 1)), msgspec.msgpack.encode(body)))) == settle("a")


def test_a_record_of_yesterday_is_read():
    """A hold as the first version of the kind wrote it: this line only ever gets company."""
    body = (
        b'{"reservation":{"id":"a","user_id":42,"token_id":7,"amount":{"nano":100},"revision":"r1"},'
        b'"at":"2030-01-01T00:00:00Z","floor":{"nano":3},"unresolved":"metered"}'
    )
    packed = msgspec.msgpack.encode(msgspec.json.decode(body))

    found = decode(only(enclose(bytes((1, 1)), packed)))

    expected = held("a")
    assert found == msgspec.structs.replace(
        expected, reservation=msgspec.structs.replace(expected.reservation, leased=False, capped=False)
    )


@pytest.mark.parametrize("mark", [(0, 1), (6, 1), (3, 2), (3, 0)])
def test_an_unknown_kind_or_version_is_a_failure(mark: tuple[int, int]):
    found = Frame(*mark, b"\x80", 11)
    message = f"a record of kind {mark[0]}, version {mark[1]}, which only another version of Clinx can read"

    with pytest.raises(JournalUnreadable, match=message):
        decode(found)
    with pytest.raises(JournalUnreadable, match=message):
        check_kind(found)


@pytest.mark.parametrize("body", [b"\x80", b"\xc1", b"\x01"])
def test_a_body_that_is_not_the_record_is_a_failure(body: bytes):
    for kind in range(1, 6):
        with pytest.raises(JournalUnreadable, match=f"kind {kind}, version 1"):
            decode(Frame(kind, 1, body, 11))
    for kind in range(1, 5):
        with pytest.raises(JournalUnreadable, match=f"kind {kind}, version 1"):
            reservation_id(Frame(kind, 1, body, 11))
