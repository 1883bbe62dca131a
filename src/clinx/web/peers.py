"""The figures of all workers at one address: whichever of them is scraped asks the others.

Workers that share a port share a folder too, where each has a socket. Whoever connects to it is written that worker's
figures, as Prometheus reads them. The answer of a scrape has every worker's series, told apart by the label
``worker``, so that sums are right and a restarted worker's counters begin anew by themselves. A worker that does not
answer has no series in that scrape.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from clinx.settings import Worker

ANSWER_SECONDS: Final = 2.0
LABEL: Final = "worker"


class Peers:
    """One worker among others."""

    def __init__(self, worker: Worker, render: Callable[[], bytes]) -> None:
        """Say who this is, and how its own figures are written."""
        self._worker = worker
        self._render = render
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Answer the others from now on.

        Raises:
            OSError: the folder is gone.
        """
        path = _socket(self._worker.folder, self._worker.index)
        path.unlink(missing_ok=True)  # Of a life before, that was killed.
        self._server = await asyncio.start_unix_server(self._answer, path)

    async def close(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            _socket(self._worker.folder, self._worker.index).unlink(missing_ok=True)

    async def render(self) -> bytes:
        """Write the figures of every worker that answers, in the Prometheus text format."""
        others = [index for index in range(self._worker.of) if index != self._worker.index]
        own, *rest = await asyncio.gather(asyncio.to_thread(self._render), *(self._ask(index) for index in others))
        texts = {self._worker.index: own, **dict(zip(others, rest, strict=True))}
        return await asyncio.to_thread(merged, {index: text for index, text in sorted(texts.items()) if text})

    async def _ask(self, index: int) -> bytes:
        """Return a worker's figures; nothing where there is none, or it says nothing."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_unix_connection(_socket(self._worker.folder, index))
                try:
                    return await reader.read()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return b""

    async def _answer(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(await asyncio.to_thread(self._render))
            await writer.drain()
        writer.close()


def merged(texts: Mapping[int, bytes]) -> bytes:
    """Write the series of several processes as one text, each with the label of its worker."""
    registry = CollectorRegistry()
    registry.register(_Merged(texts))
    return generate_latest(registry)


class _Merged(Collector):
    """The families of several texts."""

    def __init__(self, texts: Mapping[int, bytes]) -> None:
        self._texts = texts

    def describe(self) -> Iterable[Metric]:
        """Say nothing beforehand: the names are what the texts hold."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Write each family once, with the samples of everybody."""
        families: dict[str, Metric] = {}
        for index, text in self._texts.items():
            for family in text_string_to_metric_families(text.decode()):
                whole = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    whole.add_sample(sample.name, {**sample.labels, LABEL: str(index)}, sample.value)
        yield from families.values()


def _socket(folder: Path, index: int) -> Path:
    return folder / f"{index}.sock"
