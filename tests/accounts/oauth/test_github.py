import pytest
from yarl import URL

from clinx.accounts.failures import AccountError
from clinx.accounts.oauth.github import GitHub, bearer
from clinx.accounts.oauth.trip import Found, Trip
from clinx.upstream.fetch import Fetcher
from support.fake_issuers import APP, FakeIssuers
from support.oidc_issuer import OidcIssuer


@pytest.fixture
def github(fake: FakeIssuers, fetch: Fetcher) -> GitHub:
    return GitHub(APP, fetch, site=fake.url, api=fake.url)


async def back(github: GitHub, trip: Trip, issuer: OidcIssuer) -> dict[str, str]:
    return await issuer.visit(await github.leave(trip))


async def test_the_browser_is_sent_to_github(trip: Trip, fetch: Fetcher):
    address = URL(await GitHub(APP, fetch).leave(trip))

    assert str(address.with_query(None)) == "https://github.com/login/oauth/authorize"
    assert dict(address.query) == {
        "client_id": APP.client_id,
        "redirect_uri": trip.callback,
        "scope": "read:user user:email",
        "state": trip.state,
        "code_challenge": trip.challenge,
        "code_challenge_method": "S256",
    }


async def test_the_identity_is_the_number_and_the_address_the_primary_one(
    github: GitHub, trip: Trip, issuer: OidcIssuer
):
    answer = await back(github, trip, issuer)

    assert await github.arrive(answer, trip) == Found("github", "583231", "ann@example.org", True, "ann")


async def test_a_login_taken_over_is_somebody_else(github: GitHub, fake: FakeIssuers, trip: Trip, issuer: OidcIssuer):
    fake.github = {**fake.github, "id": 999}

    assert (await github.arrive(await back(github, trip, issuer), trip)).subject == "999"


async def test_an_address_that_is_not_verified_is_not_taken(
    github: GitHub, fake: FakeIssuers, trip: Trip, issuer: OidcIssuer
):
    fake.emails[1]["verified"] = False

    found = await github.arrive(await back(github, trip, issuer), trip)
    assert (found.email, found.email_verified) == (None, False)


async def test_a_code_that_github_refuses_is_nobody(github: GitHub, trip: Trip):
    with pytest.raises(AccountError) as caught:
        await github.arrive({"code": "made-up"}, trip)
    assert caught.value.code == "issuer_refused"


async def test_a_profile_without_a_number_is_nobody(github: GitHub, fake: FakeIssuers, trip: Trip, issuer: OidcIssuer):
    fake.github = {"id": "583231", "login": "ann"}

    with pytest.raises(AccountError) as caught:
        await github.arrive(await back(github, trip, issuer), trip)
    assert caught.value.code == "issuer_unavailable"


@pytest.mark.parametrize("token", [None, "", 7, "a\r\nX: y", "é"])
def test_what_cannot_be_a_header_is_no_token(token: object):
    with pytest.raises(AccountError):
        bearer(token)
