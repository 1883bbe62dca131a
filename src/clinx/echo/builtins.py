"""The upstreams that live in this process, by the address that the tree gives them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Final

from clinx.echo.server import EchoServer

ECHO: Final = "builtin:echo"


class Builtins:
    """Started when a tree first names one."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self.urls: dict[str, str] = {}
        """Where they listen, by the address in the tree."""
        self._running = AsyncExitStack()

    async def ensure(self, addresses: Iterable[str]) -> None:
        """Start what is named and does not run yet."""
        if ECHO in addresses and ECHO not in self.urls:
            server = await EchoServer.start()
            self._running.push_async_callback(server.close)
            self.urls[ECHO] = server.url

    async def close(self) -> None:
        """Stop what was started, at whichever reload."""
        await self._running.aclose()
