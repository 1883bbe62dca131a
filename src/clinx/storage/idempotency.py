"""What requests with a key of their own came to. Writes go through `accounts`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from clinx.storage.codec import instant, micros
from clinx.storage.program import Program, execute, fetch


@dataclass(frozen=True, slots=True)
class Remembered:
    """A key that was used before."""

    operation: str
    digest: str
    """Of the input."""
    result: str | None = field(repr=False)
    """None while it is being worked on."""
    at: datetime


def begin(user_id: int, key: str, operation: str, digest: str, at: datetime) -> Program[Remembered | None]:
    """Take a key for an operation; of many who try, one gets None and works, the others what is known of it.

    Raises:
        StorageRefused: the key or the operation is too long.
    """
    taken = yield from execute(
        "INSERT INTO idempotency (user_id, key, operation, digest, at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (user_id, key) DO NOTHING",
        user_id,
        key,
        operation,
        digest,
        micros(at),
    )
    if taken:
        return None
    rows = yield from fetch(
        "SELECT operation, digest, result, at FROM idempotency WHERE user_id = $1 AND key = $2 FOR UPDATE",
        user_id,
        key,
    )
    if not rows:  # Given up between the two statements: whoever asks again gets it.
        return Remembered(operation, digest, None, at)
    was_for, digest_then, result, began_at = rows[0]
    return Remembered(was_for, digest_then, result, instant(began_at))


def take_over(user_id: int, key: str, before: datetime, at: datetime) -> Program[bool]:
    """Take a key whose work was begun before an instant and never finished; say whether it was to be had."""
    changed = yield from execute(
        "UPDATE idempotency SET at = $4 WHERE user_id = $1 AND key = $2 AND result IS NULL AND at <= $3",
        user_id,
        key,
        micros(before),
        micros(at),
    )
    return changed == 1


def finish(user_id: int, key: str, result: str) -> Program[None]:
    """Write what a key's work came to."""
    yield from execute(
        "UPDATE idempotency SET result = $3 WHERE user_id = $1 AND key = $2 AND result IS NULL", user_id, key, result
    )


def give_up(user_id: int, key: str) -> Program[None]:
    """Forget a key whose work changed nothing."""
    yield from execute("DELETE FROM idempotency WHERE user_id = $1 AND key = $2 AND result IS NULL", user_id, key)


def prune(before: datetime) -> Program[int]:
    """Forget keys that were used before an instant; return how many."""
    return (yield from execute("DELETE FROM idempotency WHERE at < $1", micros(before)))
