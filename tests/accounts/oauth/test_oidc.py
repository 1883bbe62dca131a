import pytest
from yarl import URL

from clinx.accounts.failures import AccountError
from clinx.accounts.oauth.id_token import IdTokens
from clinx.accounts.oauth.issuers import Issuers
from clinx.accounts.oauth.oidc import Oidc, basic, subject_of
from clinx.accounts.oauth.trip import Found, Trip
from clinx.upstream.fetch import Fetcher
from support.database import Clock
from support.oidc_issuer import CLIENT_ID, CLIENT_SECRET, OidcIssuer


@pytest.fixture
def oidc(issuer: OidcIssuer, fetch: Fetcher, clock: Clock) -> Oidc:
    issuers = Issuers(fetch, clock.monotonic)
    return Oidc(issuer.configured(), fetch, issuers, IdTokens(issuers, clock.now))


async def back_from(issuer: OidcIssuer, oidc: Oidc, trip: Trip) -> dict[str, str]:
    return await issuer.visit(await oidc.leave(trip))


async def refused(oidc: Oidc, answer: dict[str, str], trip: Trip) -> str:
    with pytest.raises(AccountError) as caught:
        await oidc.arrive(answer, trip)
    return caught.value.code


async def test_the_browser_leaves_with_what_binds_the_answer(issuer: OidcIssuer, oidc: Oidc, trip: Trip):
    address = URL(await oidc.leave(trip))

    assert str(address.with_query(None)) == f"{issuer.url}/authorize"
    assert dict(address.query) == {
        "tenant": "1",
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": trip.callback,
        "scope": "openid profile email",
        "state": trip.state,
        "nonce": trip.nonce,
        "code_challenge": trip.challenge,
        "code_challenge_method": "S256",
    }


async def test_who_comes_back_is_known_by_issuer_and_subject(issuer: OidcIssuer, oidc: Oidc, trip: Trip):
    answer = await back_from(issuer, oidc, trip)

    assert await oidc.arrive(answer, trip) == Found("oidc", f"{issuer.url} person-1", "ann@example.org", True, "ann")
    assert issuer.forms[0]["code_verifier"] == trip.verifier


async def test_a_code_is_good_once_and_for_its_own_trip(issuer: OidcIssuer, oidc: Oidc, trip: Trip):
    answer = await back_from(issuer, oidc, trip)
    await oidc.arrive(answer, trip)
    assert await refused(oidc, answer, trip) == "issuer_refused"

    answer = await back_from(issuer, oidc, trip)
    assert await refused(oidc, answer, Trip(trip.state, "c" * 43, trip.callback)) == "issuer_refused"


@pytest.mark.parametrize(
    ("methods", "shown"),
    [(["client_secret_post", "private_key_jwt"], True), (["client_secret_basic", "client_secret_post"], False)],
    ids=["post", "basic"],
)
async def test_the_secret_is_shown_as_the_issuer_wants_it(
    issuer: OidcIssuer, oidc: Oidc, trip: Trip, methods: list[str], shown: bool
):
    issuer.document = {"token_endpoint_auth_methods_supported": methods}

    await oidc.arrive(await back_from(issuer, oidc, trip), trip)

    assert (issuer.forms[0].get("client_secret") == CLIENT_SECRET) is shown


async def test_an_issuer_that_takes_no_secret_is_not_used(issuer: OidcIssuer, oidc: Oidc, trip: Trip):
    issuer.document = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}

    assert await refused(oidc, await back_from(issuer, oidc, trip), trip) == "issuer_unavailable"
    assert issuer.asked["token"] == 0


@pytest.mark.parametrize("sender", ["https://evil.example", "", "same/"])
async def test_an_answer_of_another_issuer_is_refused_before_its_code_is_shown_to_anybody(
    issuer: OidcIssuer, oidc: Oidc, trip: Trip, sender: str
):
    issuer.sender = sender if sender != "same/" else f"{issuer.url}/"

    assert await refused(oidc, await back_from(issuer, oidc, trip), trip) == "issuer_refused"
    assert issuer.asked["token"] == 0


async def test_an_issuer_that_names_itself_in_its_answers_must_do_so(issuer: OidcIssuer, oidc: Oidc, trip: Trip):
    issuer.document = {"authorization_response_iss_parameter_supported": True}
    assert await refused(oidc, await back_from(issuer, oidc, trip), trip) == "issuer_refused"

    issuer.sender = issuer.url
    assert (await oidc.arrive(await back_from(issuer, oidc, trip), trip)).name == "ann"


async def test_userinfo_must_be_about_the_same_person(issuer: OidcIssuer, oidc: Oidc, trip: Trip):
    issuer.userinfo = {"sub": "person-2"}

    assert await refused(oidc, await back_from(issuer, oidc, trip), trip) == "issuer_refused"


async def test_an_address_and_its_proof_are_of_one_source(issuer: OidcIssuer, oidc: Oidc, trip: Trip):
    issuer.claims = {"email": "token@example.org", "email_verified": True}
    del issuer.person["email_verified"]

    found = await oidc.arrive(await back_from(issuer, oidc, trip), trip)

    assert (found.email, found.email_verified) == ("ann@example.org", False)


async def test_the_token_alone_is_enough_where_there_is_no_userinfo(issuer: OidcIssuer, oidc: Oidc, trip: Trip):
    issuer.document = {"userinfo_endpoint": None}
    issuer.claims = {"email": "token@example.org", "email_verified": "true", "name": "Ann\u202e A."}

    found = await oidc.arrive(await back_from(issuer, oidc, trip), trip)

    assert found == Found("oidc", f"{issuer.url} person-1", "token@example.org", True, "Ann A.")
    assert issuer.asked["userinfo"] == 0


@pytest.mark.parametrize("sub", ["a\x00b", "a\nb", "\u202eb"], ids=ascii)
async def test_an_id_that_cannot_be_written_down_is_nobody_s(issuer: OidcIssuer, oidc: Oidc, trip: Trip, sub: str):
    issuer.claims = {"sub": sub}
    issuer.document = {"userinfo_endpoint": None}

    assert await refused(oidc, await back_from(issuer, oidc, trip), trip) == "issuer_refused"


@pytest.mark.parametrize("answer", [{}, {"code": ""}, {"code": "made-up"}], ids=str)
async def test_without_a_code_nobody_comes(oidc: Oidc, trip: Trip, answer: dict[str, str]):
    assert await refused(oidc, answer, trip) == "issuer_refused"


async def test_no_id_token_is_nobody(issuer: OidcIssuer, oidc: Oidc, trip: Trip):
    issuer.forge = lambda *_: None  # pyright: ignore[reportAttributeAccessIssue]  (an issuer that sends null)

    assert await refused(oidc, await back_from(issuer, oidc, trip), trip) == "issuer_refused"


def test_basic_credentials_are_written_as_forms_write_them():
    assert basic("a b", "c:d/é") == "Basic YSUyMGI6YyUzQWQlMkYlQzMlQTk="


def test_a_subject_fits_its_column_and_stays_unique():
    assert subject_of("https://id.example", "7") == "https://id.example 7"
    long = [subject_of("https://id.example", "7" * 250 + end) for end in "ab"]

    assert [len(each) for each in long] == [71, 71]
    assert long[0] != long[1]
