"""Everything that goes over a wire is tested with both transports, and on both event loops."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from clinx.upstream.kept import Kept
from clinx.upstream.pool import Lease, Opens, Pool
from clinx.upstream.send import Sender
from clinx.upstream.through_aiohttp import ThroughAiohttp
from support.channels import channel
from support.fake_upstream import FakeUpstream

TLS = Path(__file__).parent / "tls"
"""An authority of our own, and certificates it signed for the names of the files; good until 2120."""


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def authority() -> ssl.SSLContext:
    """Trusts our own authority."""
    return ssl.create_default_context(cafile=TLS / "authority.pem")


@pytest.fixture
def certificate() -> Callable[[str], ssl.SSLContext]:
    """What a server shows that is called so."""

    def load(name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / f"{name}.pem")
        context.set_alpn_protocols(["http/1.1"])
        return context

    return load


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as fake:
        yield fake


@pytest.fixture(params=[Kept, ThroughAiohttp], ids=["kept", "aiohttp"])
def direct(request: pytest.FixtureRequest) -> Opens:
    """The transport of channels without a proxy."""
    return request.param


@pytest.fixture
async def pool(direct: Opens, authority: ssl.SSLContext) -> AsyncIterator[Pool]:
    opened = Pool(tls=authority, direct=direct)
    yield opened
    await opened.close()


@pytest.fixture
async def lease(pool: Pool) -> Lease:
    return await pool.lease([channel()], ())


@pytest.fixture
def sender(lease: Lease) -> Sender:
    return Sender(lease, time.monotonic)
