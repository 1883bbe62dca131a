"""One-time secrets: rows to values and back. Writes go through `accounts`; a secret itself is never stored.

Each is used once because the statement that marks it as used is also the one that asks whether it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from clinx.domain.session import Challenge
from clinx.storage.codec import decode_json, encode_json, instant, micros
from clinx.storage.program import Program, Row, execute, fetch

MOST: Final = 10
"""Challenges of one kind that a user has open: what is begun after those lets the oldest lapse."""

_COLUMNS: Final = "id, kind, user_id, subject, data, tries, created_at, expires_at"


@dataclass(frozen=True, slots=True)
class NewChallenge:
    """A one-time secret before it has an id."""

    kind: str
    user_id: int | None
    subject: str
    data: Mapping[str, str] = field(repr=False)
    created_at: datetime
    expires_at: datetime


def insert(challenge: NewChallenge, digest: str, code: str | None = None) -> Program[Challenge]:
    """Write a challenge. One with a code takes the place of those of its kind and subject that have one, too.

    Of one kind, a user has the latest `MOST`: whoever begins things again and again fills no table.

    Raises:
        StorageRefused: the digest is taken, or the subject is too long.
    """
    if code is not None:
        yield from execute(
            "DELETE FROM challenge WHERE kind = $1 AND subject = $2 AND code IS NOT NULL",
            challenge.kind,
            challenge.subject,
        )
    rows = yield from fetch(
        "INSERT INTO challenge (kind, digest, code, user_id, subject, data, created_at, expires_at)"  # noqa: S608  (constant columns)
        f" VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {_COLUMNS}",
        challenge.kind,
        digest,
        code,
        challenge.user_id,
        challenge.subject,
        encode_json(dict(challenge.data)),
        micros(challenge.created_at),
        micros(challenge.expires_at),
    )
    if challenge.user_id is not None:
        yield from execute(
            "DELETE FROM challenge WHERE user_id = $1 AND kind = $2 AND id NOT IN"
            " (SELECT id FROM challenge WHERE user_id = $1 AND kind = $2 ORDER BY id DESC LIMIT $3)",
            challenge.user_id,
            challenge.kind,
            MOST,
        )
    return _challenge(rows[0])


def claim(kind: str, digest: str, at: datetime) -> Program[Challenge | None]:
    """Mark the open challenge with that digest as used and return it; of many who try, one gets it."""
    rows = yield from fetch(
        "UPDATE challenge SET used_at = $3 WHERE kind = $1 AND digest = $2 AND used_at IS NULL AND expires_at > $3"  # noqa: S608  (constant columns)
        f" RETURNING {_COLUMNS}",
        kind,
        digest,
        micros(at),
    )
    return _challenge(rows[0]) if rows else None


def try_secret(kind: str, digest: str, at: datetime, most: int) -> Program[Challenge | None]:
    """Count a try at what the open challenge with that digest asks for and return it; None when too many were made."""
    rows = yield from fetch(
        "UPDATE challenge SET tries = tries + 1"  # noqa: S608  (constant columns)
        " WHERE kind = $1 AND digest = $2 AND used_at IS NULL AND expires_at > $3 AND tries < $4"
        f" RETURNING {_COLUMNS}",
        kind,
        digest,
        micros(at),
        most,
    )
    return _challenge(rows[0]) if rows else None


def try_code(kind: str, subject: str, code: str, at: datetime, most: int) -> Program[Challenge | None]:
    """Count a try at the code of the open challenge about a subject; return it, used, if it was the right one."""
    rows = yield from fetch(
        "UPDATE challenge SET tries = tries + 1 WHERE kind = $1 AND subject = $2 AND code IS NOT NULL"
        " AND used_at IS NULL AND expires_at > $3 AND tries < $4 RETURNING id",
        kind,
        subject,
        micros(at),
        most,
    )
    if not rows:
        return None
    found = yield from fetch(
        f"UPDATE challenge SET used_at = $3 WHERE id = $1 AND code = $2 AND used_at IS NULL RETURNING {_COLUMNS}",  # noqa: S608  (constant columns)
        rows[0][0],
        code,
        micros(at),
    )
    return _challenge(found[0]) if found else None


def drop_all(user_id: int) -> Program[int]:
    """Remove all that is open for a user, whatever it is for; return how much.

    Who a user is, or who may speak for them, has just changed: nothing that somebody began before may be finished.
    """
    return (yield from execute("DELETE FROM challenge WHERE user_id = $1 AND used_at IS NULL", user_id))


def prune(at: datetime) -> Program[int]:
    """Remove challenges whose time is over; return how many."""
    return (yield from execute("DELETE FROM challenge WHERE expires_at <= $1", micros(at)))


def _challenge(row: Row) -> Challenge:
    id_, kind, user_id, subject, data, tries, created_at, expires_at = row
    return Challenge(id_, kind, user_id, subject, decode_json(data), tries, instant(created_at), instant(expires_at))
