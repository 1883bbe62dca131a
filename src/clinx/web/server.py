"""The aiohttp application: fixed operators' routes, then one catch-all for the relay."""

from __future__ import annotations

from aiohttp import web

from clinx.web.dispatch import Dispatcher
from clinx.web.ops import Ops


def build_application(dispatcher: Dispatcher, ops: Ops) -> web.Application:
    """Return the application. There is no middleware: the relay's road is one handler."""
    app = web.Application()
    ops.mount(app)
    app.router.add_route("*", "/{path:.*}", dispatcher.dispatch)
    return app
