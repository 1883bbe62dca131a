"""Hashes of passwords. Writes go through `accounts`."""

from __future__ import annotations

from datetime import datetime

from clinx.storage.codec import micros
from clinx.storage.database import Database
from clinx.storage.program import Program, execute


async def hash_of(database: Database, user_id: int) -> str | None:
    """Return the hash of a user's password; None when they have none."""
    rows = await database.fetch("SELECT hash FROM password WHERE user_id = $1", user_id)
    return rows[0][0] if rows else None


def save(user_id: int, hash_: str, at: datetime) -> Program[None]:
    """Write the hash of a user's new password."""
    yield from execute(
        "INSERT INTO password (user_id, hash, changed_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (user_id) DO UPDATE SET hash = EXCLUDED.hash, changed_at = EXCLUDED.changed_at",
        user_id,
        hash_,
        micros(at),
    )


def upgrade(user_id: int, old: str, new: str) -> Program[bool]:
    """Write another hash of the same password, unless the password was changed meanwhile; say whether it was not."""
    changed = yield from execute("UPDATE password SET hash = $3 WHERE user_id = $1 AND hash = $2", user_id, old, new)
    return changed == 1
