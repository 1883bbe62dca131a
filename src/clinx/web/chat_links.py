"""``/chat2link``: from a key to the configured chat client, which is told this gateway's address and the key."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import msgspec
from aiohttp import web

from clinx.accounts.authenticate import Authenticator
from clinx.config.snapshot import Snapshot
from clinx.domain.console import ChatLink
from clinx.errors import GatewayError, InvalidRequest, NoSuchEndpoint
from clinx.web.address import client_address

PATH: Final = "/chat2link"

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):")
_RUNS_HERE: Final = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "view-source"})
"""Schemes that would run in, or read from, the browser itself."""
_PRIVATE: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Server": "clinx",
}


@dataclass(frozen=True, slots=True)
class ChatLinks:
    """Sends people to chat clients. A key is shown once and stored as a digest, so the caller must bring it."""

    authenticator: Authenticator
    snapshot: Callable[[], Snapshot]

    def routes(self) -> Mapping[tuple[str, str], Callable[[web.BaseRequest], Awaitable[web.Response]]]:
        """Return the handlers by (method, path)."""
        return {("GET", PATH): self.go}

    async def go(self, request: web.BaseRequest) -> web.Response:
        """Redirect to the client of that name, or to the first; a key that is not good goes nowhere."""
        try:
            return web.Response(status=302, headers={**_PRIVATE, "Location": await self._location(request)})
        except GatewayError as error:
            text = " ".join(part for part in (error.message, error.hint) if part)
            body = msgspec.json.encode({"success": False, "message": text, "code": error.code})
            headers = {**_PRIVATE, "Content-Type": "application/json"}
            return web.Response(status=error.http_status, headers=headers, body=body)

    async def _location(self, request: web.BaseRequest) -> str:
        """Return where to go.

        Raises:
            InvalidRequest: no key was given.
            NoSuchEndpoint: there is no such client, or the tree does not say what address it would be told.
            GatewayError: as `Authenticator.authenticate`.
        """
        snapshot = self.snapshot()
        link = _chosen(snapshot.console.chat_links, request.query.get("name", ""))
        address = snapshot.console.address
        if link is None or address is None or not is_link(link.url):
            raise NoSuchEndpoint(
                "There is no such chat client.", hint="The operator declares console.chat_links and console.address."
            )
        key = request.query.get("key", "")
        if not key:
            raise InvalidRequest("No key was given.", hint=f"Open {PATH}?key=sk-… with a key of yours.", param="key")
        await self.authenticator.authenticate(key, client_address(request, snapshot.server.trusted_proxies), fresh=True)
        return filled(link.url, address, key)


def is_link(url: str) -> bool:
    """Whether a browser leaves for somewhere else by this link: its scheme is written out and is a known kind."""
    scheme = _SCHEME.match(url)
    return scheme is not None and scheme.group(1) not in _RUNS_HERE


def filled(url: str, address: str, key: str) -> str:
    """Write this gateway's address and a key into a link, each so that it stays one value of it."""
    values = {"{address}": quote(address, safe=""), "{key}": quote(key, safe="")}
    return re.sub(r"\{address\}|\{key\}", lambda place: values[place.group()], url)


def _chosen(links: tuple[ChatLink, ...], name: str) -> ChatLink | None:
    return next((link for link in links if not name or link.name == name), None)
