from typing import Any

import pytest

from clinx.accounts.failures import AccountError
from clinx.accounts.oauth.issuers import REMEMBERED, Issuers
from clinx.upstream.fetch import Fetcher
from support.database import Clock
from support.oidc_issuer import OidcIssuer


@pytest.fixture
def issuers(fetch: Fetcher, clock: Clock) -> Issuers:
    return Issuers(fetch, clock.monotonic)


async def test_a_document_is_remembered_for_a_while(issuers: Issuers, issuer: OidcIssuer, clock: Clock):
    first = await issuers.document(issuer.url)
    clock.advance(REMEMBERED - 1)
    assert await issuers.document(issuer.url) is first
    assert issuer.asked["discovery"] == 1
    assert first.token_endpoint == f"{issuer.url}/token"
    assert first.token_endpoint_auth_methods_supported == ("client_secret_basic",)

    clock.advance(1)
    await issuers.document(issuer.url)
    assert issuer.asked["discovery"] == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://id.example/token"},
        {"token_endpoint": None},
        {"jwks_uri": "http://id.example/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "http://id.example/me"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
async def test_a_document_that_calls_itself_otherwise_or_leads_astray_is_not_used(
    issuers: Issuers, issuer: OidcIssuer, changed: dict[str, Any]
):
    issuer.document = changed

    with pytest.raises(AccountError) as caught:
        await issuers.document(issuer.url)
    assert caught.value.code == "issuer_unavailable"

    issuer.document = {}
    assert (await issuers.document(issuer.url)).issuer == issuer.url


async def test_an_issuer_is_called_exactly_as_it_calls_itself(issuers: Issuers, issuer: OidcIssuer):
    with pytest.raises(AccountError):
        await issuers.document(f"{issuer.url}/")


async def test_keys_of_several_issuers_are_kept_apart(issuers: Issuers, issuer: OidcIssuer, clock: Clock):
    async with OidcIssuer(clock.now) as other:
        mine = await issuers.keys(issuer.url, issuer.keys[0].kid)
        theirs = await issuers.keys(other.url, issuer.keys[0].kid)

        assert [key["n"] for key in mine] == [issuer.keys[0].as_dict()["n"]]
        assert [key["n"] for key in theirs] == [other.keys[0].as_dict()["n"]]


async def test_an_issuer_that_cannot_be_reached_is_away(issuers: Issuers, issuer: OidcIssuer):
    await issuers.document(issuer.url)
    issuer.document = {"jwks_uri": f"{issuer.url}/nowhere"}

    with pytest.raises(AccountError) as caught:
        await Issuers(issuers._fetch, issuers._monotonic).keys(issuer.url, None)
    assert caught.value.code == "issuer_refused"
