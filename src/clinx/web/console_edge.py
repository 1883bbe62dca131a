"""What the edge does for the console's API: it knows addresses, transports and cookies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from clinx.config.snapshot import Snapshot
from clinx.web import cookies
from clinx.web.address import client_address


@dataclass(frozen=True, slots=True)
class ConsoleEdge:
    """The edge, as the console needs it."""

    snapshot: Callable[[], Snapshot]
    """The tree that is served now."""

    def address(self, request: web.BaseRequest) -> str | None:
        """Return the caller's address, as far as proxies are trusted."""
        return client_address(request, self.snapshot().server.trusted_proxies)

    def is_secure(self, request: web.BaseRequest) -> bool:
        """Say whether the browser came by https."""
        snapshot = self.snapshot()
        return cookies.is_secure(request, snapshot.server.trusted_proxies, snapshot.console)

    def session_of(self, request: web.BaseRequest) -> str | None:
        """Return the secret of the session that a cookie carries."""
        return cookies.read(request, cookies.session_cookie(self.is_secure(request)))

    def set_session(self, response: web.StreamResponse, secret: str, *, secure: bool, seconds: int) -> None:
        """Give a browser its session; an empty secret takes it away."""
        name = cookies.session_cookie(secure)
        if secret:
            cookies.write(response, name, secret, timedelta(seconds=seconds))
        else:
            cookies.drop(response, name)
