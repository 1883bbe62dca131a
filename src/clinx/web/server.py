"""The aiohttp server: fixed routes of operators, payment providers and key holders, then the relay.

No middleware and no application between them.
"""

from __future__ import annotations

from aiohttp import web

from clinx.web.connection import Connection, LimitedServer
from clinx.web.dispatch import Dispatcher
from clinx.web.ops import Ops
from clinx.web.payments import Callbacks
from clinx.web.usage import KeyRoutes


def build_server(
    dispatcher: Dispatcher, ops: Ops, keys: KeyRoutes, callbacks: Callbacks, *, most_connections: int
) -> LimitedServer:
    """Return the server. Must run on the event loop that will use it.

    aiohttp leaves handlers alone when a caller goes away, and so it should: a settlement must not be cut.
    """
    routes = ops.routes()
    # Some load balancers ask for the head alone.
    heads = {("HEAD", path): answer for (method, path), answer in routes.items() if method == "GET"}
    fixed = {**routes, **heads, **callbacks.routes()}
    of_keys = keys.routes()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, Connection):
            request.protocol.served = True
        path = request.rel_url.raw_path
        known = fixed.get((request.method, path)) or of_keys.get(path)
        return await (known or dispatcher.dispatch)(request)

    return LimitedServer(handle, most=most_connections, handler_cancellation=False)
