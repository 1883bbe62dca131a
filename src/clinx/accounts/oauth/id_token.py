"""An ID token verified: who signed it, for whom, when, and in answer to which trip."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from joserfc import jwk, jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from clinx.accounts.oauth.issuers import Issuers, Jwk
from clinx.accounts.oauth.refusals import IssuerRefused

LEEWAY: Final = 60
"""Seconds that clocks may differ by."""
KEY_TYPES: Final[Mapping[str, str]] = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""Algorithms that are believed, with the keys they need. None is served by a key that is a shared secret."""
_LEAST_MODULUS: Final = 342
"""Signs of base64 in the modulus of a key of 2048 bits."""
_LONGEST_HEADER: Final = 4096
_LONGEST: Final = 64 << 10


class _Algorithms(JWSRegistry):
    """The algorithms above and no others."""

    max_header_length = _LONGEST_HEADER

    def __init__(self) -> None:
        super().__init__(algorithms=tuple(KEY_TYPES), strict_check_header=False)

    def get_alg(self, name: str) -> Any:
        # As the library does it, without its warning that EdDSA has a younger name.
        if name not in KEY_TYPES:
            return super().get_alg(name)
        return self.algorithms[name]


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say."""

    issuer: str
    client_id: str
    nonce: str


@dataclass(frozen=True, slots=True)
class IdTokens:
    """Verifies ID tokens with their issuers' keys."""

    issuers: Issuers
    now: Callable[[], datetime]

    async def claims(self, token: str, expected: Expected) -> Mapping[str, Any]:
        """Return what a token says, once it is proved that the issuer said it now, to us, about this trip.

        Raises:
            AccountError: it is not.
        """
        header = _header(token)
        if header.alg not in KEY_TYPES:
            raise IssuerRefused
        keys = _fitting(await self.issuers.keys(expected.issuer, header.kid), header)
        if len(keys) != 1:  # Nobody's, or it does not say whose.
            raise IssuerRefused
        try:
            claims = jwt.decode(token, jwk.import_key(dict(keys[0])), registry=_Algorithms()).claims
            _check(claims, expected, int(self.now().timestamp()))
        except (JoseError, ValueError, TypeError) as error:
            raise IssuerRefused from error
        return claims


def _header(token: str) -> _Header:
    text = token.partition(".")[0]
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if len(token) <= _LONGEST else b""
        return msgspec.json.decode(raw, type=_Header)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise IssuerRefused from error


def _fitting(keys: Sequence[Jwk], header: _Header) -> Sequence[Jwk]:
    """Return the keys that may have signed: public ones of the algorithm's type, meant for signatures."""
    return [
        key
        for key in keys
        if key.get("kty") == KEY_TYPES[header.alg]
        and key.get("use", "sig") == "sig"
        and key.get("alg", header.alg) == header.alg
        and (header.kid is None or key.get("kid") == header.kid)
        and (key.get("kty") != "RSA" or len(str(key.get("n", ""))) >= _LEAST_MODULUS)
    ]


def _check(claims: dict[str, Any], expected: Expected, now: int) -> None:
    """Compare a token's claims with what they must be.

    Raises:
        JoseError: one is missing or another.
    """
    jwt.JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY,
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.client_id},
        nonce={"essential": True, "value": expected.nonce},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    ).validate(claims)
    is_alone = claims["aud"] in (expected.client_id, [expected.client_id])
    if claims.get("azp", expected.client_id if is_alone else None) != expected.client_id:
        raise ValueError("the token was made for somebody else")
    if not isinstance(claims["iss"], str) or not isinstance(claims["nonce"], str):
        raise TypeError("a claim that is text is none")
