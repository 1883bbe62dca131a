"""A served route and a browser, for tests of the console's REST routes.

async with served(find) as url, browser() as window:
    status, location = await moved(window, f"{url}/api/oauth/corp/start")
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from clinx.config.snapshot import Snapshot
from clinx.domain.console import Console
from support.tree import SMALL, compile_files

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Find = Callable[[str, str], Handler | None]


@dataclass
class Tree:
    """A snapshot whose console can be changed."""

    snapshot: Snapshot

    @classmethod
    def of(cls, folder: Path, console: Console) -> Tree:
        return cls(replace(compile_files(folder, {"gateway.yaml": SMALL}).snapshot, console=console))

    def now(self) -> Snapshot:
        return self.snapshot

    @property
    def console(self) -> Console:
        return self.snapshot.console

    @console.setter
    def console(self, console: Console) -> None:
        self.snapshot = replace(self.snapshot, console=console)


@asynccontextmanager
async def served(find: Find) -> AsyncGenerator[str]:
    """Serve what is found for a method and a path; 404 is the rest."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        handler = find(request.method, request.rel_url.raw_path)
        return web.Response(status=404) if handler is None else await handler(request)

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def browser() -> AsyncGenerator[aiohttp.ClientSession]:
    """A browser: it keeps cookies and follows nothing by itself."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as window:
        yield window


async def moved(
    window: aiohttp.ClientSession,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
) -> str:
    """Ask; return where the answer sends the browser."""
    method = "GET" if form is None else "POST"
    async with window.request(
        method, URL(url, encoded=True), headers=headers, data=form, allow_redirects=False
    ) as response:
        assert response.status == 303, (response.status, await response.text())
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        return response.headers["Location"]
