"""Telegram: what its login widget says of somebody, under a hash keyed with the bot's token."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from clinx.accounts.oauth.refusals import IssuerRefused
from clinx.accounts.oauth.trip import Found, name_of
from clinx.domain.console import TelegramBot

PROVIDER: Final = "telegram"
FRESH: Final = timedelta(minutes=5)
"""How long the widget's word counts, and how far clocks may differ."""
_SIGNED: Final = ("auth_date", "first_name", "id", "last_name", "photo_url", "username")
"""Fields that the widget sends. What else stands in the address is ours and not part of the hash."""
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,18}")


def read(bot: TelegramBot, params: Mapping[str, str], now: datetime) -> Found:
    """Return who the widget says has come.

    The word is good for `FRESH`, and whoever takes it must see to it that it is taken once.

    Raises:
        AccountError: the hash is not the bot's, or of another time.
    """
    text = "\n".join(f"{name}={params[name]}" for name in _SIGNED if name in params)
    given = params.get("hash", "").encode("utf-8", "replace")
    is_signed = bool(bot.token) and hmac.compare_digest(given, sign(bot.token, text).encode())
    known, at = _NUMBER.fullmatch(params.get("id", "")), _NUMBER.fullmatch(params.get("auth_date", ""))
    if not is_signed or known is None or at is None:
        raise IssuerRefused
    if abs(int(now.timestamp()) - int(at.group())) > FRESH.total_seconds():
        raise IssuerRefused
    first, last = params.get("first_name", ""), params.get("last_name", "")
    return Found(PROVIDER, known.group(), name=name_of(params.get("username"), f"{first} {last}"))


def sign(token: str, text: str) -> str:
    """Return the hash of the lines ``name=value``, as the widget makes it."""
    key = hashlib.sha256(token.encode()).digest()
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
