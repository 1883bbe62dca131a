import asyncio
from pathlib import Path

from support.gateway import running_gateway, tree_for


async def test_a_gateway_knows_whether_it_serves_the_example(tmp_path: Path) -> None:
    async with running_gateway(tmp_path / "a", {}) as example:
        assert example.gateway.is_example
    async with running_gateway(tmp_path / "b", tree_for("http://127.0.0.1:9")) as own:
        assert not own.gateway.is_example


async def test_a_reload_that_is_asked_for_looks_at_the_tree(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, tree_for("http://127.0.0.1:9"), watch=False) as running:
        before = running.gateway.current.snapshot.revision.id
        running.write("gateway.yaml", tree_for("http://127.0.0.1:10")["gateway.yaml"])

        running.gateway.request_reload()

        async with asyncio.timeout(20):
            while running.gateway.current.snapshot.revision.id == before:  # noqa: ASYNC110  (a task of its own loads it)
                await asyncio.sleep(0.01)
