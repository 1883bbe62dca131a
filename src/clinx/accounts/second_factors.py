"""Second factors that are codes: of an authenticator app, and on paper. Passkeys are in `passkeys`.

A code of an app is good for its half minute and the ones beside it, and once: the step it was of is kept, and no step
up to it proves anything again. Its secret is sealed. Codes on paper are kept as digests, and each is good once.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from pyotp import random_base32
from pyotp.totp import TOTP

from clinx.accounts.challenges import digest
from clinx.accounts.failures import FactorRefused, NotFound, ProfileInvalid, TooMany
from clinx.accounts.sealing import Sealer
from clinx.domain.identity import User
from clinx.domain.session import FactorKind, SecondFactor
from clinx.storage import second_factors
from clinx.storage.database import Database
from clinx.storage.program import Program
from clinx.storage.second_factors import NewFactor, StoredFactor

MOST: Final = 20
"""Apps and passkeys of one user."""
BACKUPS: Final = 10
"""Codes on paper that are made at once."""
PURPOSE: Final = "totp"
"""What secrets of apps are sealed for."""
_STEP: Final = 30
"""Seconds that a code is shown for."""
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Without letters that look like digits or like one another."""
_ALIKE: Final = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None})
_SIGNS: Final = 16
"""80 bits."""
_GROUP: Final = 4
_LONGEST_CODE: Final = 64
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class TotpSetup:
    """What an authenticator app needs: the only time anybody sees it."""

    factor: SecondFactor
    secret: str = field(repr=False)
    """In base32, for those who type it."""
    uri: str = field(repr=False)
    """``otpauth://``, for a picture that is scanned."""


@dataclass(frozen=True, slots=True)
class Held:
    """The second factors of a user."""

    factors: tuple[SecondFactor, ...]
    """Apps and passkeys that are confirmed, oldest first."""
    backups: int
    """Codes on paper that are left."""

    @property
    def kinds(self) -> tuple[FactorKind, ...]:
        """Ways of proving, if there are any factors at all."""
        kinds = dict.fromkeys(factor.kind for factor in self.factors)
        return (*kinds, FactorKind.BACKUP) if kinds and self.backups else tuple(kinds)


