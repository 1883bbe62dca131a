"""Which holds are open, told from the frames of a journal in their order."""

from __future__ import annotations

from msgspec import Struct

from clinx.billing.journal.frames import Frame
from clinx.billing.journal.records import HELD, PROGRESS, Held, Progress, decode, reservation_id
from clinx.domain.ledger import Origin, Unresolved
from clinx.domain.money import ZERO, Amount


class OpenHold(Struct, frozen=True):
    """A hold that was neither settled nor released, and how far its exchange had come."""

    held: Held
    amount: Amount
    """What is held now: it may have been extended."""
    metered: Amount
    """What was seen to be spent; zero if nothing was written down."""
    unresolved: Unresolved
    origin: Origin
    """The life that made it, as far as the segments that are read go back."""
    cost: Amount | None = None
    """What it costs us for what it is charged for, as was said last; None where that is not known."""


class Holds:
    """What is held, as undecoded frames: most of them are settled before the end."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._held: dict[str, tuple[Frame, Origin]] = {}
        self._progress: dict[str, Frame] = {}
        self._resolved: set[str] = set()

    def hear(self, frame: Frame, origin: Origin) -> None:
        """Take note of the next frame, of any kind but a log alone."""
        id_ = reservation_id(frame)
        if id_ in self._resolved:
            return
        if frame.kind == HELD:
            first = self._held.get(id_)
            self._held[id_] = (frame, first[1] if first else origin)
        elif frame.kind == PROGRESS:
            self._progress[id_] = frame
        else:
            self._resolved.add(id_)
            self._held.pop(id_, None)
            self._progress.pop(id_, None)

    def open(self) -> dict[str, OpenHold]:
        """Decode those that are left."""
        return {id_: self._decode(id_, *found) for id_, found in self._held.items()}

    def _decode(self, id_: str, frame: Frame, origin: Origin) -> OpenHold:
        held = decode(frame)
        assert isinstance(held, Held)  # noqa: S101  (tells the type checker what the kind says)
        last = self._progress.get(id_)
        if last is None:
            return OpenHold(held, held.reservation.amount, ZERO, held.unresolved, origin, held.cost)
        progress = decode(last)
        assert isinstance(progress, Progress)  # noqa: S101  (the same)
        return OpenHold(held, progress.amount, progress.metered, progress.unresolved, origin, progress.cost)
