"""Pin the current generation, find the endpoint in its routing table, call the handler.

Endpoints are resolved in the *generation's* own frozen table, so a reload swaps all of it between two requests and
neither sees half of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from aiohttp import web
from aiohttp.web_urldispatcher import MatchInfoError, UrlDispatcher

from clinx.config.current import Current, Generation, ResourceKey
from clinx.config.snapshot import Snapshot
from clinx.dialects.credentials import find_credential
from clinx.domain.catalog import Endpoint
from clinx.errors import GatewayError, MethodNotAllowed, NoSuchEndpoint
from clinx.web.cors import cors_headers, is_preflight, preflight
from clinx.web.handler import Handler

GroupOf = Callable[[str], Awaitable[str | None]]
"""The group of whoever presents a key; None when nobody does that is known."""


async def _of_none(_: str) -> None:
    """Know nobody."""


class _Mounted:
    """The handler object of one route: it only carries the endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        raise NotImplementedError(request.path)  # never called: the dispatcher reads the endpoint instead


@dataclass(frozen=True, slots=True)
class Routes:
    """The routing table of one snapshot: aiohttp's own, and a shortcut for the paths that have no parameters."""

    table: UrlDispatcher
    fixed: Mapping[tuple[str, str], Endpoint] = field(default_factory=dict[tuple[str, str], Endpoint])
    """By (method, path as it was written): whatever is spelled otherwise takes the long way."""


ROUTES: ResourceKey[Routes] = ResourceKey("web.routes")


async def build_routes(snapshot: Snapshot) -> Routes:
    """Build and freeze the routing table of one snapshot: the preparer of `ROUTES`."""
    table = UrlDispatcher()
    for endpoint in snapshot.endpoints:
        table.add_route(endpoint.method, endpoint.path, _Mounted(endpoint).__call__)
    table.freeze()
    return Routes(table, {(each.method, each.path): each for each in snapshot.endpoints if "{" not in each.path})


class Dispatcher:
    """Takes every request that is not for the operators."""

    def __init__(self, current: Current, handler: Handler, group_of: GroupOf = _of_none) -> None:
        """Hold the moving pointer; nobody behind this point sees it. ``group_of`` knows callers by their keys."""
        self._current = current
        self._handler = handler
        self._group_of = group_of

    async def dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request on the generation that was current, for its caller, when it arrived."""
        current = self._current
        generation = current.pin() if current.trial is None else (await self._chosen(request)).pin()
        try:
            cors = cors_headers(request, generation.snapshot.server)
            if is_preflight(request):
                return preflight(request, cors)
            return await self._answer(request, generation, cors)
        finally:
            generation.unpin()

    async def _chosen(self, request: web.BaseRequest) -> Generation:
        return await self._current.choose(find_credential(request.headers, request.query), self._group_of)

    async def _answer(
        self, request: web.BaseRequest, generation: Generation, cors: dict[str, str]
    ) -> web.StreamResponse:
        routes = generation.resource(ROUTES)
        endpoint = routes.fixed.get((request.method, request.rel_url.raw_path))
        if endpoint is not None:
            return await self._handler.handle(request, generation.snapshot, endpoint, {}, cors)
        # The table reads the method and the path, which every request has.
        found = await routes.table.resolve(cast("web.Request", request))
        mounted = getattr(found.handler, "__self__", None)
        if isinstance(mounted, _Mounted):
            return await self._handler.handle(request, generation.snapshot, mounted.endpoint, found, cors)
        return self._handler.refuse(request, _missing(request, found), cors)


def _missing(request: web.BaseRequest, found: object) -> GatewayError:
    refusal = found.http_exception if isinstance(found, MatchInfoError) else None
    if isinstance(refusal, web.HTTPMethodNotAllowed):
        allowed = frozenset(refusal.allowed_methods)
        return MethodNotAllowed(f"{request.method} is not allowed here.", allowed=allowed)
    return NoSuchEndpoint(
        f"Unknown path {request.path[:200]!r}.",
        hint="Chat completions, responses, messages, embeddings and models are under /v1, Gemini's under /v1beta.",
    )
