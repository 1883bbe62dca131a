"""The journal: whatever happens to its bytes, what is read was written; and whatever is written, it is read once."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from billing.journal.samples import (
    held,
    largest_file,
    nothing_ahead,
    open_journal,
    progress,
    record,
    release,
    settle,
)
from clinx.billing.journal.failures import JournalFailed
from clinx.billing.journal.files import BEGINNING, Position
from clinx.billing.journal.frames import Fault, Frames
from clinx.billing.journal.reader import open_holds, read
from clinx.billing.journal.records import Held, JournalRecord, Progress, Shipped, decode, frame, reservation_id
from clinx.billing.operations import Record, Release, Settle
from clinx.domain.ledger import Origin, Reservation, Unresolved
from clinx.domain.money import MAX_NANO, Amount
from clinx.domain.request_log import Attempt, RequestLog
from clinx.domain.usage import Usage
from clinx.telemetry.tasks import Supervisor

__all__ = ["nothing_ahead"]

TEXTS = st.text(max_size=20)
INTEGERS = st.integers(-(2**63), 2**64 - 1)
COUNTS = st.integers(0, 2**63 - 1)
INSTANTS = st.datetimes(timezones=st.just(UTC))
SECONDS = st.floats(0, 1e9)
AMOUNTS = st.builds(Amount, st.integers(-MAX_NANO, MAX_NANO))
RESERVATIONS = st.builds(Reservation, TEXTS, INTEGERS, INTEGERS, AMOUNTS, TEXTS, st.booleans(), st.booleans())
ATTEMPTS = st.builds(Attempt, TEXTS, TEXTS, TEXTS, TEXTS, st.none() | COUNTS, SECONDS)
LOGS = st.builds(
    RequestLog,
    id=TEXTS,
    at=INSTANTS,
    status=st.integers(100, 599),
    token_id=st.none() | INTEGERS,
    user_id=st.none() | INTEGERS,
    model=st.none() | TEXTS,
    usage=st.builds(Usage, COUNTS, COUNTS, estimated=st.booleans()),
    charge=AMOUNTS,
    quote=st.lists(TEXTS, max_size=3).map(tuple),
    attempts=st.lists(ATTEMPTS, max_size=3).map(tuple),
    seconds=SECONDS,
    first_byte_seconds=st.none() | SECONDS,
)
RECORDS: st.SearchStrategy[JournalRecord] = st.one_of(
    st.builds(Held, RESERVATIONS, INSTANTS, AMOUNTS, st.sampled_from(Unresolved)),
    st.builds(Progress, TEXTS, AMOUNTS, AMOUNTS, st.sampled_from(Unresolved)),
    st.builds(Settle, RESERVATIONS, AMOUNTS, LOGS),
    st.builds(Release, RESERVATIONS, st.none() | LOGS),
    st.builds(Record, LOGS),
)


def read_all(data: bytes) -> tuple[list[JournalRecord], Fault | None]:
    frames = Frames(data)
    return [decode(each) for each in frames], frames.fault


def fitting(written: list[JournalRecord], size: int) -> list[JournalRecord]:
    """Those that are whole in the first bytes."""
    ends = [len(b"".join(map(frame, written[: count + 1]))) for count in range(len(written))]
    return [each for each, end in zip(written, ends, strict=True) if end <= size]


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(written: JournalRecord) -> None:
    (found,) = Frames(frame(written))

    assert decode(found) == written
    if isinstance(written, Progress):
        assert reservation_id(found) == written.id
    elif not isinstance(written, Record):
        assert reservation_id(found) == written.reservation.id


@given(st.lists(RECORDS, max_size=5), st.data())
def test_a_cut_loses_only_the_record_it_is_in(written: list[JournalRecord], data: st.DataObject) -> None:
    whole = b"".join(map(frame, written))
    size = data.draw(st.integers(0, len(whole)))

    found, fault = read_all(whole[:size])

    assert found == fitting(written, size)
    assert fault in {None, Fault.TORN}


@given(st.lists(RECORDS, min_size=1, max_size=5), st.data())
def test_a_wrong_byte_never_gives_a_wrong_record(written: list[JournalRecord], data: st.DataObject) -> None:
    whole = bytearray(b"".join(map(frame, written)))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))

    found, fault = read_all(bytes(whole))

    assert found == fitting(written, at)
    assert fault is not None


@given(st.lists(RECORDS, max_size=5), st.binary(max_size=200))
def test_nonsense_behind_the_records_is_no_record(written: list[JournalRecord], nonsense: bytes) -> None:
    found, _ = read_all(b"".join(map(frame, written)) + nonsense)

    assert found == written


class Life(RuleBasedStateMachine):
    """A process that writes, dies, is followed by others, meets full disks, and is read all the time."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.epoch = 0
        self.count = 0
        self.written: list[tuple[Shipped, int]] = []
        self.shipped: list[tuple[Shipped, int]] = []
        self.position = BEGINNING
        self.open: dict[str, tuple[Held, Progress | None, int]] = {}

    @initialize()
    def start(self) -> None:
        self.runner.run(self._start())

    async def _start(self) -> None:
        self.epoch += 1
        self.supervisor = Supervisor()
        self.journal = open_journal(
            self.folder, self.supervisor, origin=Origin("node_1", self.epoch), carry=self._carry, segment_size=2000
        )

    def _carry(self) -> Iterable[Held | Progress]:
        for each, last, _ in self.open.values():
            yield each
            if last is not None:
                yield last

    def _append(self, written: JournalRecord) -> None:
        async def append() -> None:
            self.journal.append(written)

        self.runner.run(append())
        if isinstance(written, Settle | Release | Record):
            self.written.append((written, self.epoch))

    @rule()
    def hold(self) -> None:
        self.count += 1
        made = held(f"{self.count}")
        try:
            self._append(made)
        except JournalFailed:
            assert self.journal.failing
        else:
            assert not self.journal.failing
            self.open[f"{self.count}"] = (made, None, self.epoch)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), metered=st.integers(0, 100))
    def go_on(self, data: st.DataObject, metered: int) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.open)))
        last = progress(id_, metered)
        self._append(last)
        made, _, epoch = self.open[id_]
        self.open[id_] = (made, last, epoch)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), charged=st.booleans())
    def resolve(self, data: st.DataObject, charged: bool) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.open)))
        self._append(settle(id_) if charged else release(id_))
        del self.open[id_]

    @rule()
    def log(self) -> None:
        try:
            self._append(record("log"))
        except JournalFailed:
            assert self.journal.failing

    @precondition(lambda self: not self.journal.failing and 1500 < self.journal.position.offset < 2000)
    @rule()
    def fill_the_disk(self) -> None:
        with largest_file(self.journal.position.offset):
            self._append(release("nobody"))
        assert self.journal.failing

    @precondition(lambda self: self.journal.failing)
    @rule()
    def make_room(self) -> None:
        assert self.runner.run(self.journal.retry())

    @rule(torn=st.integers(0, 300))
    def die(self, torn: int) -> None:
        last = self.journal.position
        self.runner.run(self._close())
        path = self.folder / f"{last.segment:08d}.journal"
        with path.open("r+b") as file:
            file.seek(last.offset)
            file.write(frame(settle("torn"))[:torn])
        self.runner.run(self._start())

    async def _close(self) -> None:
        await self.journal.close()
        await self.supervisor.close()

    @rule(most=st.integers(1, 5))
    def ship(self, most: int) -> None:
        batch = read(self.folder, self.position, most=most)
        assert batch.problem is None
        assert len(batch.records) <= most
        assert batch.end >= self.position
        assert [end for _, end in batch.records] == sorted(end for _, end in batch.records)
        for each, _ in batch.records:
            assert batch.origin is not None
            self.shipped.append((each, batch.origin.epoch))
        self.position = batch.end

    @invariant()
    def what_shipped_is_what_was_written_in_its_order(self) -> None:
        assert self.shipped == self.written[: len(self.shipped)]

    @invariant()
    def what_is_open_is_found_from_what_shipped(self) -> None:
        found = open_holds(self.folder, self.position)
        assert found.keys() == self.open.keys()
        for id_, (made, last, epoch) in self.open.items():
            assert found[id_].held == made
            assert found[id_].metered == (last.metered if last else Amount(0))
            assert epoch <= found[id_].origin.epoch <= self.epoch

    def teardown(self) -> None:
        while True:
            before: Position = self.position
            self.ship(5)
            if self.position == before:
                break
        assert self.shipped == self.written
        self.runner.run(self._close())
        self.runner.close()
        shutil.rmtree(self.folder)


TestLife = pytest.mark.usefixtures("nothing_ahead")(Life.TestCase)
TestLife.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
