"""The aiohttp server: operators' fixed routes, then the relay. No middleware and no application between them."""

from __future__ import annotations

from aiohttp import web

from clinx.web.dispatch import Dispatcher
from clinx.web.ops import Ops


def build_server(dispatcher: Dispatcher, ops: Ops) -> web.Server:
    """Return the server. Must run on the event loop that will use it.

    aiohttp leaves handlers alone when a caller goes away, and so it should: a settlement must not be cut.
    """
    fixed = ops.routes()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        operators = fixed.get((request.method, request.rel_url.raw_path))
        return await (operators or dispatcher.dispatch)(request)

    return web.Server(handle, access_log=None, handler_cancellation=False)
