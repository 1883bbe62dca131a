"""A gateway that runs while commands are given: each in a thread, as a process of its own would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clinx.cli import main
from support.gateway import Running, running_gateway
from support.tree import SMALL


@asynccontextmanager
async def commanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Running]:
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path / "tree"))
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("CLINX_DATABASE_URL", raising=False)
    async with running_gateway(tmp_path, {"gateway.yaml": SMALL}, watch=False) as running:
        yield running


async def command(*argv: str) -> int:
    return await asyncio.to_thread(main, argv)


def served(running: Running) -> str:
    return running.gateway.current.snapshot.revision.id


async def serves(running: Running, revision: str) -> None:
    async with asyncio.timeout(10):
        while served(running) != revision:  # noqa: ASYNC110  (the revision is what a caller would see)
            await asyncio.sleep(0.01)
