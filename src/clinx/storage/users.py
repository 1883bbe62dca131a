"""Users: rows to values and back. Writes go through `accounts`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from clinx.domain.identity import Role, Status, User, user_account
from clinx.storage.codec import instant, micros
from clinx.storage.database import Database
from clinx.storage.models import UserRow
from clinx.storage.program import Program, execute, fetch


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user before it has an id."""

    name: str
    role: Role
    group: str
    created_at: datetime


def insert(user: NewUser) -> Program[User]:
    """Write a user and its empty account.

    Raises:
        StorageRefused: the name is taken.
    """
    rows = yield from fetch(
        'INSERT INTO "user" (name, role, status, "group", created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id',
        user.name,
        user.role.value,
        Status.ACTIVE.value,
        user.group,
        micros(user.created_at),
    )
    user_id: int = rows[0][0]
    yield from execute("INSERT INTO account (name, balance, held) VALUES ($1, 0, 0)", user_account(user_id))
    return User(user_id, user.name, user.role, Status.ACTIVE, user.group, user.created_at)


def update(user: User) -> Program[bool]:
    """Write a user's role, status and group; say whether it exists."""
    changed = yield from execute(
        'UPDATE "user" SET role = $2, status = $3, "group" = $4 WHERE id = $1',
        user.id,
        user.role.value,
        user.status.value,
        user.group,
    )
    return changed == 1


async def find(database: Database, name: str) -> User | None:
    """Return the user of that name."""
    with database.reading() as client:
        row = await UserRow.get_or_none(name=name, using_db=client)
    return None if row is None else to_user(row)


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


def to_user(row: UserRow) -> User:
    """Turn a row into the value; for this package."""
    return User(row.id, row.name, Role(row.role), Status(row.status), row.group, instant(row.created_at))
