"""Users whose settled balance is below what they want to be told of, and who have not been told.

A note in the table of notices says that a user was told. It goes when the balance is no longer low, and is not young
any more; so one crossing is one notice, and a balance that swings around the threshold is not one a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from clinx.domain.console import Language
from clinx.domain.identity import Status, user_account
from clinx.domain.money import Amount
from clinx.storage import notices
from clinx.storage.codec import micros
from clinx.storage.program import Program, Row, execute, fetch, json_rows

KIND: Final = "low_balance"
"""Of the notes."""

_LOW: Final = (
    "FROM \"user\" u JOIN account a ON a.name = 'user:' || u.id"
    " WHERE u.low_balance_at IS NOT NULL AND a.balance < u.low_balance_at"
)


@dataclass(frozen=True, slots=True)
class LowBalance:
    """A user to be told."""

    user_id: int
    name: str
    """What to call them."""
    email: str | None
    """Where to write; None unless it is verified, wanted and possible."""
    language: Language | None
    balance: Amount
    threshold: Amount
    sealed_webhook: str | None = field(repr=False)

    @property
    def receiver(self) -> str:
        """Of the note."""
        return user_account(self.user_id)


def untold(limit: int, *, by_email: bool = True) -> Program[list[LowBalance]]:
    """Return users who are to be told, by id. Who has nothing to be told by is not among them.

    Args:
        limit: how many, at most.
        by_email: whether e-mails are sent at all.
    """
    rows = yield from fetch(
        "SELECT u.id, u.name, u.display_name, u.email, u.email_verified_at, u.language, u.notify_email,"  # noqa: S608  (a constant condition)
        f" u.notify_webhook, a.balance, u.low_balance_at {_LOW} AND u.status = $1"
        " AND (u.notify_webhook IS NOT NULL"
        " OR (CAST($4 AS boolean) AND u.notify_email AND u.email IS NOT NULL AND u.email_verified_at IS NOT NULL))"
        " AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.receiver = a.name AND n.kind = $2 AND n.subject = '')"
        " ORDER BY u.id LIMIT $3",
        Status.ACTIVE.value,
        KIND,
        limit,
        by_email,
    )
    return [_low(row, by_email=by_email) for row in rows]


def claim(found: Sequence[LowBalance], now: datetime) -> Program[list[LowBalance]]:
    """Return those of them that it is for the caller to tell, and take note that they are told."""
    claimed: list[LowBalance] = []
    for each in found:  # No comprehension: those may not yield.
        if (yield from notices.claim(each.receiver, KIND, "", None, now)):
            claimed.append(each)  # noqa: PERF401
    return claimed


def recovered(every: timedelta, now: datetime, limit: int) -> Program[list[int]]:
    """Return notes of users whose balance is not low any more, unless they were told within ``every``."""
    rows = yield from fetch(
        "SELECT n.id FROM notice n WHERE n.kind = $1 AND n.at <= $2"  # noqa: S608  (a constant condition)
        f" AND NOT EXISTS (SELECT 1 {_LOW} AND a.name = n.receiver"
        " AND u.id = CAST(substr(n.receiver, 6) AS bigint)) ORDER BY n.id LIMIT $3",
        KIND,
        micros(now - every),
        limit,
    )
    return [row[0] for row in rows]


def forget(notes: Sequence[int]) -> Program[int]:
    """Forget that users were told; return how many were."""
    return (
        yield from execute(
            "DELETE FROM notice WHERE id IN (SELECT CAST(value ->> 0 AS bigint) FROM json_array_elements($1))",
            json_rows((note,) for note in notes),
        )
    )


def _low(row: Row, *, by_email: bool) -> LowBalance:
    id_, name, display_name, email, verified_at, language, is_wanted, sealed_webhook, balance, threshold = row
    return LowBalance(
        user_id=id_,
        name=display_name or name,
        email=email if by_email and is_wanted and verified_at is not None else None,
        language=None if language is None else Language(language),
        balance=Amount(balance),
        threshold=Amount(threshold),
        sealed_webhook=sealed_webhook,
    )
