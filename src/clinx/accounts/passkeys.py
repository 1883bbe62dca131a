"""Passkeys: registered once, they prove who somebody is by signing a challenge for the pages they were made for.

They are a second factor, a way to step up, and, when the device has verified its holder, all that is needed to sign
in. The library that checks signatures is imported only where passkeys are offered.
"""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from clinx.accounts import challenges
from clinx.accounts.challenges import Purpose
from clinx.accounts.failures import FactorRefused, NotOffered
from clinx.accounts.second_factors import added, check_name
from clinx.domain.console import Console
from clinx.domain.identity import User
from clinx.domain.session import Challenge, FactorKind, SecondFactor
from clinx.storage import second_factors
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from clinx.storage.second_factors import NewFactor, StoredFactor

LIFETIME: Final = timedelta(minutes=5)
"""How long a ceremony may take."""
REGISTRATION: Final = "passkey_registration"
AUTHENTICATION: Final = "passkey_authentication"
_LONGEST_ANSWER: Final = 65_536
_CHALLENGE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom passkeys are made for."""

    id: str
    """A host."""
    name: str
    origins: tuple[str, ...]
    """Of pages that may use them."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What a browser needs to make or to use a passkey."""

    options: str = field(repr=False)
    """JSON, as browsers take it."""
    secret: str = field(repr=False)
    """Handed back with the browser's answer."""


def relying_party(console: Console) -> RelyingParty:
    """Return whom passkeys are made for: the host of the frontend, else of the gateway.

    Raises:
        NotOffered: the tree does not offer passkeys, or names no address.
    """
    addresses = [address for address in (console.url, console.address) if address]
    host = urlsplit(addresses[0]).hostname if addresses else None
    if not console.sign_in.passkeys or host is None:
        raise NotOffered("passkeys are not offered", what="passkey")
    origins = dict.fromkeys(_origin(address) for address in (*addresses, *console.origins))
    return RelyingParty(host, console.name, tuple(origins))


