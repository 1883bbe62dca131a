"""When and how users are told that little is left. The address of a webhook and its secret are kept sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from clinx.accounts.failures import NotFound, ProfileInvalid, WebhookInvalid
from clinx.accounts.sealing import Sealer
from clinx.domain.console import Webhook
from clinx.domain.identity import NotificationSettings, User
from clinx.domain.money import ZERO
from clinx.storage import notification_settings
from clinx.storage.announcements import Topic, announce
from clinx.storage.database import Database
from clinx.storage.program import Program

PURPOSE: Final = "webhook"
"""What webhooks are sealed for."""
_LONGEST_URL: Final = 2048
_LONGEST_SECRET: Final = 256


async def load(database: Database, user: User) -> NotificationSettings:
    """Return a user's settings.

    Raises:
        NotFound: the user is gone.
    """
    found = await notification_settings.load(database, user.id)
    if found is None:
        raise _gone(user)
    return found


async def save(database: Database, user: User, settings: NotificationSettings, *, at: datetime) -> None:
    """Write a user's settings as a whole.

    Raises:
        ProfileInvalid: the threshold is negative.
        NotFound: the user is gone.
    """
    if settings.low_balance_at is not None and settings.low_balance_at < ZERO:
        raise ProfileInvalid("a threshold is not negative", what="low_balance_at")
    if not await database.atomically(_saved(user, settings, at)):
        raise _gone(user)


def seal_webhook(sealer: Sealer, user: User, webhook: Webhook) -> str:
    """Return what is kept of a webhook. Where it may lead is for the caller to judge, who knows the tree.

    Raises:
        WebhookInvalid: not an ``https`` or ``http`` address, or too long.
    """
    try:
        split = urlsplit(webhook.url)
    except ValueError:
        split = urlsplit("")
    too_long = len(webhook.url) > _LONGEST_URL
    if split.scheme not in {"http", "https"} or not split.hostname or split.username is not None or too_long:
        raise WebhookInvalid("a webhook is an http address without a user", what="url", reason="address")
    if len(webhook.secret) > _LONGEST_SECRET:
        raise WebhookInvalid(f"a secret has at most {_LONGEST_SECRET} characters", what="secret", most=_LONGEST_SECRET)
    text = msgspec.json.encode({"url": webhook.url, "secret": webhook.secret}).decode()
    return sealer.seal(text, PURPOSE, user.id)


def open_webhook(sealer: Sealer, user_id: int, sealed: str) -> Webhook:
    """Return the webhook that was sealed for a user.

    Raises:
        Unsealable: the gateway's key is another one now.
    """
    return Webhook(**msgspec.json.decode(sealer.open(sealed, PURPOSE, user_id), type=dict[str, str]))


def _saved(user: User, settings: NotificationSettings, at: datetime) -> Program[bool]:
    saved = yield from notification_settings.save(user.id, settings)
    if saved:
        yield from announce(Topic.USER, str(user.id), at)
    return saved


def _gone(user: User) -> NotFound:
    return NotFound(f"there is no user {user.name!r} any more")
