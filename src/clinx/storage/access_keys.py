"""Access keys: rows to values and back. Writes go through `accounts`; a key itself is never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clinx.domain.identity import User
from clinx.domain.session import AccessKey
from clinx.storage import users
from clinx.storage.codec import decode_json, encode_json, instant, micros
from clinx.storage.database import Database
from clinx.storage.program import Program, Row, execute, fetch

REVOKED: Final = 50
"""Revoked keys of one user that are kept for show; the audit log has the rest."""

_COLUMNS: Final = "id, user_id, name, hint, permissions, expires_at, created_at, used_at, revoked_at"
_OF_KEY: Final = ", ".join(f"k.{column.strip()}" for column in _COLUMNS.split(","))
_OF_USER: Final = ", ".join(f"u.{column.strip()}" for column in users.COLUMNS.split(","))


@dataclass(frozen=True, slots=True)
class NewAccessKey:
    """An access key before it has an id."""

    user_id: int
    name: str
    hint: str
    permissions: Sequence[str]
    created_at: datetime
    expires_at: datetime | None


def insert(new: NewAccessKey, digest: str) -> Program[AccessKey]:
    """Write an access key.

    Raises:
        StorageRefused: the digest is taken.
    """
    rows = yield from fetch(
        "INSERT INTO access_key (user_id, name, digest, hint, permissions, expires_at, created_at)"  # noqa: S608  (constant columns)
        f" VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}",
        new.user_id,
        new.name,
        digest,
        new.hint,
        encode_json(list(new.permissions)),
        None if new.expires_at is None else micros(new.expires_at),
        micros(new.created_at),
    )
    yield from execute(
        "DELETE FROM access_key WHERE user_id = $1 AND revoked_at IS NOT NULL AND id NOT IN"
        " (SELECT id FROM access_key WHERE user_id = $1 AND revoked_at IS NOT NULL ORDER BY id DESC LIMIT $2)",
        new.user_id,
        REVOKED,
    )
    return _key(rows[0])


async def find(database: Database, digest: str) -> tuple[AccessKey, User] | None:
    """Return the access key with that digest and its user as they are now, in one look; the caller judges them."""
    rows = await database.fetch(
        f'SELECT {_OF_USER}, {_OF_KEY} FROM access_key k JOIN "user" u ON u.id = k.user_id WHERE k.digest = $1',  # noqa: S608  (constant columns)
        digest,
    )
    if not rows:
        return None
    return _key(rows[0][users.WIDTH :]), users.of_row(rows[0][: users.WIDTH])


async def of_user(database: Database, user_id: int) -> list[AccessKey]:
    """Return the access keys of a user, also those that were revoked, oldest first."""
    rows = await database.fetch(f"SELECT {_COLUMNS} FROM access_key WHERE user_id = $1 ORDER BY id", user_id)  # noqa: S608  (constant columns)
    return [_key(row) for row in rows]


def touch(key_id: int, at: datetime, before: datetime) -> Program[bool]:
    """Write when a key was used, unless somebody wrote it after ``before``; say whether it was written."""
    changed = yield from execute(
        "UPDATE access_key SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at <= $3)",
        key_id,
        micros(at),
        micros(before),
    )
    return changed == 1


def revoke(user_id: int, key_id: int, at: datetime) -> Program[AccessKey | None]:
    """Revoke a key of a user and return it; None when it is not there, not theirs, or was revoked before."""
    rows = yield from fetch(
        "UPDATE access_key SET revoked_at = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL"  # noqa: S608  (constant columns)
        f" RETURNING {_COLUMNS}",
        key_id,
        user_id,
        micros(at),
    )
    return _key(rows[0]) if rows else None


def revoke_all(user_id: int, at: datetime) -> Program[int]:
    """Revoke all keys of a user; return how many were good."""
    sql = "UPDATE access_key SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL"
    return (yield from execute(sql, user_id, micros(at)))


def _key(row: Row) -> AccessKey:
    id_, user_id, name, hint, permissions, expires_at, created_at, used_at, revoked_at = row
    return AccessKey(
        id_,
        user_id,
        name,
        hint,
        tuple(decode_json(permissions)),
        None if expires_at is None else instant(expires_at),
        instant(created_at),
        None if used_at is None else instant(used_at),
        None if revoked_at is None else instant(revoked_at),
    )
