"""What the HTTP edge tells the console of a request, and does for it: addresses and cookies are the edge's business."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web


class Edge(Protocol):
    """The edge, as far as the console needs it."""

    def address(self, request: web.BaseRequest) -> str | None:
        """Return the caller's address."""
        ...

    def is_secure(self, request: web.BaseRequest) -> bool:
        """Say whether the browser came by https."""
        ...

    def session_of(self, request: web.BaseRequest) -> str | None:
        """Return the secret of the session that a cookie carries."""
        ...

    def set_session(self, response: web.StreamResponse, secret: str, *, secure: bool, seconds: int) -> None:
        """Give a browser its session; an empty secret takes it away."""
        ...
