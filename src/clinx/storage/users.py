"""Users: rows to values and back. Writes go through `accounts`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clinx.domain.console import Language
from clinx.domain.identity import Role, Status, User, user_account
from clinx.storage.codec import instant, micros
from clinx.storage.database import Database
from clinx.storage.models import UserRow
from clinx.storage.program import Program, Row, execute, fetch

COLUMNS: Final = (
    'id, name, role, status, "group", created_at, display_name, email, email_verified_at, language, epoch, version'
)
"""What `of_row` reads, in its order; for this package."""
LONGEST_NAME: Final = 64
WIDTH: Final = COLUMNS.count(",") + 1


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user before it has an id."""

    name: str
    role: Role
    group: str
    created_at: datetime
    display_name: str = ""
    email: str | None = None
    email_verified_at: datetime | None = None
    language: Language | None = None


def insert(user: NewUser) -> Program[User]:
    """Write a user and its empty account.

    Raises:
        StorageRefused: the name is taken, or the verified address is somebody else's.
    """
    rows = yield from fetch(
        'INSERT INTO "user" (name, role, status, "group", created_at, display_name, email, email_verified_at, language)'
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
        user.name,
        user.role.value,
        Status.ACTIVE.value,
        user.group,
        micros(user.created_at),
        user.display_name,
        user.email,
        None if user.email_verified_at is None else micros(user.email_verified_at),
        None if user.language is None else user.language.value,
    )
    user_id: int = rows[0][0]
    yield from execute("INSERT INTO account (name, balance, held) VALUES ($1, 0, 0)", user_account(user_id))
    return User(
        user_id,
        user.name,
        user.role,
        Status.ACTIVE,
        user.group,
        user.created_at,
        user.display_name,
        user.email,
        user.email_verified_at,
        user.language,
    )


def update(user: User, *, expected: int | None = None) -> Program[User | None]:
    """Write a user's role, status, group, display name and language; return it as it is now.

    Another role or status ends the user's sessions. None: no such user, or not of the expected version any more.
    """
    rows = yield from fetch(
        'UPDATE "user" SET epoch = CASE WHEN role <> $2 OR status <> $3 THEN epoch + 1 ELSE epoch END,'  # noqa: S608  (constant columns)
        ' role = $2, status = $3, "group" = $4, display_name = $5, language = $6, version = version + 1'
        f" WHERE id = $1 AND version = COALESCE($7, version) RETURNING {COLUMNS}",
        user.id,
        user.role.value,
        user.status.value,
        user.group,
        user.display_name,
        None if user.language is None else user.language.value,
        expected,
    )
    return of_row(rows[0]) if rows else None


def set_email(user_id: int, email: str | None, verified_at: datetime | None) -> Program[User | None]:
    """Write a user's address, in lower case, and when it was verified; return the user as it is now.

    Raises:
        StorageRefused: somebody else has verified that address.
    """
    rows = yield from fetch(
        'UPDATE "user" SET email = $2, email_verified_at = $3, version = version + 1'  # noqa: S608  (constant columns)
        f" WHERE id = $1 RETURNING {COLUMNS}",
        user_id,
        email,
        None if verified_at is None else micros(verified_at),
    )
    return of_row(rows[0]) if rows else None


def raise_epoch(user_id: int) -> Program[User | None]:
    """End all sessions of a user; return the user as it is now."""
    rows = yield from fetch(
        f'UPDATE "user" SET epoch = epoch + 1, version = version + 1 WHERE id = $1 RETURNING {COLUMNS}',  # noqa: S608  (constant columns)
        user_id,
    )
    return of_row(rows[0]) if rows else None


async def find(database: Database, name: str) -> User | None:
    """Return the user of that name; what is too long for a name is nobody's."""
    if len(name) > LONGEST_NAME:
        return None
    with database.reading() as client:
        row = await UserRow.get_or_none(name=name, using_db=client)
    return None if row is None else to_user(row)


async def find_by_email(database: Database, email: str) -> User | None:
    """Return the user who has verified an address; it is given in lower case."""
    rows = await database.fetch(
        f'SELECT {COLUMNS} FROM "user" WHERE email = $1 AND email_verified_at IS NOT NULL',  # noqa: S608  (constant columns)
        email,
    )
    return of_row(rows[0]) if rows else None


async def get(database: Database, user_id: int) -> User | None:
    """Return the user of that id."""
    with database.reading() as client:
        row = await UserRow.get_or_none(id=user_id, using_db=client)
    return None if row is None else to_user(row)


async def everyone(database: Database) -> list[User]:
    """Return all users, by name."""
    with database.reading() as client:
        rows = await UserRow.all(using_db=client).order_by("name")
    return [to_user(row) for row in rows]


async def has_root(database: Database) -> bool:
    """Say whether there is a user of the highest role."""
    return bool(await database.fetch('SELECT 1 FROM "user" WHERE role = $1 LIMIT 1', Role.ROOT.value))


def to_user(row: UserRow) -> User:
    """Turn tortoise's row into the value; for this package."""
    return of_row(
        (
            *(row.id, row.name, row.role, row.status, row.group, row.created_at),
            *(row.display_name, row.email, row.email_verified_at, row.language, row.epoch, row.version),
        )
    )


def of_row(row: Row) -> User:
    """Turn the columns of `COLUMNS` into the value; for this package."""
    id_, name, role, status, group, created_at, display_name, email, verified_at, language, epoch, version = row
    return User(
        id_,
        name,
        Role(role),
        Status(status),
        group,
        instant(created_at),
        display_name,
        email,
        None if verified_at is None else instant(verified_at),
        None if language is None else Language(language),
        epoch,
        version,
    )
