"""What is written down, and how: msgpack maps, so that fields may be added to what they hold.

A new field needs a default, or yesterday's journal cannot be read. Any other change needs a new version of the kind,
and the old one stays readable.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import DecodeError, Struct
from msgspec.msgpack import Decoder, Encoder

from clinx.billing.journal.failures import JournalUnreadable
from clinx.billing.journal.frames import Frame, enclose
from clinx.billing.operations import Record, Release, Settle
from clinx.domain.ledger import Reservation, Unresolved
from clinx.domain.money import Amount


class Held(Struct, frozen=True):
    """An exchange may spend: written before its request leaves."""

    reservation: Reservation
    at: datetime
    floor: Amount
    """What it costs at least if it is metered."""
    unresolved: Unresolved
    """What it is charged if nothing else is heard of it."""
    cost: Amount | None = None
    """What it costs us then, for what it is charged for; None where that is not known."""


class Progress(Struct, frozen=True):
    """How far an exchange has come; the last one counts."""

    id: str
    """Of the reservation."""
    amount: Amount
    """What is held now."""
    metered: Amount
    """What it is to be charged so far."""
    unresolved: Unresolved
    cost: Amount | None = None
    """As of the hold."""


JournalRecord = Held | Progress | Settle | Release | Record
Shipped = Settle | Release | Record
"""What the ledger hears of; the others are for recovery."""

HELD: Final = 1
PROGRESS: Final = 2
SETTLE: Final = 3
RELEASE: Final = 4
RECORD: Final = 5
SHIPPED: Final = frozenset({SETTLE, RELEASE, RECORD})

_MARKS: Final[dict[type[JournalRecord], bytes]] = {
    Held: bytes((HELD, 1)),
    Progress: bytes((PROGRESS, 1)),
    Settle: bytes((SETTLE, 1)),
    Release: bytes((RELEASE, 1)),
    Record: bytes((RECORD, 1)),
}
_DECODERS: Final[dict[tuple[int, int], Decoder[JournalRecord]]] = {
    (mark[0], mark[1]): Decoder(type_) for type_, mark in _MARKS.items()
}
_encode: Final = Encoder().encode


class _Named(Struct, frozen=True, gc=False):
    id: str


class _Reserved(Struct, frozen=True, gc=False):
    reservation: _Named


_named: Final = Decoder(_Named).decode
_reserved: Final = Decoder(_Reserved).decode


def frame(record: JournalRecord) -> bytes:
    """Return a record as it is written."""
    return enclose(_MARKS[type(record)], _encode(record))


def decode(found: Frame) -> JournalRecord:
    """Return the record of an intact frame.

    Raises:
        JournalUnreadable: of a kind, a version or a content that this version does not know.
    """
    decoder = _DECODERS.get((found.kind, found.version))
    if decoder is None:
        raise JournalUnreadable(_unknown(found))
    try:
        return decoder.decode(found.body)
    except DecodeError as error:
        raise JournalUnreadable(f"{_unknown(found)}: {error}") from error


def check_kind(found: Frame) -> None:
    """Make sure that a frame whose body nobody looks at may be passed over.

    Raises:
        JournalUnreadable: of a kind or a version that this version does not know.
    """
    if (found.kind, found.version) not in _DECODERS:
        raise JournalUnreadable(_unknown(found))


def reservation_id(found: Frame) -> str:
    """Return which hold a frame is about, without decoding the rest; of any kind but a log alone."""
    try:
        return _named(found.body).id if found.kind == PROGRESS else _reserved(found.body).reservation.id
    except DecodeError as error:
        raise JournalUnreadable(f"{_unknown(found)}: {error}") from error


def _unknown(found: Frame) -> str:
    return f"a record of kind {found.kind}, version {found.version}, which only another version of Clinx can read"
