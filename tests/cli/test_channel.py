import asyncio
from pathlib import Path

import pytest

from cli.running import command, commanded
from support.gateway import Running


async def test_a_reset_reaches_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch) as running:
        heard = resets(running, monkeypatch)

        assert await command("channel", "reset", "main") == 0

        async with asyncio.timeout(10):
            assert await heard.get() == "main"
    assert capsys.readouterr().out == "main: every process is told that its credentials are good again\n"


def resets(running: Running, monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[str]:
    heard: asyncio.Queue[str] = asyncio.Queue()

    def reset(_: object, channel: str) -> int:
        heard.put_nowait(channel)
        return 0

    monkeypatch.setattr("clinx.routing.health.Health.reset", reset)
    return heard


async def test_an_unknown_channel_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch):
        assert await command("channel", "reset", "mian") == 1
    assert 'did you mean "main"?' in capsys.readouterr().err
