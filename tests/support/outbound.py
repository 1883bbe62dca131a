"""Requests to an upstream, for tests of what happens to them on the way."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from typing import Any

from yarl import URL

from clinx.domain.catalog import Timeouts, TransportKind
from clinx.upstream.request import DIRECT, UpstreamRequest, Way
from clinx.upstream.stages import StageFailure
from support.fake_upstream import FakeUpstream

BODY = b'{"model":"m","messages":[]}'


def by(proxy: str) -> Way:
    """The way through a proxy."""
    return Way(TransportKind.AIOHTTP, proxy)


def request_to(
    url: str, *, path: str = "/v1/chat/completions", body: bytes = BODY, way: Way = DIRECT, **timeouts: Any
) -> UpstreamRequest:
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": "clinx/test",
        "Accept-Encoding": "identity",
    }
    return UpstreamRequest("POST", URL(f"{url}{path}"), headers, body, Timeouts(**timeouts), way)


def later(seconds: float = 30.0) -> float:
    """A deadline."""
    return time.monotonic() + seconds


def stage_of(error: BaseException) -> str:
    """The stage the private cause names."""
    assert isinstance(error.__cause__, StageFailure)
    return error.__cause__.stage.value


def hang_up_unnoticed(upstream: FakeUpstream, port: int | None = None) -> None:
    """Close the upstream's end of its connections, or of one from a port, so that who writes next cannot know yet."""
    for writer in upstream.writers:
        if port is None or writer.get_extra_info("peername")[1] == port:
            with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as same:
                same.shutdown(socket.SHUT_RDWR)


async def eventually(holds: Callable[[], bool]) -> None:
    """Let the event loop turn until something holds."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  (nothing announces what is asked)
            await asyncio.sleep(0)
