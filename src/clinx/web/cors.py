"""Cross-origin requests: browsers' own clients of the relay, from the origins the tree allows."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from clinx.config.snapshot import Server

_OURS = {"Server": "clinx"}
_EXPOSED = "x-request-id, clinx-request-id, clinx-max-tokens, clinx-losses, retry-after"


def cors_headers(request: web.BaseRequest, server: Server) -> dict[str, str]:
    """Return the headers that let the page's script read the answer; empty for everyone else."""
    origin = request.headers.get("Origin")
    if origin is None or not ("*" in server.cors or origin in server.cors):
        return {}
    # The origin itself, never a star with credentials: keys travel in headers, cookies are never accepted.
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED, "Vary": "Origin"}


def is_preflight(request: web.BaseRequest) -> bool:
    """Whether a browser asks for permission before the real request."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def preflight(request: web.BaseRequest, headers: Mapping[str, str]) -> web.Response:
    """Answer the question; without ``headers`` the answer is a refusal the browser understands."""
    if not headers:
        return web.Response(status=403, headers=_OURS)
    allowed = {
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "*"),
        "Access-Control-Max-Age": "600",
    }
    return web.Response(status=204, headers={**_OURS, **headers, **allowed})
