"""The journal together with what is open in it: every record is written here, and the shipper hears of what ships."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, structs
from msgspec.structs import replace

from clinx.billing.journal.failures import JournalFailed
from clinx.billing.journal.files import Position
from clinx.billing.journal.records import Held, Progress
from clinx.billing.journal.writer import Journal
from clinx.billing.operations import Record, Release, Settle
from clinx.billing.shipper import Shipper
from clinx.domain.ledger import Reservation, Unresolved
from clinx.domain.money import ZERO, Amount
from clinx.domain.usage import Usage


class Running(Struct):
    """A hold that has no end yet, as far as this process knows."""

    held: Held
    metered: Amount
    unresolved: Unresolved
    cost: Amount | None = None

    def as_held(self) -> Held:
        """Return the one record that says all of it."""
        floor = max(self.held.floor, self.metered)
        return replace(self.held, floor=floor, unresolved=self.unresolved, cost=self.cost)


class OpenHolds:
    """The holds of this process that have no end yet, by request."""

    def __init__(self) -> None:
        """Begin with none."""
        self.by_id: dict[str, Running] = {}

    def records(self) -> Iterable[Held]:
        """Return what a new segment of the journal begins with."""
        return [running.as_held() for running in self.by_id.values()]


class Diary:
    """What this process writes down of its holds. Positions are where a record ends."""

    def __init__(self, journal: Journal, shipper: Shipper, holds: OpenHolds) -> None:
        """Wire it; ``holds`` are those the journal carries into each new segment."""
        self._journal = journal
        self._shipper = shipper
        self._holds = holds

    @property
    def failing(self) -> bool:
        """Whether nothing new may be admitted."""
        return self._journal.failing or self._shipper.fenced

    @property
    def holding(self) -> int:
        """How many holds are open here."""
        return len(self._holds.by_id)

    @property
    def waiting(self) -> int:
        """How many records are not in the ledger yet."""
        return self._shipper.waiting

    @property
    def waits(self) -> bool:
        """Whether `durable` waits for anything: only then need it be called."""
        return self._journal.waits

    async def durable(self, position: Position) -> None:
        """Return when everything before a position is as durable as the operator wants it.

        Raises:
            JournalFailed: it may not be.
        """
        await self._journal.durable(position)

    async def flush(self) -> None:
        """Return when everything that was written so far is in the ledger; waits as long as that takes."""
        await self._shipper.flush()

    def open(self, held: Held) -> Position:
        """Write down a hold.

        Raises:
            JournalFailed: it is not written.
        """
        position = self._journal.append(held)
        self._holds.by_id[held.reservation.id] = Running(held, ZERO, held.unresolved, held.cost)
        return position

    def is_open(self, reservation: Reservation) -> bool:
        """Whether a hold has no end yet."""
        return reservation.id in self._holds.by_id

    def extend(self, raised: Reservation) -> None:
        """Write down that an open hold is larger now."""
        running = self._holds.by_id[raised.id]
        running.held = replace(running.held, reservation=raised)
        self._try(Progress(raised.id, raised.amount, running.metered, running.unresolved, running.cost))

    def progress(
        self, reservation: Reservation, metered: Amount, unresolved: Unresolved, cost: Amount | None = None
    ) -> None:
        """Write down what a running exchange is to be charged so far, and what it costs us for that."""
        running = self._holds.by_id.get(reservation.id)
        if running is not None:
            running.metered, running.unresolved, running.cost = metered, unresolved, cost
            self._try(Progress(reservation.id, running.held.reservation.amount, metered, unresolved, cost))

    def end(self, operation: Settle | Release) -> Position:
        """Write down the end of a hold.

        Raises:
            JournalFailed: it is not written; the journal has said all that it was to hold.
        """
        self._holds.by_id.pop(operation.reservation.id, None)
        try:
            position = self._journal.append(operation)
        except (UnicodeEncodeError, OverflowError):  # What no journal can say of a call must not cost its charge.
            operation = _plain(operation)
            position = self._journal.append(operation)
        self._shipper.notice(position, operation)
        return position

    def note(self, record: Record) -> None:
        """Write down a log that no money depends on, if that is possible now."""
        if not self.failing and (position := self._try(record)) is not None:
            self._shipper.notice(position, record)

    def _try(self, record: Record | Progress) -> Position | None:
        try:
            return self._journal.append(record)
        except (JournalFailed, UnicodeEncodeError, OverflowError):
            return None  # Nothing here is owed to anybody.


def _plain(operation: Settle | Release) -> Settle | Release:
    """Return an operation whose log holds nothing that a vendor or a caller wrote."""
    if operation.log is None:
        return operation
    fields = structs.asdict(operation.log)
    texts = {name: _readable(value) for name, value in fields.items() if isinstance(value, str)}
    log = replace(operation.log, **texts, usage=Usage(estimated=True), quote=(), attempts=())
    return replace(operation, log=log)


def _readable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
