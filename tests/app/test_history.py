import asyncio
from pathlib import Path
from typing import Any

import pytest

from clinx.app import start_gateway
from clinx.billing.log_mover import NotForLogs
from clinx.settings import Settings
from clinx.storage import request_logs
from clinx.storage.database import Database
from support.database import POSTGRES, _migrated_database, postgres_database
from support.fake_upstream import FakeUpstream
from support.gateway import Running, chat, completion, running_gateway, tree_for
from support.log_database import ids
from support.tree import tree

__all__ = ["_migrated_database", "postgres_database"]

NOBODY = "postgres://nobody@127.0.0.1:1/nothing"


async def call(gateway: Running, upstream: FakeUpstream, key: str) -> str:
    """Make a call; return its id."""
    upstream.answers(json=completion())
    async with gateway.session.post(
        f"{gateway.url}/v1/chat/completions", json=chat(), headers={"Authorization": f"Bearer {key}"}
    ) as response:
        assert response.status == 200
        return response.headers["clinx-request-id"]


async def shown(gateway: Running, key: str) -> list[str]:
    _, body = await gateway.get("/api/log/token", key=key)
    return [each["request_id"] for each in body["data"]]


async def names(gateway: Running) -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks()}


async def test_logs_go_to_a_database_of_their_own_and_are_read_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'logs' / 'logs.db'}"
    async with (
        FakeUpstream() as upstream,
        running_gateway(tmp_path, tree_for(upstream.url), log_database_url=url, watch=False) as gateway,
    ):
        key = await gateway.key()
        id_ = await call(gateway, upstream, key)
        await gateway.settled()
        async with asyncio.timeout(20):
            while await ids(gateway.gateway.database):
                pass
        told = await shown(gateway, key)

    logs = await Database.connect(url)
    found = await request_logs.find(logs, id_)
    await logs.close()
    assert told == [id_]
    assert found is not None
    assert (found.outcome, found.charge.nano > 0) == ("ok", True)


@pytest.mark.skipif(not POSTGRES, reason="a file is not away")
async def test_a_database_for_logs_that_is_away_keeps_nobody_from_being_served(
    tmp_path: Path, postgres_database: str
) -> None:
    given: dict[str, Any] = {"database_url": postgres_database, "log_database_url": NOBODY, "watch": False}
    async with (
        FakeUpstream() as upstream,
        running_gateway(tmp_path, tree_for(upstream.url), **given) as gateway,
    ):
        key = await gateway.key()
        id_ = await call(gateway, upstream, key)
        await gateway.settled()
        waiting = await ids(gateway.gateway.database)
        status, body = await gateway.get("/api/log/token", key=key)

    assert waiting == [id_]
    assert (status, body["success"]) == (503, False)


async def test_without_one_logs_stay_where_they_are_and_are_read_there(tmp_path: Path) -> None:
    async with (
        FakeUpstream() as upstream,
        running_gateway(tmp_path, tree_for(upstream.url), watch=False) as gateway,
    ):
        running = await names(gateway)
        key = await gateway.key()
        id_ = await call(gateway, upstream, key)
        await gateway.settled()
        told = await shown(gateway, key)

    assert told == [id_]
    assert {"rollups", "retention"} <= running
    assert "log mover" not in running


@pytest.mark.parametrize(
    ("url", "error"),
    [("sqlite:///{folder}/clinx.db", NotForLogs), (NOBODY, ValueError), ("mysql://127.0.0.1/logs", ValueError)],
)
async def test_what_is_no_database_for_logs_is_refused(tmp_path: Path, url: str, error: type[Exception]) -> None:
    root = tree(tmp_path / "tree", tree_for("http://127.0.0.1:9"))
    settings = Settings(
        root=root,
        port=0,
        state_dir=tmp_path,
        watch=False,
        log_database_url=url.format(folder=tmp_path),
    )

    with pytest.raises(error):
        await start_gateway(settings)
