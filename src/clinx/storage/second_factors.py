"""Second factors: rows to values and back. Writes go through `accounts`.

What proves something once proves it once because the statement that says so also asks: a step or a count of
signatures that is not above the last one changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from clinx.domain.session import FactorKind, SecondFactor
from clinx.storage.codec import instant, micros
from clinx.storage.database import Database
from clinx.storage.program import Program, Row, execute, execute_many, fetch

_COLUMNS: Final = "id, user_id, kind, name, public_id, confirmed_at, created_at, used_at, secret, counter"


@dataclass(frozen=True, slots=True)
class StoredFactor:
    """A second factor with what proves it."""

    factor: SecondFactor
    secret: str = field(repr=False)
    """Sealed (totp), a public key in base64url (passkey), or a digest (backup)."""
    counter: int


@dataclass(frozen=True, slots=True)
class NewFactor:
    """A second factor before it has an id."""

    user_id: int
    kind: FactorKind
    name: str
    secret: str = field(repr=False)
    created_at: datetime
    public_id: str | None = None
    counter: int = 0
    confirmed_at: datetime | None = None


def insert(new: NewFactor) -> Program[SecondFactor]:
    """Write a second factor.

    Raises:
        StorageRefused: its public id is taken.
    """
    rows = yield from fetch(
        "INSERT INTO second_factor (user_id, kind, name, public_id, secret, counter, confirmed_at, created_at)"  # noqa: S608  (constant columns)
        f" VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {_COLUMNS}",
        new.user_id,
        new.kind.value,
        new.name,
        new.public_id,
        new.secret,
        new.counter,
        None if new.confirmed_at is None else micros(new.confirmed_at),
        micros(new.created_at),
    )
    return _stored(rows[0]).factor


def replace_backups(user_id: int, digests: Sequence[str], at: datetime) -> Program[None]:
    """Write a user's backup codes in the place of those of before."""
    yield from execute("DELETE FROM second_factor WHERE user_id = $1 AND kind = $2", user_id, FactorKind.BACKUP.value)
    yield from execute_many(
        "INSERT INTO second_factor (user_id, kind, name, secret, counter, confirmed_at, created_at)"
        " VALUES ($1, $2, '', $3, 0, $4, $4)",
        [(user_id, FactorKind.BACKUP.value, digest, micros(at)) for digest in digests],
    )


async def of_user(database: Database, user_id: int) -> list[StoredFactor]:
    """Return all second factors of a user, oldest first, also those that are not confirmed."""
    rows = await database.fetch(f"SELECT {_COLUMNS} FROM second_factor WHERE user_id = $1 ORDER BY id", user_id)  # noqa: S608  (constant columns)
    return [_stored(row) for row in rows]


async def find_passkey(database: Database, public_id: str) -> StoredFactor | None:
    """Return the passkey of that id."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM second_factor WHERE public_id = $1 AND kind = $2",  # noqa: S608  (constant columns)
        public_id,
        FactorKind.PASSKEY.value,
    )
    return _stored(rows[0]) if rows else None


def advance(factor_id: int, counter: int, at: datetime) -> Program[bool]:
    """Write that a factor proved something at a step or count, and is confirmed by that; False if it did before."""
    changed = yield from execute(
        "UPDATE second_factor SET counter = $2, used_at = $3, confirmed_at = COALESCE(confirmed_at, $3)"
        " WHERE id = $1 AND counter < $2",
        factor_id,
        counter,
        micros(at),
    )
    return changed == 1


def note_uncounted(factor_id: int, at: datetime) -> Program[bool]:
    """Write that a passkey that does not count its signatures was used; False if it did count once, or is gone."""
    changed = yield from execute(
        "UPDATE second_factor SET used_at = $2 WHERE id = $1 AND counter = 0", factor_id, micros(at)
    )
    return changed == 1


def use_backup(user_id: int, digest: str, at: datetime) -> Program[bool]:
    """Use a backup code up; False when the user has no such one, or it was used."""
    changed = yield from execute(
        "UPDATE second_factor SET used_at = $4 WHERE user_id = $1 AND kind = $2 AND secret = $3 AND used_at IS NULL",
        user_id,
        FactorKind.BACKUP.value,
        digest,
        micros(at),
    )
    return changed == 1


def count(user_id: int) -> Program[int]:
    """Return how many apps and passkeys a user has, confirmed or not."""
    sql = "SELECT COUNT(*) FROM second_factor WHERE user_id = $1 AND kind <> $2"
    rows = yield from fetch(sql, user_id, FactorKind.BACKUP.value)
    return rows[0][0]


def rename(user_id: int, factor_id: int, name: str) -> Program[SecondFactor | None]:
    """Give an app or a passkey of a user another name, and return it; None when it is not there, or not theirs."""
    rows = yield from fetch(
        "UPDATE second_factor SET name = $3 WHERE id = $1 AND user_id = $2 AND kind <> $4"  # noqa: S608  (constant columns)
        f" AND confirmed_at IS NOT NULL RETURNING {_COLUMNS}",
        factor_id,
        user_id,
        name,
        FactorKind.BACKUP.value,
    )
    return _stored(rows[0]).factor if rows else None


def remove(user_id: int, factor_id: int) -> Program[bool]:
    """Remove one factor of a user; say whether it was there and theirs."""
    changed = yield from execute("DELETE FROM second_factor WHERE id = $1 AND user_id = $2", factor_id, user_id)
    return changed == 1


def remove_unconfirmed(user_id: int, kind: FactorKind) -> Program[int]:
    """Remove what a user began to set up and did not confirm; return how many."""
    sql = "DELETE FROM second_factor WHERE user_id = $1 AND kind = $2 AND confirmed_at IS NULL"
    return (yield from execute(sql, user_id, kind.value))


def remove_all(user_id: int) -> Program[int]:
    """Remove all factors of a user; return how many there were."""
    return (yield from execute("DELETE FROM second_factor WHERE user_id = $1", user_id))


def _stored(row: Row) -> StoredFactor:
    id_, user_id, kind, name, public_id, confirmed_at, created_at, used_at, secret, counter = row
    factor = SecondFactor(
        id_,
        user_id,
        FactorKind(kind),
        name,
        public_id,
        None if confirmed_at is None else instant(confirmed_at),
        instant(created_at),
        None if used_at is None else instant(used_at),
    )
    return StoredFactor(factor, secret, counter)
