"""GraphiQL, for who works on a frontend: where the schema is open to everybody, and nowhere else.

The page is the library's own. What it runs, the browser fetches from a public host, and takes only if its digest is
the one that stands in the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from strawberry.http.ides import get_graphql_ide_html

_FROM: Final = "https://unpkg.com"
_POLICY: Final = (
    f"default-src 'none'; script-src 'unsafe-inline' {_FROM}; style-src 'unsafe-inline' {_FROM}; font-src {_FROM};"
    " img-src data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def is_asked_for(request: web.BaseRequest) -> bool:
    """Whether a browser was sent here by a person."""
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")


def page(headers: Mapping[str, str]) -> web.Response:
    """Return the page, which may ask this gateway and nobody else."""
    return web.Response(
        text=get_graphql_ide_html("graphiql"),
        headers={**headers, "Content-Security-Policy": _POLICY},
        content_type="text/html",
        charset="utf-8",
    )
