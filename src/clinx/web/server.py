"""The aiohttp server: fixed routes of operators, payment providers, key holders and the console, then the relay.

No middleware and no application between them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from clinx.web.connection import Connection, LimitedServer
from clinx.web.dispatch import Dispatcher
from clinx.web.ops import Ops
from clinx.web.payments import Callbacks
from clinx.web.usage import KeyRoutes

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def _nothing(method: str, path: str) -> Handle | None:
    del method, path
    return None


@dataclass(frozen=True, slots=True)
class Pages:
    """Further routes that stand before the relay's."""

    fixed: Mapping[tuple[str, str], Handle] = field(default_factory=dict[tuple[str, str], Handle])
    """By method and path."""
    whole: Mapping[str, Handle] = field(default_factory=dict[str, Handle])
    """By path: each answers every method."""
    find: Callable[[str, str], Handle | None] = _nothing
    """Knows the handlers of further methods and paths."""


NO_PAGES = Pages()


def build_server(
    dispatcher: Dispatcher,
    ops: Ops,
    keys: KeyRoutes,
    callbacks: Callbacks,
    pages: Pages = NO_PAGES,
    *,
    most_connections: int,
) -> LimitedServer:
    """Return the server. Must run on the event loop that will use it.

    aiohttp leaves handlers alone when a caller goes away, and so it should: a settlement must not be cut.
    """
    routes = ops.routes()
    # Some load balancers ask for the head alone.
    heads = {("HEAD", path): answer for (method, path), answer in routes.items() if method == "GET"}
    fixed: dict[tuple[str, str], Handle] = {**routes, **heads, **callbacks.routes(), **pages.fixed}
    whole: dict[str, Handle] = {**keys.routes(), **pages.whole}
    find = pages.find

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, Connection):
            request.protocol.served = True
        path = request.rel_url.raw_path
        known = fixed.get((request.method, path)) or whole.get(path) or find(request.method, path)
        return await (known or dispatcher.dispatch)(request)

    return LimitedServer(handle, most=most_connections, handler_cancellation=False)
