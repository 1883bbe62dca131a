"""Two gateways on two ports, each with a tree and a state folder of its own, over one database and one Redis.

async with two_nodes(tmp_path, files, database=url) as nodes:
    await nodes.each(lambda node: node.call(key))
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from cli.test_serve import Served, serving
from support.counters import REDIS
from support.gateway import chat
from support.tree import tree

NAMES = ("one", "two")
TRIES = 4
"""How often a test's usual patience with a process is had with a start."""


@dataclass
class Node:
    """One of them, and a caller's way to it."""

    served: Served
    session: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return self.served.url

    async def logged(self, event: str) -> dict[str, Any]:
        """Return an event of the log, which may have been written before this was asked."""
        marked = f'"event":"{event}"'
        written = next((line for line in self.served.said if marked in line), None)
        return await self.served.logs(event) if written is None else json.loads(written)

    async def call(self, key: str, model: str = "fake-model") -> int:
        """Call once; return the status."""
        status, _ = await self.answer(key, model)
        return status

    async def answer(self, key: str, model: str = "fake-model") -> tuple[int, dict[str, Any]]:
        """Call once; return the status and the answer."""
        url, headers = f"{self.url}/v1/chat/completions", {"Authorization": f"Bearer {key}"}
        async with self.session.post(url, json=chat(model), headers=headers) as response:
            return response.status, await response.json()


@asynccontextmanager
async def node(folder: Path, files: Mapping[str, str], *, database: str, **more: str) -> AsyncGenerator[Node]:
    """Serve files as a tree from a folder, until the block ends; the same folder again is the same node again."""
    tree(folder / "tree", files)
    given = {"CLINX_DATABASE_URL": database, "CLINX_REDIS": REDIS, "UPSTREAM_KEY": "vendor-secret", **more}
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        serving(folder, program=("-m", "clinx"), **given) as served,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        await _is_up(served)
        yield Node(served, session)


async def _is_up(served: Served) -> None:
    """Wait longer than for one process that starts alone: the other one has the machine's second core."""
    for _ in range(TRIES):
        with contextlib.suppress(TimeoutError):
            return await served.is_up()
    raise AssertionError("\n".join(["it does not serve:", *served.said]))


@asynccontextmanager
async def two_nodes(
    folder: Path, files: Mapping[str, str], *, database: str, **more: str
) -> AsyncGenerator[tuple[Node, Node]]:
    """Serve the same files twice. One starts after the other: the first brings the database up to date."""
    async with AsyncExitStack() as stack:
        one, two = [
            await stack.enter_async_context(node(folder / name, files, database=database, **more)) for name in NAMES
        ]
        yield one, two


async def at_once(nodes: tuple[Node, Node], key: str, calls: int, model: str = "fake-model") -> Counter[int]:
    """Call so often at each of them, all at the same time; count the statuses."""
    return Counter(await asyncio.gather(*(node.call(key, model) for node in nodes for _ in range(calls))))
