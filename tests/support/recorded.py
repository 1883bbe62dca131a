"""Calls through a whole gateway over the trees of `support.rehearsals`, and the database they were logged in."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

from clinx.billing.log_mover import LogMover
from clinx.storage.database import Database
from support.gateway import chat, running_gateway
from support.rehearsals import BEFORE


@dataclass(frozen=True)
class Recorded:
    root: Path
    url: str
    ids: list[str]
    """Of the calls, in their order."""
    token: int


def record(folder: Path) -> Recorded:
    """Serve the tree `BEFORE`, call it, and stop it again."""
    return asyncio.run(_record(folder))


async def _record(folder: Path) -> Recorded:
    async with running_gateway(folder, BEFORE) as gateway:
        user = await gateway.user()
        issued = await gateway.issue(user)
        vip = await gateway.key(group="vip")
        calls = [(issued.secret, "small"), (issued.secret, "small-high"), (issued.secret, "large"), (vip, "old")]
        for key, model in calls:
            status, body = await gateway.post("/v1/chat/completions", chat(model), key=key)
            assert status == 200, body
        assert (await gateway.post("/v1/chat/completions", chat("nothing"), key=vip))[0] == 404
        logs = await gateway.request_logs()
        url = f"sqlite:///{folder / 'state' / 'clinx.db'}"
        return Recorded(gateway.root, url, [log.id for log in reversed(logs)], issued.token.id)


def moved_apart(recorded: Recorded, folder: Path) -> tuple[str, str]:
    """Copy the database, and move its logs to one of their own; return the URLs of both."""
    folder.mkdir()
    shutil.copy(recorded.url.removeprefix("sqlite:///"), folder / "clinx.db")
    urls = f"sqlite:///{folder / 'clinx.db'}", f"sqlite:///{folder / 'logs.db'}"
    asyncio.run(_move(*urls))
    return urls


async def _move(url: str, logs_url: str) -> None:
    database, logs = await Database.connect(url), await Database.connect(logs_url)
    mover = LogMover(database, logs, logs_url)
    await mover.prepare()
    assert await mover.move() == 5
    await database.close()
    await logs.close()
