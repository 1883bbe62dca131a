"""Accounts at other services that belong to users: rows to values and back. Writes go through `accounts`."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from clinx.domain.identity import User
from clinx.domain.session import Identity
from clinx.storage import users
from clinx.storage.codec import clean, instant, micros
from clinx.storage.database import Database
from clinx.storage.program import Program, Row, execute, fetch

_COLUMNS: Final = "id, user_id, provider, subject, shown, created_at"
_OF_USER: Final = ", ".join(f"u.{column.strip()}" for column in users.COLUMNS.split(","))
_SHOWN: Final = 255


def insert(user_id: int, provider: str, subject: str, shown: str, at: datetime) -> Program[Identity]:
    """Bind an account at another service to a user.

    Raises:
        StorageRefused: it is bound already.
    """
    rows = yield from fetch(
        "INSERT INTO identity (user_id, provider, subject, shown, created_at)"  # noqa: S608  (constant columns)
        f" VALUES ($1, $2, $3, $4, $5) RETURNING {_COLUMNS}",
        user_id,
        provider,
        subject,
        clean(shown, _SHOWN),
        micros(at),
    )
    return _identity(rows[0])


async def find(database: Database, provider: str, subject: str) -> User | None:
    """Return the user whom an account at another service belongs to."""
    rows = await database.fetch(
        f'SELECT {_OF_USER} FROM identity i JOIN "user" u ON u.id = i.user_id WHERE i.provider = $1 AND i.subject = $2',  # noqa: S608  (constant columns)
        provider,
        subject,
    )
    return users.of_row(rows[0]) if rows else None


async def of_user(database: Database, user_id: int) -> list[Identity]:
    """Return what is bound to a user, oldest first."""
    rows = await database.fetch(f"SELECT {_COLUMNS} FROM identity WHERE user_id = $1 ORDER BY id", user_id)  # noqa: S608  (constant columns)
    return [_identity(row) for row in rows]


def remove(user_id: int, identity_id: int) -> Program[bool]:
    """Unbind one; say whether it was there and theirs."""
    changed = yield from execute("DELETE FROM identity WHERE id = $1 AND user_id = $2", identity_id, user_id)
    return changed == 1


def _identity(row: Row) -> Identity:
    id_, user_id, provider, subject, shown, created_at = row
    return Identity(id_, user_id, provider, subject, shown, instant(created_at))
