import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwk, jwt
from joserfc.errors import UnsupportedAlgorithmError

from clinx.accounts.failures import AccountError
from clinx.accounts.oauth.id_token import LEEWAY, Expected, IdTokens, _Algorithms
from clinx.accounts.oauth.issuers import PATIENCE, Issuers
from clinx.upstream.fetch import Fetcher
from support.database import Clock
from support.oidc_issuer import CLIENT_ID, KEYS, OidcIssuer, signed_with_public_key, unsigned

BEGUN = {"nonce": "n-1"}
AT = 1893456000
"""The clock of tests, in seconds."""


@pytest.fixture
def tokens(fetch: Fetcher, clock: Clock) -> IdTokens:
    return IdTokens(Issuers(fetch, clock.monotonic), clock.now)


def expected(issuer: OidcIssuer) -> Expected:
    return Expected(issuer.url, CLIENT_ID, "n-1")


async def refuses(tokens: IdTokens, issuer: OidcIssuer, token: str | None = None) -> bool:
    with pytest.raises(AccountError) as caught:
        await tokens.claims(issuer.id_token(BEGUN) if token is None else token, expected(issuer))
    return caught.value.code == "issuer_refused"


@pytest.mark.parametrize("alg", KEYS)
async def test_a_token_of_the_issuer_is_believed(fetch: Fetcher, clock: Clock, alg: str):
    async with OidcIssuer(clock.now, alg=alg) as issuer:
        tokens = IdTokens(Issuers(fetch, clock.monotonic), clock.now)

        assert await tokens.claims(issuer.id_token(BEGUN), expected(issuer)) == {
            "iss": issuer.url,
            "aud": CLIENT_ID,
            "exp": AT + 300,
            "iat": AT,
            "nonce": "n-1",
            "sub": "person-1",
        }


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": ["n-1"]},
        {"aud": "another"},
        {"aud": None},
        {"aud": [CLIENT_ID, "another"]},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"azp": "another"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": AT - LEEWAY},
        {"exp": None},
        {"exp": "soon"},
        {"iat": AT + LEEWAY + 1},
        {"iat": None},
        {"nbf": AT + LEEWAY + 1},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
    ids=str,
)
async def test_a_token_that_says_anything_else_is_not(tokens: IdTokens, issuer: OidcIssuer, claims: dict[str, Any]):
    issuer.claims = claims

    assert await refuses(tokens, issuer)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID},
        {"exp": AT - LEEWAY + 1},
        {"iat": AT + LEEWAY},
        {"extra": {"deep": [1]}},
    ],
    ids=str,
)
async def test_what_is_the_same_in_other_words_is_believed(
    tokens: IdTokens, issuer: OidcIssuer, claims: dict[str, Any]
):
    issuer.claims = claims

    assert (await tokens.claims(issuer.id_token(BEGUN), expected(issuer)))["sub"] == "person-1"


async def test_a_token_without_a_signature_is_nobody_s(tokens: IdTokens, issuer: OidcIssuer):
    issuer.forge = unsigned

    assert await refuses(tokens, issuer)
    assert issuer.asked["keys"] == 0


@pytest.mark.parametrize("name", ["HS256", "none", "RS512", "ES256K", "dir"])
def test_other_algorithms_are_not_served_whatever_a_header_says(name: str):
    with pytest.raises(UnsupportedAlgorithmError):
        _Algorithms().get_alg(name)


async def test_a_public_key_is_no_shared_secret(tokens: IdTokens, issuer: OidcIssuer):
    issuer.forge = signed_with_public_key(issuer)

    assert await refuses(tokens, issuer)


async def test_a_shared_secret_among_the_keys_serves_nobody(tokens: IdTokens, issuer: OidcIssuer):
    await tokens.claims(issuer.id_token(BEGUN), expected(issuer))
    shared = jwk.OctKey.import_key("0" * 64, {"kid": issuer.keys[0].kid})
    issuer.keys = [shared]
    issuer.forge = lambda header, claims: _encode({**header, "alg": "HS256"}, claims, shared)

    assert await refuses(tokens, issuer)


