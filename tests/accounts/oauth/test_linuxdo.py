import pytest
from yarl import URL

from clinx.accounts.failures import AccountError
from clinx.accounts.oauth.linuxdo import LinuxDo
from clinx.accounts.oauth.trip import Found, Trip
from clinx.upstream.fetch import Fetcher
from support.fake_issuers import APP, FakeIssuers
from support.oidc_issuer import OidcIssuer


@pytest.fixture
def linuxdo(fake: FakeIssuers, fetch: Fetcher) -> LinuxDo:
    return LinuxDo(APP, fetch, site=fake.url)


async def test_the_browser_is_sent_to_linuxdo(trip: Trip, fetch: Fetcher):
    address = URL(await LinuxDo(APP, fetch).leave(trip))

    assert str(address.with_query(None)) == "https://connect.linux.do/oauth2/authorize"
    assert dict(address.query) == {
        "response_type": "code",
        "client_id": APP.client_id,
        "redirect_uri": trip.callback,
        "state": trip.state,
    }


async def test_the_identity_is_the_number(linuxdo: LinuxDo, trip: Trip, issuer: OidcIssuer):
    answer = await issuer.visit(await linuxdo.leave(trip))

    assert await linuxdo.arrive(answer, trip) == Found("linuxdo", "42", None, False, "ann")


async def test_a_code_that_is_refused_is_nobody(linuxdo: LinuxDo, trip: Trip):
    with pytest.raises(AccountError) as caught:
        await linuxdo.arrive({"code": "made-up"}, trip)
    assert caught.value.code == "issuer_refused"


async def test_an_account_that_is_not_active_there_does_not_come_in(
    linuxdo: LinuxDo, fake: FakeIssuers, trip: Trip, issuer: OidcIssuer
):
    fake.linuxdo["active"] = False

    with pytest.raises(AccountError) as caught:
        await linuxdo.arrive(await issuer.visit(await linuxdo.leave(trip)), trip)
    assert caught.value.code == "denied"
