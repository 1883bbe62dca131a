"""The one page this gateway shows by itself: Telegram's sign-in button, which works only where its script runs."""

from __future__ import annotations

from html import escape
from typing import Final

from aiohttp import web

_PAGE: Final = """\
<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}</title>
<h1>{name}</h1>
<script async src="https://telegram.org/js/telegram-widget.js?22" data-telegram-login="{bot}" data-size="large" \
data-auth-url="{address}"></script>
</html>
"""
_POLICY: Final = (
    "default-src 'none'; script-src https://telegram.org; frame-src https://oauth.telegram.org; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The button's frame must learn which site it is on, and no more.
    "Referrer-Policy": "strict-origin",
    "Cache-Control": "no-store",
    "Server": "clinx",
}


def page(*, name: str, language: str, bot: str, address: str) -> web.Response:
    """Return the page; whoever presses its button is sent to the address with what Telegram says of them."""
    shown = {"name": name, "language": language, "bot": bot, "address": address}
    body = _PAGE.format(**{key: escape(value) for key, value in shown.items()})
    return web.Response(headers=_HEADERS, body=body.encode())