class Passkeys:
    """Registers passkeys and checks what they sign."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        """Wire it."""
        self._database = database
        self._now = now

    async def begin_registration(self, user: User, party: RelyingParty) -> Ceremony:
        """Begin to make a passkey for a user who is signed in.

        Raises:
            NotOffered: this gateway was installed without passkeys.
            StorageUnavailable: the database cannot be written now.
        """
        webauthn = _library()
        structs = webauthn.helpers.structs
        known = [factor for factor in await self._of_user(user) if factor.factor.public_id]
        options = webauthn.generate_registration_options(
            rp_id=party.id,
            rp_name=party.name,
            user_name=user.name,
            user_id=_handle(user),
            user_display_name=user.display_name or user.name,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.PREFERRED,
                user_verification=structs.UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=[_descriptor(structs, factor) for factor in known],
        )
        return await self._ceremony(REGISTRATION, webauthn, options, user)

    async def finish_registration(
        self, user: User, party: RelyingParty, *, secret: str, answer: str, name: str
    ) -> SecondFactor:
        """Keep the passkey that a browser made for the user.

        Raises:
            ChallengeRefused: the ceremony is not known, was finished before, or took too long.
            FactorRefused: the answer is not one to this ceremony, or the passkey is known already.
            ProfileInvalid: the name is too long, or cannot be shown.
            TooMany: the user has as many factors as anybody may.
            NotOffered: this gateway was installed without passkeys.
        """
        webauthn = _library()
        name = check_name(name or "passkey")
        ceremony = await challenges.claim(self._database, REGISTRATION, secret, at=self._now())
        try:
            if ceremony.user_id != user.id:
                raise _refused()
            made = webauthn.verify_registration_response(
                credential=_parsed(answer),
                expected_challenge=_unbase64(ceremony.data["challenge"]),
                expected_rp_id=party.id,
                expected_origin=list(party.origins),
            )
            return await self._database.atomically(added(self._new(user, name, made)))
        except (webauthn.helpers.exceptions.WebAuthnException, StorageRefused, ValueError) as error:
            raise _refused() from error

    async def begin_authentication(self, party: RelyingParty, user: User | None) -> Ceremony:
        """Begin to prove who somebody is: this user, or whoever's passkey the browser finds.

        Raises:
            NotOffered: this gateway was installed without passkeys.
            StorageUnavailable: the database cannot be written now.
        """
        webauthn = _library()
        structs = webauthn.helpers.structs
        known = [] if user is None else await self._of_user(user)
        needed = structs.UserVerificationRequirement
        options = webauthn.generate_authentication_options(
            rp_id=party.id,
            allow_credentials=[_descriptor(structs, factor) for factor in known],
            user_verification=needed.REQUIRED if user is None else needed.PREFERRED,
        )
        return await self._ceremony(AUTHENTICATION, webauthn, options, user)

    async def finish_authentication(
        self, party: RelyingParty, *, secret: str, answer: str, user_id: int | None = None
    ) -> int:
        """Return the id of the user whom a passkey's signature proves.

        Args:
            party: whom the passkey was made for.
            secret: of the ceremony.
            answer: the browser's.
            user_id: who has to be proved; None is whoever it is, and takes a ceremony that was begun for nobody, so
                that the device has verified its holder.

        Raises:
            ChallengeRefused: the ceremony is not known, was finished before, or took too long.
            FactorRefused: the answer proves nothing, or somebody else.
            NotOffered: this gateway was installed without passkeys.
        """
        webauthn = _library()
        ceremony = await challenges.claim(self._database, AUTHENTICATION, secret, at=self._now())
        try:
            parsed = _parsed(answer)
            stored = await second_factors.find_passkey(self._database, _public_id(parsed))
            if stored is None or not _is_meant(ceremony, stored, user_id):
                raise _refused()
            count = _verified(webauthn, party, ceremony, stored, parsed)
        except (webauthn.helpers.exceptions.WebAuthnException, ValueError) as error:
            raise _refused() from error
        if not await self._take_note(stored, count):
            raise _refused()
        return stored.factor.user_id

    async def _take_note(self, stored: StoredFactor, count: int) -> bool:
        """Write the count of signatures; False when it did not grow: somebody has a copy of the passkey."""
        at = self._now()
        if count:
            return await self._database.atomically(second_factors.advance(stored.factor.id, count, at))
        return await self._database.atomically(second_factors.note_uncounted(stored.factor.id, at))

    async def _of_user(self, user: User) -> list[StoredFactor]:
        stored = await second_factors.of_user(self._database, user.id)
        return [found for found in stored if found.factor.kind is FactorKind.PASSKEY]

    async def _ceremony(self, kind: str, webauthn: Any, options: Any, user: User | None) -> Ceremony:
        data = {"challenge": _base64(options.challenge)}
        purpose = Purpose(kind, LIFETIME, None if user is None else user.id, data=data)
        made = await challenges.make(self._database, purpose, at=self._now())
        return Ceremony(webauthn.options_to_json(options), made.secret)

    def _new(self, user: User, name: str, made: Any) -> NewFactor:
        at = self._now()
        return NewFactor(
            user.id,
            FactorKind.PASSKEY,
            name,
            _base64(made.credential_public_key),
            at,
            public_id=_base64(made.credential_id),
            counter=made.sign_count,
            confirmed_at=at,
        )


def _library() -> Any:
    """Return the library, which is an extra and takes long to import."""
    try:
        webauthn = importlib.import_module("webauthn")
    except ImportError as error:
        raise NotOffered("passkeys need the extra: pip install 'clinx[passkeys]'", what="passkey") from error
    return webauthn


def _verified(webauthn: Any, party: RelyingParty, ceremony: Challenge, stored: StoredFactor, answer: Any) -> int:
    """Return the count of signatures of an answer that is right."""
    verified = webauthn.verify_authentication_response(
        credential=answer,
        expected_challenge=_unbase64(ceremony.data["challenge"]),
        expected_rp_id=party.id,
        expected_origin=list(party.origins),
        credential_public_key=_unbase64(stored.secret),
        credential_current_sign_count=stored.counter,
        require_user_verification=ceremony.user_id is None,
    )
    return verified.new_sign_count


def _is_meant(ceremony: Challenge, stored: StoredFactor, user_id: int | None) -> bool:
    """Say whether a passkey is of who has to be proved, and of who the ceremony was begun for."""
    if user_id is None:
        return ceremony.user_id is None
    return stored.factor.user_id == user_id and ceremony.user_id in {None, user_id}


def _parsed(answer: str) -> dict[str, Any]:
    if len(answer) > _LONGEST_ANSWER:
        raise _refused()
    parsed = json.loads(answer)
    if not isinstance(parsed, dict):
        raise _refused()
    return parsed  # pyright: ignore[reportUnknownVariableType]  (wire JSON)


def _public_id(answer: dict[str, Any]) -> str:
    found = answer.get("rawId")
    # What cannot be in base64url is not asked for: a database may refuse to look at it.
    return found.rstrip("=") if isinstance(found, str) and found.isascii() and found.isprintable() else ""


def _descriptor(structs: Any, stored: StoredFactor) -> Any:
    return structs.PublicKeyCredentialDescriptor(id=_unbase64(stored.factor.public_id or ""))


def _handle(user: User) -> bytes:
    """Return what a device keeps of the user: the id, which says nothing to others."""
    return f"clinx:{user.id}".encode()


def _origin(address: str) -> str:
    split = urlsplit(address)
    return f"{split.scheme}://{split.netloc}"


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _refused() -> FactorRefused:
    return FactorRefused("this passkey did not prove who you are")
