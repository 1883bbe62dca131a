"""Which pages may use the console with a browser's session: those of the tree, and those of this address."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from clinx.domain.console import Console


def origin_of(url: str) -> str:
    """Return the origin of an address: scheme, host and port."""
    split = urlsplit(url)
    return f"{split.scheme}://{split.netloc}".lower()


def is_allowed(origin: str, request: web.BaseRequest, console: Console, *, secure: bool) -> bool:
    """Say whether a page of this origin may act for whoever is signed in."""
    given = origin.lower()
    if given == f"{'https' if secure else 'http'}://{request.host}".lower():
        return True
    named = [url for url in (console.url, console.address) if url is not None]
    return given in {origin_of(url) for url in (*named, *console.origins)}


def is_foreign(request: web.BaseRequest, console: Console, *, secure: bool) -> bool:
    """Say whether a browser sends this for a page that may not: programs that are no browser name no origin."""
    origin = request.headers.get("Origin")
    if origin is not None:
        return not is_allowed(origin, request, console, secure=secure)
    return request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}


def cors_headers(request: web.BaseRequest, console: Console, *, secure: bool) -> dict[str, str]:
    """Return what lets the script of an allowed page of another origin read the answer."""
    origin = request.headers.get("Origin")
    if origin is None or not is_allowed(origin, request, console, secure=secure):
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "x-request-id, content-disposition",
        "Vary": "Origin",
    }
