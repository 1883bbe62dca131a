"""Tokens: rows to values and back. Writes go through `accounts`, spending through `billing`."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from clinx.domain.identity import Status, Token, User
from clinx.domain.money import Amount
from clinx.storage.codec import encode_json, instant, micros
from clinx.storage.database import Database
from clinx.storage.models import TokenRow
from clinx.storage.program import Program, execute, fetch
from clinx.storage.users import to_user


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token, its owner, and the digest that finds it."""

    token: Token
    user: User
    digest: str


def insert(token: Token, digest: str) -> Program[Token]:
    """Write a token (its ``id`` is ignored) and return it with its id.

    Raises:
        StorageRefused: no such user, or the digest is taken.
    """
    assert token.created_at is not None, "a token is issued at some instant"  # noqa: S101  (a defect, not input)
    rows = yield from fetch(
        "INSERT INTO token (user_id, name, digest, hint, status, expires_at, models, "
        '"group", networks, budget, spent, held, tags, created_at)'
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, $11, $12) RETURNING id",
        token.user_id,
        token.name,
        digest,
        token.hint,
        token.status.value,
        None if token.expires_at is None else micros(token.expires_at),
        encode_json(sorted(token.models)),
        token.group,
        encode_json([str(network) for network in token.networks]),
        None if token.budget is None else token.budget.nano,
        encode_json(dict(token.tags)),
        micros(token.created_at),
    )
    return replace(token, id=rows[0][0])


def update(token: Token, *, expected: int | None = None) -> Program[int | None]:
    """Write what an owner may change (not the digest, not what was spent); return its new version.

    None: there is no such token, or it is not of the expected version any more.
    """
    rows = yield from fetch(
        'UPDATE token SET name = $2, status = $3, expires_at = $4, models = $5, "group" = $6, networks = $7,'
        " budget = $8, tags = $9, stopped = $10, version = version + 1"
        " WHERE id = $1 AND version = COALESCE($11, version) RETURNING version",
        token.id,
        token.name,
        token.status.value,
        None if token.expires_at is None else micros(token.expires_at),
        encode_json(sorted(token.models)),
        token.group,
        encode_json([str(network) for network in token.networks]),
        None if token.budget is None else token.budget.nano,
        encode_json(dict(token.tags)),
        token.stopped,
        expected,
    )
    return rows[0][0] if rows else None


def rotate(token_id: int, digest: str, hint: str) -> Program[int | None]:
    """Write another digest and hint; return the token's new version, or None when there is no such token.

    Raises:
        StorageRefused: the digest is taken.
    """
    rows = yield from fetch(
        "UPDATE token SET digest = $2, hint = $3, version = version + 1 WHERE id = $1 RETURNING version",
        token_id,
        digest,
        hint,
    )
    return rows[0][0] if rows else None


def delete(token_id: int) -> Program[bool]:
    """Remove a token; its history stays. Say whether it existed."""
    changed = yield from execute("DELETE FROM token WHERE id = $1", token_id)
    return changed == 1


async def find(database: Database, digest: str) -> StoredToken | None:
    """Return the token with that digest, with its owner; soon or not at all, for a request waits for it.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    with database.reading(hasty=True) as client:
        row = await TokenRow.get_or_none(digest=digest, using_db=client).select_related("user")
    return None if row is None else _stored(row)


async def get(database: Database, token_id: int) -> StoredToken | None:
    """Return the token of that id, with its owner."""
    with database.reading() as client:
        row = await TokenRow.get_or_none(id=token_id, using_db=client).select_related("user")
    return None if row is None else _stored(row)


async def find_by_hint(database: Database, hint: str) -> list[StoredToken]:
    """Return the tokens with that hint: usually one."""
    with database.reading() as client:
        rows = await TokenRow.filter(hint=hint).using_db(client).select_related("user").order_by("id")
    return [_stored(row) for row in rows]


async def of_user(database: Database, user_id: int) -> list[Token]:
    """Return a user's tokens, oldest first."""
    with database.reading() as client:
        rows = await TokenRow.filter(user_id=user_id).using_db(client).order_by("id")
    return [_token(row) for row in rows]


async def by_ids(database: Database, ids: Collection[int]) -> Mapping[int, Token]:
    """Return tokens by id; those that were deleted are absent."""
    if not ids:
        return {}
    with database.reading() as client:
        rows = await TokenRow.filter(id__in=list(ids)).using_db(client)
    return {row.id: _token(row) for row in rows}


async def after(database: Database, token_id: int, limit: int) -> list[StoredToken]:
    """Return tokens with larger ids, in their order: a page of all there are."""
    with database.reading() as client:
        query = TokenRow.filter(id__gt=token_id).using_db(client).select_related("user")
        rows = await query.order_by("id").limit(limit)
    return [_stored(row) for row in rows]


def _stored(row: TokenRow) -> StoredToken:
    return StoredToken(_token(row), to_user(row.user), row.digest)


def _token(row: TokenRow) -> Token:
    return Token(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        hint=row.hint,
        status=Status(row.status),
        expires_at=None if row.expires_at is None else instant(row.expires_at),
        models=frozenset(row.models),
        group=row.group,
        networks=tuple(ipaddress.ip_network(network) for network in row.networks),
        budget=None if row.budget is None else Amount(row.budget),
        spent=Amount(row.spent),
        tags=dict(row.tags),
        created_at=instant(row.created_at),
        version=row.version,
        stopped=bool(row.stopped),
    )
