"""Invitations: every user has a code; who accepts one within their first days is rewarded, and so is its owner.

The invited user's reward goes to the balance. The inviter's waits on ``invite:<id>`` until it is transferred.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clinx.billing import crockford, transfer
from clinx.billing.failures import (
    InvitationAccepted,
    InvitationFromLater,
    InvitationTooLate,
    InvitationUnknown,
    KeyReused,
    RewardsTooFew,
    TransferTooSmall,
)
from clinx.billing.transfer import Cause, Transfer, describe
from clinx.domain.identity import User, user_account
from clinx.domain.invitation import Rewards
from clinx.domain.ledger import PROMO, EntryKind, invite_account
from clinx.domain.money import NANO, Amount
from clinx.storage import invitations, ledger, statements
from clinx.storage.database import Database
from clinx.storage.invitations import Invitation
from clinx.storage.program import Program

PERIOD: Final = timedelta(days=30)
"""How long after their creation users may accept an invitation."""
LEAST: Final = Amount(NANO)
"""The smallest transfer, where nobody says otherwise."""
_SIGNS: Final = 8
_BITS: Final = 5 * _SIGNS
_DRAWS: Final = 8

Draw = Callable[[int], int]
"""So many random bits."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A user's code and what came of it."""

    code: str
    invited: int
    """Users who accepted it."""
    earned: Amount
    """All rewards for them."""
    waiting: Amount
    """What is left of the rewards, to be transferred."""
    inviter_id: int | None
    """Who invited this user."""


async def show(database: Database, user: User, *, draw: Draw = secrets.randbits) -> Standing:
    """Return a user's invitation code, made now if there was none, and what came of it.

    Raises:
        StorageUnavailable: the database cannot be used now.
    """
    own = await _own(database, user, draw)
    harvest = await invitations.harvest(database, user.id)
    waiting = await statements.balance(database, invite_account(user.id))
    return Standing(own.code, harvest.invited, harvest.earned, waiting.total, own.inviter_id)


async def accept(
    database: Database, user: User, code: str, rewards: Rewards, *, at: datetime, draw: Draw = secrets.randbits
) -> int:
    """Accept an invitation, reward both sides out of ``promo`` and return the inviter's id; once per user.

    Raises:
        InvitationUnknown: nobody active has this code.
        InvitationFromLater: it is the user's own, or of somebody who came later.
        InvitationTooLate: the user has been here longer than `PERIOD`.
        InvitationAccepted: the user has accepted one before.
        StorageUnavailable: the database cannot be written now.
    """
    if at - user.created_at > PERIOD:
        raise InvitationTooLate(f"an invitation is accepted within {PERIOD.days} days after the account was made")
    wanted = crockford.read(code)
    if wanted is None or len(wanted) != _SIGNS:
        raise _unknown()
    await _own(database, user, draw)
    return await transfer.persist(database, lambda: _accept(user, wanted, rewards, at))


async def withdraw(
    database: Database, user: User, amount: Amount, cause: Cause, *, at: datetime, least: Amount = LEAST
) -> bool:
    """Move rewards that wait to the user's balance; False when this was done before under the key of this user's.

    Raises:
        TransferTooSmall: less than may be moved at once.
        RewardsTooFew: more than what waits.
        KeyReused: the user used the key for another amount.
        StorageUnavailable: the database cannot be written now.
    """
    if amount < least or amount.nano <= 0:
        raise TransferTooSmall(f"at least {least} is transferred at once")
    moved = Transfer(
        f"transfer:{user.id}:{cause.key}",  # Each user chooses keys of their own.
        invite_account(user.id),
        user.account,
        amount,
        EntryKind.TRANSFER,
        at,
        cause.detail(),
    )
    return await transfer.persist(database, lambda: _withdraw(moved))


async def _own(database: Database, user: User, draw: Draw) -> Invitation:
    for _ in range(_DRAWS):
        code = crockford.encode(draw(_BITS), _SIGNS)
        if (own := await database.atomically(invitations.offer(user.id, code))) is not None:
            return own
    raise AssertionError("of 2 to the 40 codes none was free")


def _accept(user: User, code: str, rewards: Rewards, at: datetime) -> Program[int]:
    inviter = yield from invitations.owner(code)
    if inviter is None:
        raise _unknown()
    if inviter >= user.id:
        raise InvitationFromLater("one is invited by somebody who was here before")
    if not (yield from invitations.accept(user.id, inviter, at)):
        raise InvitationAccepted("an invitation was accepted before")
    yield from transfer.execute(*_rewards(user.id, inviter, rewards, at))
    return inviter


def _rewards(user_id: int, inviter: int, rewards: Rewards, at: datetime) -> list[Transfer]:
    detail = describe(invited=str(user_id), inviter=str(inviter))
    sides = (
        ("invitee", user_account(user_id), rewards.invitee),
        ("inviter", invite_account(inviter), rewards.inviter),
    )
    return [
        Transfer(f"reward:{side}:{user_id}", PROMO, account, amount, EntryKind.REWARD, at, detail)
        for side, account, amount in sides
        if amount
    ]


def _withdraw(moved: Transfer) -> Program[bool]:
    balances = yield from transfer.lock([moved.source, moved.target])
    written = yield from ledger.written([moved.event])
    if (moved.event, moved.target, moved.amount) in written:
        return False
    if written:
        raise KeyReused("the key was used before for another amount; nothing changed")
    if balances[moved.source].total < moved.amount:
        raise RewardsTooFew(f"only {balances[moved.source].total} waits to be transferred")
    yield from transfer.execute(moved)
    return True


def _unknown() -> InvitationUnknown:
    return InvitationUnknown("there is no such invitation code")
