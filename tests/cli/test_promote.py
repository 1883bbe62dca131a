import asyncio
from pathlib import Path

import pytest

from cli.running import command, commanded, served, serves
from clinx.storage import revisions
from support.gateway import Running
from support.tree import SMALL

STAGED = SMALL + "rollout: {share: 1%, for: 1h}\n"


async def on_trial(running: Running) -> str:
    async with asyncio.timeout(10):
        while True:
            found = [each.trial.revision for each in await revisions.everywhere(running.gateway.database) if each.trial]
            if found:
                return found[0]
            await asyncio.sleep(0.01)


async def test_what_is_on_trial_is_promoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch) as running:
        running.write("gateway.yaml", STAGED)
        assert await running.gateway.reloader.reload()
        new = await on_trial(running)
        assert served(running) != new

        assert await command("promote") == 0

        await serves(running, new)
        assert capsys.readouterr().out == f"{new}: every process that has it serves it to all\n"


async def test_what_was_rejected_may_be_promoted_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch) as running:
        old = served(running)
        running.write("gateway.yaml", STAGED)
        assert await running.gateway.reloader.reload()
        new = await on_trial(running)
        assert await command("rollback", "--reason", "not now") == 0
        async with asyncio.timeout(10):
            while running.gateway.current.trial is not None:  # noqa: ASYNC110  (what operators see)
                await asyncio.sleep(0.01)
        assert served(running) == old

        capsys.readouterr()
        assert await command("promote") == 1
        said = f"clinx: no revision is on trial; name one that was rejected to serve it after all: {new}\n"
        assert capsys.readouterr().err == said
        assert await command("promote", new[:5]) == 0

        await serves(running, new)


async def test_nothing_on_trial_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch):
        assert await command("promote") == 1
        assert capsys.readouterr().err == "clinx: no revision is on trial\n"
        assert await command("promote", "abc") == 1
        assert capsys.readouterr().err == "clinx: no revision abc is on trial or rejected\n"
