"""One suite for both transports, against servers of other people and against one that says whatever it is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import pytest

from clinx.upstream.response import UpstreamResponse
from clinx.upstream.send import Sender
from support.outbound import later, request_to
from upstream.conformance.servers import Server, absent, serving

Ask = Callable[[str], Awaitable[UpstreamResponse]]


@pytest.fixture(scope="session", params=["aiohttp", "nginx", "node", "hypercorn"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of other people; skipped, with the reason, where it is not installed."""
    if (reason := absent(request.param)) is not None:
        pytest.skip(reason)
    with serving(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture(params=["plain", "tls"])
def url(request: pytest.FixtureRequest, server: Server) -> str:
    """Where the server is reached, without and with TLS."""
    return server.plain if request.param == "plain" else server.secure


@pytest.fixture
def ask(sender: Sender, url: str) -> Ask:
    """Ask the server for a path, with a small body."""

    async def send(path: str) -> UpstreamResponse:
        return await sender.send(request_to(url, path=path), deadline=later())

    return send
