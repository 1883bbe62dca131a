"""Sessions: rows to values and back. Writes go through `accounts`; a session's secret is never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clinx.domain.identity import User
from clinx.domain.session import Session
from clinx.storage import users
from clinx.storage.codec import clean, instant, micros
from clinx.storage.database import Database
from clinx.storage.program import Program, Row, execute, fetch

MOST: Final = 50
"""Sessions of one user: one more ends the one that was not used for longest."""

_COLUMNS: Final = "id, user_id, epoch, method, address, agent, created_at, seen_at, expires_at, stepped_up_at"
_OF_SESSION: Final = ", ".join(f"s.{column.strip()}" for column in _COLUMNS.split(","))
_OF_USER: Final = ", ".join(f"u.{column.strip()}" for column in users.COLUMNS.split(","))
_AGENT: Final = 255
_ADDRESS: Final = 64


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session before it has an id."""

    user_id: int
    epoch: int
    method: str
    address: str | None
    agent: str
    created_at: datetime
    expires_at: datetime


def insert(session: NewSession, digest: str) -> Program[Session]:
    """Write a session whose person proved who they are just now; beyond `MOST` it ends the one used longest ago.

    Raises:
        StorageRefused: the digest is taken.
    """
    at = micros(session.created_at)
    rows = yield from fetch(
        "INSERT INTO session (digest, user_id, epoch, method, address, agent, created_at, seen_at, expires_at,"  # noqa: S608  (constant columns)
        f" stepped_up_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $7) RETURNING {_COLUMNS}",
        digest,
        session.user_id,
        session.epoch,
        session.method,
        None if session.address is None else clean(session.address, _ADDRESS),
        clean(session.agent, _AGENT),
        at,
        micros(session.expires_at),
    )
    yield from execute(
        "DELETE FROM session WHERE user_id = $1 AND id NOT IN"
        " (SELECT id FROM session WHERE user_id = $1 ORDER BY seen_at DESC, id DESC LIMIT $2)",
        session.user_id,
        MOST,
    )
    return _session(rows[0])


async def find(database: Database, digest: str) -> tuple[Session, User] | None:
    """Return the session with that digest and its user as they are now, in one look; the caller judges them.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    rows = await database.fetch(
        f'SELECT {_OF_USER}, {_OF_SESSION} FROM session s JOIN "user" u ON u.id = s.user_id WHERE s.digest = $1',  # noqa: S608  (constant columns)
        digest,
    )
    if not rows:
        return None
    return _session(rows[0][users.WIDTH :]), users.of_row(rows[0][: users.WIDTH])


async def of_user(database: Database, user: User, at: datetime) -> list[Session]:
    """Return the sessions of a user that have not ended, the latest used first."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM session WHERE user_id = $1 AND epoch = $2 AND expires_at > $3"  # noqa: S608  (constant columns)
        " ORDER BY seen_at DESC, id DESC",
        user.id,
        user.epoch,
        micros(at),
    )
    return [_session(row) for row in rows]


def touch(session_id: int, at: datetime, before: datetime) -> Program[bool]:
    """Write when a session was used, unless somebody wrote it after ``before``; say whether it was written."""
    changed = yield from execute(
        "UPDATE session SET seen_at = $2 WHERE id = $1 AND seen_at <= $3", session_id, micros(at), micros(before)
    )
    return changed == 1


def step_up(session_id: int, at: datetime) -> Program[bool]:
    """Write that the person proved again who they are; say whether the session is there."""
    changed = yield from execute("UPDATE session SET stepped_up_at = $2 WHERE id = $1", session_id, micros(at))
    return changed == 1


def remove(user_id: int, session_id: int) -> Program[bool]:
    """End one session of a user; say whether it was there and theirs."""
    changed = yield from execute("DELETE FROM session WHERE id = $1 AND user_id = $2", session_id, user_id)
    return changed == 1


def remove_all(user_id: int, *, but: int | None = None) -> Program[int]:
    """End all sessions of a user, but perhaps one; return how many."""
    return (yield from execute("DELETE FROM session WHERE user_id = $1 AND id <> COALESCE($2, 0)", user_id, but))


def prune(at: datetime) -> Program[int]:
    """Remove sessions whose time is over; return how many."""
    return (yield from execute("DELETE FROM session WHERE expires_at <= $1", micros(at)))


def _session(row: Row) -> Session:
    id_, user_id, epoch, method, address, agent, *instants = row
    created_at, seen_at, expires_at, stepped_up_at = map(instant, instants)
    return Session(id_, user_id, epoch, method, address, agent, created_at, seen_at, expires_at, stepped_up_at)