async def test_another_s_key_under_the_same_name_signs_nothing(tokens: IdTokens, issuer: OidcIssuer):
    await tokens.claims(issuer.id_token(BEGUN), expected(issuer))
    known = issuer.keys[0].kid
    issuer.rotate()
    issuer.header = {"kid": known}

    assert await refuses(tokens, issuer)


@pytest.mark.parametrize("changed", [{"use": "enc"}, {"alg": "PS256"}], ids=str)
async def test_a_key_for_something_else_is_not_used(tokens: IdTokens, issuer: OidcIssuer, changed: dict[str, str]):
    shown = issuer.keys[0].as_dict(private=True)
    issuer.keys = [jwk.import_key({**shown, **changed})]
    issuer.forge = lambda header, claims: _encode(header, claims, jwk.import_key(shown))

    assert await refuses(tokens, issuer)


async def test_a_short_key_is_not_used(tokens: IdTokens, issuer: OidcIssuer):
    with pytest.warns(match="2048"):
        issuer.keys = [jwk.generate_key("RSA", 1024, {"kid": "short"})]

    assert await refuses(tokens, issuer)


async def test_new_keys_are_looked_for_at_most_once_in_a_while(tokens: IdTokens, issuer: OidcIssuer, clock: Clock):
    await tokens.claims(issuer.id_token(BEGUN), expected(issuer))
    issuer.rotate()
    clock.advance(PATIENCE - 1)
    assert await refuses(tokens, issuer)
    assert issuer.asked["keys"] == 1

    clock.advance(1)
    assert (await tokens.claims(issuer.id_token(BEGUN), expected(issuer)))["sub"] == "person-1"
    for number in range(5):
        issuer.header = {"kid": f"made-up-{number}"}
        assert await refuses(tokens, issuer)
    assert issuer.asked["keys"] == 2


async def test_a_token_without_a_key_id_is_believed_while_there_is_one_key(tokens: IdTokens, issuer: OidcIssuer):
    issuer.header = {"kid": None}
    assert (await tokens.claims(issuer.id_token(BEGUN), expected(issuer)))["sub"] == "person-1"

    issuer.keys.append(jwk.generate_key("RSA", 2048, {"kid": "second"}))
    again = IdTokens(Issuers(tokens.issuers._fetch, tokens.issuers._monotonic), tokens.now)
    assert await refuses(again, issuer)


@pytest.mark.parametrize(
    "token",
    ["", ".", "a.b.c", "bnVsbA.e30.AA", "WzFd.e30.AA", "eyJhbGciOjV9.e30.AA", "é.b.c", "a" * (1 << 17), "[" * 9000],
    ids=lambda token: token[:12] or "nothing",
)
async def test_what_is_no_token_is_refused(tokens: IdTokens, issuer: OidcIssuer, token: str):
    assert await refuses(tokens, issuer, token)


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"b64": False, "crit": ["b64"]}], ids=str)
async def test_a_header_that_must_be_understood_and_is_not_is_refused(
    tokens: IdTokens, issuer: OidcIssuer, header: dict[str, Any]
):
    key = issuer.keys[0]
    issuer.forge = lambda head, claims: _raw({**head, **header}, claims, key)

    assert await refuses(tokens, issuer)


async def test_a_token_expires_with_the_clock(tokens: IdTokens, issuer: OidcIssuer, clock: Clock):
    token = issuer.id_token(BEGUN)
    clock.instant += timedelta(seconds=300 + LEEWAY)

    assert await refuses(tokens, issuer, token)


def _encode(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
    return jwt.encode(header, claims, key, algorithms=[header["alg"]])


def _raw(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
    """A good signature over a header that the library would not write."""

    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    signed = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    return f"{signed}.{part(key.private_key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"
