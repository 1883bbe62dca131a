"""What mutations that move money have in common: which key makes asking twice harmless, why, and on whom."""

from __future__ import annotations

from typing import Final

from clinx.billing.transfer import Cause
from clinx.domain.identity import Role, User
from clinx.graphql.context import Context
from clinx.graphql.errors import Problem
from clinx.graphql.users import whose

LONGEST_KEY: Final = 64
LONGEST_REASON: Final = 500


def key_of(context: Context, given: str) -> str:
    """Return the key of a movement in the ledger, which is one's own: nobody uses up those of others.

    Raises:
        Problem: ``key_invalid``.
    """
    if not (1 <= len(given) <= LONGEST_KEY and given.isascii() and given.isprintable()):
        message = f"A key has 1 to {LONGEST_KEY} printable ASCII characters."
        raise Problem("key_invalid", message, "idempotencyKey", most=LONGEST_KEY)
    return f"{context.signed_in.user.id}:{given}"


def cause_of(context: Context, reason: str, key: str) -> Cause:
    """Return who moves money and why.

    Raises:
        Problem: ``reason_invalid`` or ``key_invalid``.
    """
    reason = reason.strip()
    if not (1 <= len(reason) <= LONGEST_REASON and reason.isprintable()):
        message = f"A reason has 1 to {LONGEST_REASON} printable characters."
        raise Problem("reason_invalid", message, "reason", most=LONGEST_REASON)
    return Cause(context.signed_in.actor, reason, key_of(context, key))


async def subject(context: Context, user_id: int) -> User:
    """Return the user whose balance is to be corrected, if whoever asks may: their role is below, or one is root.

    Raises:
        Problem: ``not_yourself``, ``not_found`` or ``role_too_low``.
        StorageUnavailable: the database cannot be read now.
    """
    asking = context.signed_in.user
    if asking.id == user_id and asking.role is not Role.ROOT:
        raise Problem("not_yourself", "Nobody corrects their own balance.")
    return await whose.subject(context, user_id)


def owner_of(account: str) -> int | None:
    """Return the user that an account belongs to; None for those of the house."""
    kind, _, number = account.partition(":")
    return whose.row_of(number) if kind in {"user", "invite"} else None
