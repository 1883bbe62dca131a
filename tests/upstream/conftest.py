"""Everything that goes over a wire is tested with both transports, and on both event loops."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvloop

from clinx.domain.catalog import TransportKind
from clinx.upstream.pool import Lease, Pool
from clinx.upstream.request import Way
from clinx.upstream.send import Sender
from clinx.upstream.transport import Transport
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


@pytest.fixture(params=list(TransportKind))
def kind(request: pytest.FixtureRequest) -> TransportKind:
    """The client under test."""
    return request.param


@pytest.fixture
async def pool(authority: ssl.SSLContext) -> AsyncIterator[Pool]:
    opened = Pool(tls=authority)
    yield opened
    await opened.close()


@pytest.fixture
async def lease(pool: Pool, kind: TransportKind) -> Lease:
    return await pool.lease([channel(transport=kind)], ())


@dataclass(frozen=True)
class Always:
    """Has the transport under test, whichever way a request asks for."""

    lease: Lease
    way: Way

    def transport(self, way: Way) -> Transport:
        del way
        return self.lease.transport(self.way)


@pytest.fixture
def transports(lease: Lease, kind: TransportKind) -> Always:
    return Always(lease, Way(kind, None))


@pytest.fixture
def sender(transports: Always) -> Sender:
    return Sender(transports, time.monotonic)
