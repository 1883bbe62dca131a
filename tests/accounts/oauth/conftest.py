import ipaddress
from collections.abc import AsyncIterator

import pytest

from clinx.accounts.oauth.trip import Trip
from clinx.upstream.fetch import Fetcher
from support.database import Clock
from support.fake_issuers import FakeIssuers
from support.oidc_issuer import OidcIssuer

CALLBACK = "https://gw.example/api/oauth/corp"
BROWSER = "b" * 43
STATE = "s" * 43


@pytest.fixture
def fetch() -> Fetcher:
    return Fetcher(lambda: [ipaddress.ip_network("127.0.0.0/8")])


@pytest.fixture
def trip() -> Trip:
    return Trip(STATE, BROWSER, CALLBACK)


@pytest.fixture
async def issuer(clock: Clock) -> AsyncIterator[OidcIssuer]:
    async with OidcIssuer(clock.now) as served:
        yield served


@pytest.fixture
async def fake() -> AsyncIterator[FakeIssuers]:
    async with FakeIssuers() as served:
        yield served
