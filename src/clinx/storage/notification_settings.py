"""When and how users are told that little is left: columns of their row. Writes go through `accounts`."""

from __future__ import annotations

from clinx.domain.identity import NotificationSettings
from clinx.domain.money import Amount
from clinx.storage.database import Database
from clinx.storage.program import Program, execute


async def load(database: Database, user_id: int) -> NotificationSettings | None:
    """Return a user's settings; None when there is no such user."""
    rows = await database.fetch(
        'SELECT low_balance_at, notify_email, notify_webhook FROM "user" WHERE id = $1', user_id
    )
    if not rows:
        return None
    low_balance_at, by_email, webhook = rows[0]
    return NotificationSettings(None if low_balance_at is None else Amount(low_balance_at), bool(by_email), webhook)


def save(user_id: int, settings: NotificationSettings) -> Program[bool]:
    """Write a user's settings; say whether the user exists."""
    changed = yield from execute(
        'UPDATE "user" SET low_balance_at = $2, notify_email = $3, notify_webhook = $4, version = version + 1'
        " WHERE id = $1",
        user_id,
        None if settings.low_balance_at is None else settings.low_balance_at.nano,
        settings.by_email,
        settings.sealed_webhook,
    )
    return changed == 1
