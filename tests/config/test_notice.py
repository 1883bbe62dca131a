from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clinx.config.notice import Notifier
from clinx.telemetry.tasks import Supervisor

LONG = 600.0


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    built = Supervisor()
    yield built
    await built.close()


async def noticed(notifier: Notifier, path: Path) -> None:
    """Write again and again until it is noticed: a watch is armed in another thread, at a moment nobody is told."""
    waiting = asyncio.ensure_future(notifier.wait())  # noqa: TID251  (awaited below)
    async with asyncio.timeout(10):
        number = 0
        while not waiting.done():
            number += 1
            path.write_text(str(number))  # noqa: ASYNC240  (a few bytes)
            await asyncio.wait({waiting}, timeout=0.1)
    await waiting


async def test_a_write_ends_the_wait(tmp_path: Path, supervisor: Supervisor) -> None:
    (tmp_path / "file").write_text("")
    notifier = Notifier(lambda: [tmp_path, tmp_path / "file", tmp_path / "nowhere"], LONG, supervisor)

    await noticed(notifier, tmp_path / "x.yaml")
    await notifier.close()


async def test_a_folder_that_was_replaced_is_watched_anew(tmp_path: Path, supervisor: Supervisor) -> None:
    folder = tmp_path / "tree"
    folder.mkdir()
    notifier = Notifier(lambda: [folder], LONG, supervisor)
    await noticed(notifier, folder / "x.yaml")

    folder.rename(tmp_path / "old")
    folder.mkdir()

    await noticed(notifier, folder / "x.yaml")
    await notifier.close()


async def test_the_poll_time_ends_the_wait_even_when_there_is_nothing_to_watch(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    notifier = Notifier(lambda: [tmp_path / "nowhere"], 0.01, supervisor)

    async with asyncio.timeout(5):
        await notifier.wait()
    await notifier.close()


async def test_waking_ends_the_wait_once(tmp_path: Path, supervisor: Supervisor) -> None:
    notifier = Notifier(list, LONG, supervisor)
    notifier.wake()

    async with asyncio.timeout(5):
        await notifier.wait()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await notifier.wait()
    await notifier.close()


async def test_a_watch_that_fails_leaves_the_poll(
    tmp_path: Path, supervisor: Supervisor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> AsyncIterator[None]:
        raise OSError("OS file watch limit reached")
        yield

    monkeypatch.setattr("clinx.config.notice.awatch", broken)
    notifier = Notifier(lambda: [tmp_path], 0.01, supervisor)
    with caplog.at_level(logging.WARNING):
        async with asyncio.timeout(5):
            await notifier.wait()
            await notifier.wait()
    await notifier.close()

    assert [record.getMessage() for record in caplog.records] == ["config.watch_degraded"]
