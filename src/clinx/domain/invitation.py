"""What an accepted invitation is worth."""

from __future__ import annotations

from msgspec import Struct

from clinx.domain.money import ZERO, Amount


class Rewards(Struct, frozen=True):
    """What each side gets, once per invited user; zero is nothing."""

    inviter: Amount = ZERO
    """Waits on an account of its own until the inviter transfers it."""
    invitee: Amount = ZERO
    """Goes to the balance of whoever was invited."""
