"""What a provider's callback comes to, once it has been read and its signature checked."""

from __future__ import annotations

from msgspec import Struct

from clinx.domain.order import Outcome, Payment


class Lapsed(Struct, frozen=True):
    """Nobody can pay the order any more."""

    order_id: str


class Irrelevant(Struct, frozen=True):
    """Genuine, and of no concern to a balance."""


class Refused(Struct, frozen=True):
    """Not to be believed or not to be understood."""

    outcome: Outcome
    event: str
    """A digest of what was said, or the provider's id of it when that can be believed."""
    order_id: str | None = None
    detail: str | None = None
    """Why, without anything secret."""


Notice = Payment | Lapsed | Irrelevant | Refused
