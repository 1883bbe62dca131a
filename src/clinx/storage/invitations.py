"""Invitations: every user's own code, and who invited them. Writes go through `billing`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from clinx.domain.identity import Status
from clinx.domain.ledger import EntryKind, invite_account
from clinx.domain.money import Amount
from clinx.storage.codec import micros
from clinx.storage.database import Database
from clinx.storage.program import Program, execute, fetch


@dataclass(frozen=True, slots=True)
class Invitation:
    """A user's row: made when they first ask for their code or accept another's."""

    user_id: int
    code: str
    inviter_id: int | None


@dataclass(frozen=True, slots=True)
class Harvest:
    """What came of a user's code."""

    invited: int
    """Users who accepted it."""
    earned: Amount
    """All rewards for them; those that wait are on the invite account."""


def offer(user_id: int, code: str) -> Program[Invitation | None]:
    """Return a user's row, made with this code if there was none; None when the code is somebody else's: draw again."""
    yield from execute("INSERT INTO invitation (user_id, code) VALUES ($1, $2) ON CONFLICT DO NOTHING", user_id, code)
    rows = yield from fetch("SELECT user_id, code, inviter_id FROM invitation WHERE user_id = $1", user_id)
    return Invitation(*rows[0]) if rows else None


def owner(code: str) -> Program[int | None]:
    """Return the id of the active user whose code this is."""
    rows = yield from fetch(
        'SELECT u.id FROM invitation i JOIN "user" u ON u.id = i.user_id WHERE i.code = $1 AND u.status = $2',
        code,
        Status.ACTIVE.value,
    )
    return rows[0][0] if rows else None


def accept(user_id: int, inviter_id: int, at: datetime) -> Program[bool]:
    """Write who invited a user who has a row; False when somebody had. The condition is in the statement itself."""
    changed = yield from execute(
        "UPDATE invitation SET inviter_id = $2, rewarded_at = $3 WHERE user_id = $1 AND inviter_id IS NULL",
        user_id,
        inviter_id,
        micros(at),
    )
    return changed == 1


async def harvest(database: Database, user_id: int) -> Harvest:
    """Return what came of a user's code so far."""
    rows = await database.fetch(
        "SELECT (SELECT COUNT(*) FROM invitation WHERE inviter_id = $1),"
        " (SELECT CAST(COALESCE(SUM(amount), 0) AS bigint) FROM entry WHERE account = $2 AND kind = $3)",
        user_id,
        invite_account(user_id),
        EntryKind.REWARD.value,
    )
    return Harvest(rows[0][0], Amount(rows[0][1]))
