from __future__ import annotations

import socket
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from clinx.settings import Worker
from clinx.telemetry.metrics import Mark, Metrics
from clinx.web.peers import Peers


@pytest.fixture
def folder() -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="clinx-") as made:  # Of a short name: sockets have no longer ones.
        yield Path(made)


def figures(calls: int) -> Metrics:
    metrics = Metrics()
    for _ in range(calls):
        metrics.finished(Mark("openai_chat", "chat", 'a "model"', "ok"), 0.2, 0.1)
    return metrics


def samples(text: bytes, name: str) -> dict[str, float]:
    """The values of one figure, by worker."""
    families = text_string_to_metric_families(text.decode())
    return {each.labels["worker"]: each.value for family in families for each in family.samples if each.name == name}


def peers(folder: Path, index: int, calls: int) -> Peers:
    return Peers(Worker(index, 3, 0, greets=False, folder=folder), figures(calls).render)


def left(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_whoever_is_scraped_answers_for_all_that_serve(folder: Path) -> None:
    first, second, third = (peers(folder, index, index + 1) for index in range(3))
    await first.open()
    await second.open()
    await third.open()
    whole = await second.render()
    await first.close()
    without = await second.render()
    await second.close()
    await third.close()

    assert samples(whole, "clinx_exchanges_total") == {"0": 1, "1": 2, "2": 3}
    assert samples(whole, "clinx_exchange_seconds_count") == {"0": 1, "1": 2, "2": 3}
    assert samples(whole, "clinx_exchanges_in_flight") == {"0": 0, "1": 0, "2": 0}
    assert samples(without, "clinx_exchanges_total") == {"1": 2, "2": 3}
    assert not left(folder)


async def test_every_family_is_said_once(folder: Path) -> None:
    first, second = peers(folder, 0, 1), peers(folder, 1, 1)
    await second.open()
    text = (await first.render()).decode()
    await second.close()

    helps = [line for line in text.splitlines() if line.startswith("# HELP")]
    assert len(helps) == len(set(helps))


async def test_the_socket_of_a_worker_that_was_killed_is_taken_over(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(folder / "0.sock"))
    again = peers(folder, 0, 5)
    await again.open()

    assert samples(await peers(folder, 1, 0).render(), "clinx_exchanges_total") == {"0": 5}
    await again.close()
