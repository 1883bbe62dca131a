"""Pages of tokens, and when each was last used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from clinx.domain.identity import Status, Token
from clinx.storage import tokens
from clinx.storage.codec import instant
from clinx.storage.conditions import Conditions
from clinx.storage.database import Database
from clinx.storage.program import json_rows
from clinx.storage.user_lists import prefix


@dataclass(frozen=True, slots=True)
class TokenFilter:
    """Which tokens are wanted: all that is given must hold."""

    user_id: int | None = None
    status: Status | None = None
    search: str | None = None
    """How the name begins, in either case, or the whole hint."""


async def page(database: Database, wanted: TokenFilter, *, below: int | None, limit: int) -> list[Token]:
    """Return tokens, the latest issued first, of ids below that one.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    conditions = _conditions(wanted)
    if below is not None:
        conditions.add("id < $?", below)
    most = conditions.place(limit)
    rows = await database.fetch(
        f"SELECT id FROM token {conditions.where} ORDER BY id DESC LIMIT {most}",  # noqa: S608  (constants)
        *conditions.values,
    )
    found = await tokens.by_ids(database, [row[0] for row in rows])
    return [found[row[0]] for row in rows if row[0] in found]


async def count(database: Database, wanted: TokenFilter, *, most: int) -> int:
    """Return how many tokens there are, counted up to ``most``."""
    conditions = _conditions(wanted)
    limit = conditions.place(most)
    rows = await database.fetch(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM token {conditions.where} LIMIT {limit}) AS found",  # noqa: S608  (constants)
        *conditions.values,
    )
    return rows[0][0]


async def last_used(logs: Database, token_ids: Collection[int]) -> Mapping[int, datetime]:
    """Return when the latest call of each token that is still in the log ended; one look into an index for each."""
    if not token_ids:
        return {}
    rows = await logs.fetch(
        "SELECT CAST(value ->> 0 AS bigint),"
        " (SELECT MAX(at) FROM request_log WHERE token_id = CAST(value ->> 0 AS bigint))"
        " FROM json_array_elements($1)",
        json_rows((each,) for each in token_ids),
    )
    return {token_id: instant(at) for token_id, at in rows if at is not None}


def _conditions(wanted: TokenFilter) -> Conditions:
    conditions = Conditions()
    if wanted.user_id is not None:
        conditions.add("user_id = $?", wanted.user_id)
    if wanted.status is not None:
        conditions.add("status = $?", wanted.status.value)
    if wanted.search is not None:
        hint = "".join(sign for sign in wanted.search.strip() if sign.isprintable()).replace("...", "…")
        conditions.add("(LOWER(name) LIKE $? ESCAPE '\\' OR hint = $?)", prefix(wanted.search), hint)
    return conditions
