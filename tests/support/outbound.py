"""Requests to an upstream, for tests of what happens to them on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from yarl import URL

from clinx.domain.catalog import Timeouts
from clinx.upstream.request import UpstreamRequest
from clinx.upstream.stages import StageFailure

BODY = b'{"model":"m","messages":[]}'


def request_to(url: str, *, body: bytes = BODY, proxy: str | None = None, **timeouts: Any) -> UpstreamRequest:
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": "clinx/test",
        "Accept-Encoding": "identity",
    }
    return UpstreamRequest("POST", URL(f"{url}/v1/chat/completions"), headers, body, Timeouts(**timeouts), proxy)


def later(seconds: float = 30.0) -> float:
    """A deadline."""
    return time.monotonic() + seconds


def stage_of(error: BaseException) -> str:
    """The stage the private cause names."""
    assert isinstance(error.__cause__, StageFailure)
    return error.__cause__.stage.value


async def eventually(holds: Callable[[], bool]) -> None:
    """Let the event loop turn until something holds."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  (nothing announces what is asked)
            await asyncio.sleep(0)
