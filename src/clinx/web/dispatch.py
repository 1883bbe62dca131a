"""Pin the current generation, find the endpoint in its routing table, call the handler.

The application mounts one catch-all route. What lies behind it is resolved in the *generation's* own frozen
`UrlDispatcher`, so a reload swaps the whole table between two requests and neither sees half of it.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.web_urldispatcher import MatchInfoError, UrlDispatcher

from clinx.config.current import Current, Generation, ResourceKey
from clinx.config.snapshot import Snapshot
from clinx.domain.catalog import Endpoint
from clinx.errors import GatewayError, MethodNotAllowed, NoSuchEndpoint
from clinx.web.cors import cors_headers, is_preflight, preflight
from clinx.web.handler import Handler

ROUTES: ResourceKey[UrlDispatcher] = ResourceKey("web.routes")


class _Mounted:
    """The handler object of one route: it only carries the endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        raise NotImplementedError(request.path)  # never called: the dispatcher reads the endpoint instead


async def build_routes(snapshot: Snapshot) -> UrlDispatcher:
    """Build and freeze the routing table of one snapshot: the preparer of `ROUTES`."""
    table = UrlDispatcher()
    for endpoint in snapshot.endpoints:
        table.add_route(endpoint.method, endpoint.path, _Mounted(endpoint).__call__)
    table.freeze()
    return table


class Dispatcher:
    """The one route handler of the application."""

    def __init__(self, current: Current, handler: Handler) -> None:
        """Hold the moving pointer; nobody behind this point sees it."""
        self._current = current
        self._handler = handler

    async def dispatch(self, request: web.Request) -> web.StreamResponse:
        """Answer one request on the generation that was current when it arrived."""
        generation = self._current.pin()
        try:
            cors = cors_headers(request, generation.snapshot.server)
            if is_preflight(request):
                return preflight(request, cors)
            return await self._answer(request, generation, cors)
        finally:
            generation.unpin()

    async def _answer(self, request: web.Request, generation: Generation, cors: dict[str, str]) -> web.StreamResponse:
        found = await generation.resource(ROUTES).resolve(request)
        mounted = getattr(found.handler, "__self__", None)
        if isinstance(mounted, _Mounted):
            return await self._handler.handle(request, generation.snapshot, mounted.endpoint, found, cors)
        return self._handler.refuse(request, _missing(request, found), cors)


def _missing(request: web.Request, found: object) -> GatewayError:
    refusal = found.http_exception if isinstance(found, MatchInfoError) else None
    if isinstance(refusal, web.HTTPMethodNotAllowed):
        allowed = frozenset(refusal.allowed_methods)
        return MethodNotAllowed(f"{request.method} is not allowed here.", allowed=allowed)
    return NoSuchEndpoint(f"Unknown path {request.path[:200]!r}.", hint="The base URL ends in /v1.")
