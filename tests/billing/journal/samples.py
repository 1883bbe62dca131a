"""Records, and a journal that begins quickly.

journal = open_journal(tmp_path, supervisor)
journal.append(held("a")); journal.append(settle("a"))
everything(tmp_path)        # [settle("a")]
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

import pytest

from clinx.billing.journal import segment
from clinx.billing.journal.durability import Sync
from clinx.billing.journal.files import BEGINNING, Position
from clinx.billing.journal.reader import read
from clinx.billing.journal.records import Held, Progress, Shipped
from clinx.billing.journal.writer import SEGMENT_SIZE, Journal
from clinx.billing.operations import Record, Release, Settle
from clinx.domain.ledger import Origin, Reservation, Unresolved
from clinx.domain.money import Amount
from clinx.telemetry.tasks import Supervisor
from support.database import START, request_log

ORIGIN = Origin("node_1", 1)


def reservation(id_: str, amount: int = 100) -> Reservation:
    return Reservation(id_, 42, 7, Amount(amount), "r1", leased=True, capped=True)


def held(id_: str, amount: int = 100, cost: int | None = None) -> Held:
    known = None if cost is None else Amount(cost)
    return Held(reservation(id_, amount), START, Amount(3), Unresolved.METERED, known)


def progress(id_: str, metered: int, amount: int = 100, cost: int | None = None) -> Progress:
    known = None if cost is None else Amount(cost)
    return Progress(id_, Amount(amount), Amount(metered), Unresolved.HOLD, known)


def settle(id_: str, charge: int = 60) -> Settle:
    return Settle(reservation(id_), Amount(charge), request_log(id_, charge=Amount(charge)))


def release(id_: str) -> Release:
    return Release(reservation(id_), None)


def record(id_: str) -> Record:
    return Record(request_log(id_))


def nothing() -> Iterable[Held | Progress]:
    return ()


def open_journal(
    folder: Path,
    supervisor: Supervisor,
    *,
    origin: Origin = ORIGIN,
    sync: Sync = Sync.OFF,
    carry: Callable[[], Iterable[Held | Progress]] = nothing,
    segment_size: int = SEGMENT_SIZE,
) -> Journal:
    return Journal.open(folder, origin=origin, sync=sync, supervisor=supervisor, carry=carry, segment_size=segment_size)


def everything(folder: Path, start: Position = BEGINNING, most: int = 500) -> list[Shipped]:
    """All that ships from a position on; nothing may be lost."""
    found: list[Shipped] = []
    while True:
        batch = read(folder, start, most=most)
        assert batch.problem is None
        assert len(batch.records) <= most
        found += [each for each, _ in batch.records]
        if batch.end == start:
            return found
        start = batch.end


@pytest.fixture
def nothing_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Journals allocate no more than they write, so that a disk is full for them when it is (see `largest_file`)."""
    monkeypatch.setattr(segment, "WINDOW", 1)


@contextmanager
def largest_file(size: int) -> Generator[None]:
    """A disk on which no file grows beyond a size: what is written behind it fails with EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
