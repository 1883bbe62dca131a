"""Pages of users, for those who look after them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from clinx.domain.identity import Role, Status, User
from clinx.storage.conditions import Conditions
from clinx.storage.database import Database
from clinx.storage.users import COLUMNS, of_row

_LONGEST: Final = 254
_SPECIAL: Final = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


class UserOrder(StrEnum):
    """How users are listed."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"


_BY: Final = {
    UserOrder.NEWEST: ("id", "<", "DESC"),
    UserOrder.OLDEST: ("id", ">", "ASC"),
    UserOrder.NAME: ("name", ">", "ASC"),
}


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users are wanted: all that is given must hold."""

    search: str | None = None
    """How the name or the address begins, in either case."""
    role: Role | None = None
    status: Status | None = None
    group: str | None = None


async def page(
    database: Database, wanted: UserFilter, order: UserOrder, *, after: int | str | None, limit: int
) -> list[User]:
    """Return users in an order, after the one of an id or, by name, of a name.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    column, sign, direction = _BY[order]
    conditions = _conditions(wanted)
    if after is not None:
        conditions.add(f"{column} {sign} $?", after)
    most = conditions.place(limit)
    rows = await database.fetch(
        f'SELECT {COLUMNS} FROM "user" {conditions.where} ORDER BY {column} {direction} LIMIT {most}',  # noqa: S608  (constants)
        *conditions.values,
    )
    return [of_row(row) for row in rows]


async def count(database: Database, wanted: UserFilter, *, most: int) -> int:
    """Return how many users there are, counted up to ``most``."""
    conditions = _conditions(wanted)
    limit = conditions.place(most)
    rows = await database.fetch(
        f'SELECT COUNT(*) FROM (SELECT 1 FROM "user" {conditions.where} LIMIT {limit}) AS found',  # noqa: S608  (constants)
        *conditions.values,
    )
    return rows[0][0]


def prefix(text: str) -> str:
    """Return the pattern for what begins like a text, whatever is in it; its escape is the backslash."""
    shown = "".join(sign for sign in text.strip().lower()[:_LONGEST] if sign.isprintable())
    return f"{shown.translate(_SPECIAL)}%"


def _conditions(wanted: UserFilter) -> Conditions:
    conditions = Conditions()
    if wanted.search is not None:
        pattern = prefix(wanted.search)
        conditions.add("(LOWER(name) LIKE $? ESCAPE '\\' OR email LIKE $? ESCAPE '\\')", pattern, pattern)
    if wanted.role is not None:
        conditions.add("role = $?", wanted.role.value)
    if wanted.status is not None:
        conditions.add("status = $?", wanted.status.value)
    if wanted.group is not None:
        conditions.add('"group" = $?', "".join(sign for sign in wanted.group if sign.isprintable()))
    return conditions