class SecondFactors:
    """Sets up, proves and removes second factors."""

    def __init__(self, database: Database, sealer: Sealer, *, now: Callable[[], datetime]) -> None:
        """Wire it."""
        self._database = database
        self._sealer = sealer
        self._now = now

    async def held(self, user: User) -> Held:
        """Return the second factors of a user."""
        stored = await second_factors.of_user(self._database, user.id)
        factors = (found.factor for found in stored if found.factor.kind is not FactorKind.BACKUP)
        backups = sum(found.factor.kind is FactorKind.BACKUP and found.factor.used_at is None for found in stored)
        return Held(tuple(factor for factor in factors if factor.confirmed_at is not None), backups)

    async def begin_totp(self, user: User, issuer: str, name: str = "") -> TotpSetup:
        """Make a secret for an app; it proves nothing before `confirm_totp`. One that was begun before is dropped.

        Args:
            user: whose it is.
            issuer: what the app calls this gateway.
            name: what the user calls the app.

        Raises:
            ProfileInvalid: the name is too long, or cannot be shown.
            TooMany: the user has `MOST` factors.
            StorageUnavailable: the database cannot be written now.
        """
        secret = random_base32()
        sealed = self._sealer.seal(secret, PURPOSE, user.id)
        new = NewFactor(user.id, FactorKind.TOTP, check_name(name or "app"), sealed, self._now())
        factor = await self._database.atomically(_begun(new))
        uri = TOTP(secret).provisioning_uri(name=user.name, issuer_name=issuer)
        return TotpSetup(factor, secret, uri)

    async def confirm_totp(self, user: User, factor_id: int, code: str) -> None:
        """Let a secret that was begun count from now on, if the app shows the right code.

        Raises:
            NotFound: there is no such one that waits for it.
            FactorRefused: the code is wrong.
        """
        for stored in await second_factors.of_user(self._database, user.id):
            if stored.factor.id == factor_id and stored.factor.kind is FactorKind.TOTP:
                if stored.factor.confirmed_at is None and await self._is_shown(stored, code):
                    return
                raise FactorRefused("the code is wrong, or was used")
        raise NotFound("there is no such second factor")

    async def prove(self, user: User, kind: FactorKind, code: str) -> None:
        """Let a code pass that proves who the user is; it proves it once.

        Raises:
            FactorRefused: it is wrong or was used, or the user has no such factor.
            Unsealable: the gateway's key is another one than when the factor was made.
        """
        good = False
        if len(code) <= _LONGEST_CODE:
            good = await (self._is_backup(user, code) if kind is FactorKind.BACKUP else self._is_totp(user, code))
        if not good:
            raise FactorRefused("the code is wrong, or was used")

    async def make_backups(self, user: User) -> list[str]:
        """Make new codes on paper and return them: the only time anybody sees them. Those of before are nothing."""
        codes = ["".join(secrets.choice(_ALPHABET) for _ in range(_SIGNS)) for _ in range(BACKUPS)]
        digests = [_digest(user, code) for code in codes]
        await self._database.atomically(second_factors.replace_backups(user.id, digests, self._now()))
        return ["-".join(code[at : at + _GROUP] for at in range(0, _SIGNS, _GROUP)) for code in codes]

    async def rename(self, user: User, factor_id: int, name: str) -> SecondFactor:
        """Call an app or a passkey otherwise.

        Raises:
            ProfileInvalid: the name is too long, or cannot be shown.
            NotFound: it is not there, or not theirs.
        """
        renamed = await self._database.atomically(second_factors.rename(user.id, factor_id, check_name(name)))
        if renamed is None:
            raise NotFound("there is no such second factor")
        return renamed

    async def remove(self, user: User, factor_id: int) -> None:
        """Remove a factor; with the last one go the codes on paper.

        Raises:
            NotFound: it is not there, or not theirs.
        """
        if not await self._database.atomically(second_factors.remove(user.id, factor_id)):
            raise NotFound("there is no such second factor")
        if not (await self.held(user)).factors:
            await self.reset(user)

    async def reset(self, user: User) -> int:
        """Remove all second factors of a user: for an admin, when somebody lost theirs. Return how many there were."""
        return await self._database.atomically(second_factors.remove_all(user.id))

    async def _is_totp(self, user: User, code: str) -> bool:
        for stored in await second_factors.of_user(self._database, user.id):
            is_app = stored.factor.kind is FactorKind.TOTP and stored.factor.confirmed_at is not None
            if is_app and await self._is_shown(stored, code):
                return True
        return False

    async def _is_shown(self, stored: StoredFactor, code: str) -> bool:
        """Say whether an app shows a code now, give or take a step, and that it was not used: it is from now on."""
        at = self._now()
        totp = TOTP(self._sealer.open(stored.secret, PURPOSE, stored.factor.user_id))
        now = int(at.astimezone(UTC).timestamp()) // _STEP
        given = "".join(code.split()).encode("utf-8", "replace")
        steps = [
            step for step in (now - 1, now, now + 1) if hmac.compare_digest(totp.generate_otp(step).encode(), given)
        ]
        if not steps:
            return False
        return await self._database.atomically(second_factors.advance(stored.factor.id, max(steps), at))

    async def _is_backup(self, user: User, code: str) -> bool:
        return await self._database.atomically(second_factors.use_backup(user.id, _digest(user, code), self._now()))


def added(new: NewFactor) -> Program[SecondFactor]:
    """Write a factor, if its user has room for one more.

    Raises:
        TooMany: the user has `MOST`.
        StorageRefused: its public id is taken.
    """
    if (yield from second_factors.count(new.user_id)) >= MOST:
        raise TooMany("second_factor", MOST)
    return (yield from second_factors.insert(new))


def check_name(name: str) -> str:
    """Return what a user calls a factor.

    Raises:
        ProfileInvalid: it is too long, or cannot be shown.
    """
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise ProfileInvalid(f"a name has 1 to {_LONGEST_NAME} printable characters", what="name", most=_LONGEST_NAME)
    return name


def _begun(new: NewFactor) -> Program[SecondFactor]:
    yield from second_factors.remove_unconfirmed(new.user_id, new.kind)
    return (yield from added(new))


def _digest(user: User, code: str) -> str:
    """Bind a code on paper to its user, however it is written."""
    return digest(f"backup\0{user.id}\0{code.lower().translate(_ALIKE)}")
