"""The aiohttp server: operators' fixed routes, then the relay. No middleware and no application between them."""

from __future__ import annotations

from aiohttp import web

from clinx.web.connection import Connection, LimitedServer
from clinx.web.dispatch import Dispatcher
from clinx.web.ops import Ops


def build_server(dispatcher: Dispatcher, ops: Ops, *, most_connections: int) -> LimitedServer:
    """Return the server. Must run on the event loop that will use it.

    aiohttp leaves handlers alone when a caller goes away, and so it should: a settlement must not be cut.
    """
    routes = ops.routes()
    # Some load balancers ask for the head alone.
    heads = {("HEAD", path): answer for (method, path), answer in routes.items() if method == "GET"}
    fixed = {**routes, **heads}

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, Connection):
            request.protocol.served = True
        operators = fixed.get((request.method, request.rel_url.raw_path))
        return await (operators or dispatcher.dispatch)(request)

    return LimitedServer(handle, most=most_connections, handler_cancellation=False)
