"""Money that one person alone may not give: an adjustment above a limit waits for another one to approve it.

What one person gave within a day counts together, so nobody splits what is too much into what is not. Under one key
there is one adjustment or one proposal, and an approval books in the very transaction that takes the proposal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clinx.billing import codes, topup, transfer
from clinx.billing.failures import (
    AdjustmentDecided,
    AdjustmentExpired,
    AdjustmentUnknown,
    KeyReused,
    NotTheProposer,
    SecondPersonNeeded,
)
from clinx.billing.transfer import Cause, Transfer
from clinx.domain.adjustment import Adjustment, AdjustmentState, Proposed
from clinx.domain.console import SecondPerson
from clinx.domain.identity import User, user_account
from clinx.domain.ledger import ADJUST, PROMO, EntryKind
from clinx.domain.money import ZERO, Amount
from clinx.storage import adjustments, ledger
from clinx.storage.database import Database
from clinx.storage.program import Program

DAY: Final = timedelta(days=1)
"""How long what somebody gave counts."""


@dataclass(frozen=True, slots=True)
class Wish:
    """By how much whose balance is to be adjusted, and who wants that."""

    user: User
    by: Amount
    proposer: User
    cause: Cause
    """Its key begins with the proposer's id and a colon."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: booked, or proposed."""

    is_new: bool
    """False when it was done before under the key, and nothing changed."""
    proposal: Adjustment | None = None
    """What waits for a second person, or did; None when one was enough."""


async def adjust(database: Database, wish: Wish, rule: SecondPerson | None, *, at: datetime) -> Outcome:
    """Give an amount or, a negative one, take it; propose it where the rule asks for a second person.

    Raises:
        ValueError: the amount is zero.
        KeyReused: the key was used for something else.
        StorageUnavailable: the database cannot be written now.
    """
    return await transfer.persist(database, lambda: _adjust(wish, rule, at))


def _adjust(wish: Wish, rule: SecondPerson | None, at: datetime) -> Program[Outcome]:
    yield from transfer.lock([wish.user.account])
    yield from ledger.lock_accounts({ADJUST})  # From here on nobody else adjusts, so sums and keys stand still.
    before = yield from adjustments.of_key(wish.proposer.id, wish.cause.key)
    if before is not None:
        if (before.proposed.user_id, before.proposed.amount) != (wish.user.id, wish.by):
            raise KeyReused("the key was used before for another amount or user; nothing changed")
        return Outcome(is_new=False, proposal=before)
    if rule is not None and (yield from _is_too_much(wish, rule, at)):
        return Outcome(is_new=True, proposal=(yield from adjustments.insert(_proposed(wish, rule, at))))
    return Outcome(is_new=(yield from topup.correct(wish.user, wish.by, wish.cause, at)))


def _is_too_much(wish: Wish, rule: SecondPerson, at: datetime) -> Program[bool]:
    """Say whether a second person has to be asked; not for what was booked before under the key, whatever it was."""
    if wish.by <= ZERO or (yield from topup.is_used(wish.cause.key)):
        return False
    given = yield from _given(wish.proposer, at)
    return given + wish.by > rule.above


def _given(person: User, at: datetime) -> Program[Amount]:
    """Return what somebody gave within a day, by adjustments and by codes that they made."""
    granted = yield from adjustments.given_since(topup.grants_of(f"{person.id}:"), at - DAY)
    printed = yield from adjustments.printed_since(at - DAY)
    return sum((amount for actor, amount in printed.items() if _is_of(person, actor)), granted)


def _proposed(wish: Wish, rule: SecondPerson, at: datetime) -> Proposed:
    cause = wish.cause
    return Proposed(wish.user.id, wish.by, cause.reason, wish.proposer.id, cause.actor, cause.key, at, at + rule.within)


async def approve(database: Database, id_: int, approver: User, actor: str, *, at: datetime) -> bool:
    """Book what another person proposed, once; False when the same person has approved it before.

    Raises:
        AdjustmentUnknown: there is no such proposal.
        NotTheProposer: the approver proposed it.
        AdjustmentDecided, AdjustmentExpired: it does not wait any more; nothing changed.
        StorageUnavailable: the database cannot be written now.
    """
    return await transfer.persist(database, lambda: _approve(id_, approver, actor, at))


def _approve(id_: int, approver: User, actor: str, at: datetime) -> Program[bool]:
    found = yield from _look_up(id_)
    proposed = found.proposed
    if proposed.proposer_id == approver.id:
        raise NotTheProposer("somebody else has to approve what you proposed")
    yield from transfer.lock([user_account(proposed.user_id)])
    if not (yield from _decide(found, AdjustmentState.APPROVED, approver, at)):
        return False
    detail = transfer.describe(actor=proposed.actor, reason=proposed.reason, approved_by=actor)
    account = user_account(proposed.user_id)
    yield from transfer.execute(
        Transfer(f"proposal:{id_}", PROMO, account, proposed.amount, EntryKind.GRANT, at, detail)
    )
    return True


async def reject(database: Database, id_: int, by: User, *, at: datetime) -> bool:
    """Let a proposal be nothing, one's own as well; False when the same person has rejected it before.

    Raises:
        AdjustmentUnknown: there is no such proposal.
        AdjustmentDecided, AdjustmentExpired: it does not wait any more; nothing changed.
        StorageUnavailable: the database cannot be written now.
    """
    return await transfer.persist(database, lambda: _reject(id_, by, at))


def _reject(id_: int, by: User, at: datetime) -> Program[bool]:
    found = yield from _look_up(id_)
    return (yield from _decide(found, AdjustmentState.REJECTED, by, at))


def _look_up(id_: int) -> Program[Adjustment]:
    found = yield from adjustments.look_up(id_)
    if found is None:
        raise AdjustmentUnknown("there is no such proposal")
    return found


def _decide(found: Adjustment, state: AdjustmentState, by: User, at: datetime) -> Program[bool]:
    """Decide, if it is still to be decided; False when the same person decided the same before."""
    if (yield from adjustments.decide(found.id, state, by.id, at)):
        return True
    now = (yield from adjustments.look_up(found.id)) or found
    if (now.state, now.decided_by) == (state, by.id):
        return False
    if now.state is AdjustmentState.PENDING:
        raise AdjustmentExpired("the time for this proposal is over")
    raise AdjustmentDecided("somebody has decided about this proposal", state=now.state.value)


def check_batch(rule: SecondPerson | None, maker: User, worth: Amount, *, at: datetime) -> Program[None]:
    """Let a batch of codes pass that is worth no more, with what its maker gave within a day, than one may give.

    Raises:
        SecondPersonNeeded: it is worth more.
    """
    if rule is None:
        return
    yield from ledger.lock_accounts({ADJUST})  # Two batches at the same moment count together.
    given = yield from _given(maker, at)
    if given + worth > rule.above:
        said = f"one person gives up to {rule.above} within a day, codes included; the command line has no such limit"
        raise SecondPersonNeeded(said, above=str(rule.above))


def _is_of(maker: User, actor: str) -> bool:
    """Say whether history means somebody: themselves, or a program with one of their keys; long names are cut."""
    kind, _, rest = actor.partition(":")
    name = rest if kind == "user" else rest.partition(":")[2]
    return name == maker.name if len(actor) < codes.LONGEST_MAKER else maker.name.startswith(name)
