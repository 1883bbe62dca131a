"""Signing in: a password, a passkey or another service says who somebody is; who has a second factor proves that, too.

Whoever has proved enough gets a session. Between the two steps there is only a one-time secret, which proves nothing
by itself. What is refused says the same, after the same work, whether the account exists or not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from clinx.accounts import challenges, passkeys
from clinx.accounts.challenges import Purpose
from clinx.accounts.failures import (
    AccountDisabled,
    ChallengeRefused,
    EmailUnverified,
    FactorRefused,
    NotOffered,
    SignInRefused,
)
from clinx.accounts.passkeys import Ceremony, Passkeys
from clinx.accounts.passwords import Passwords
from clinx.accounts.second_factors import SecondFactors
from clinx.accounts.sessions import Opened, Sessions, Visitor
from clinx.accounts.throttle import Throttle, Ticket
from clinx.domain.console import Console, EmailRule
from clinx.domain.identity import Status, User
from clinx.domain.session import FactorKind, Session
from clinx.storage import users
from clinx.storage.database import Database

SECOND_STEP: Final = "second_factor"
"""The kind of the secret between the two steps."""
BETWEEN: Final = timedelta(minutes=10)
"""How long the second step may take."""
PASSWORD: Final = "password"  # noqa: S105  (a method's name)
PASSKEY: Final = "passkey"
_LONGEST_LOGIN: Final = 254


@dataclass(frozen=True, slots=True)
class FactorNeeded:
    """The first step was good; one of the user's second factors is to follow."""

    secret: str = field(repr=False)
    """Handed back with the second step."""
    kinds: tuple[FactorKind, ...]


@dataclass(frozen=True, slots=True)
class Proofs:
    """The ways of proving who one is."""

    passwords: Passwords
    factors: SecondFactors
    passkeys: Passkeys
    sessions: Sessions
    throttle: Throttle


class SignIn:
    """Lets people in."""

    def __init__(
        self, database: Database, proofs: Proofs, *, console: Callable[[], Console], now: Callable[[], datetime]
    ) -> None:
        """Wire it; the console is asked each time, for the tree may change."""
        self._database = database
        self._passwords = proofs.passwords
        self._factors = proofs.factors
        self._passkeys = proofs.passkeys
        self._sessions = proofs.sessions
        self._throttle = proofs.throttle
        self._console = console
        self._now = now

    async def with_password(self, login: str, password: str, visitor: Visitor) -> Opened | FactorNeeded:
        """Take a name or an address, and a password.

        Raises:
            NotOffered: passwords are not.
            SignInRefused: they do not belong together, there is no such account, or too many were wrong that were
                sent with the account's other name.
            TooManyAttempts: too many were wrong with this one.
            AccountDisabled, EmailUnverified: the password is right, and the account may not be used.
        """
        if not self._console().sign_in.password:
            raise NotOffered("passwords are not offered", what=PASSWORD)
        user = await self._user(login)
        typed = await self._throttle.sign_in(login, visitor.address)
        meant = await self._throttle.account(login, None if user is None else user.id)
        is_right = await self._passwords.is_right(user, password)
        if user is None or meant is None or not is_right:
            raise SignInRefused("the name or the password is wrong")
        for ticket in (typed, meant):
            await self._throttle.give_back(ticket)
        return await self.admit(user, PASSWORD, visitor)

    async def admit(self, user: User, method: str, visitor: Visitor) -> Opened | FactorNeeded:
        """Let in a user whom a first step has proved: a session, or the question for a second factor.

        Args:
            user: who it is.
            method: how they proved it: `PASSWORD`, or the name of another service.
            visitor: where from.

        Raises:
            AccountDisabled: the operator has disabled the account.
            EmailUnverified: the account needs a verified address first.
        """
        self._check(user)
        held = await self._factors.held(user)
        if not held.kinds:
            return await self._open(user, method, visitor)
        purpose = Purpose(SECOND_STEP, BETWEEN, user.id, data={"method": method})
        made = await challenges.make(self._database, purpose, at=self._now())
        return FactorNeeded(made.secret, held.kinds)

    async def with_code(self, secret: str, kind: FactorKind, code: str, visitor: Visitor) -> Opened:
        """Take the second step with a code of an app or of paper.

        Raises:
            ChallengeRefused: the first step is not known, too long ago, or was followed by too many wrong codes.
            FactorRefused: the code is wrong, or was used.
            TooManyAttempts: too many were wrong.
            AccountDisabled, EmailUnverified: the account may not be used any more.
        """
        step = await challenges.attempt(self._database, SECOND_STEP, secret, at=self._now())
        user = await self._of_step(step.user_id)
        ticket = await self._prove(user, kind, code, visitor)
        await challenges.claim(self._database, SECOND_STEP, secret, at=self._now())
        await self._throttle.give_back(ticket)
        return await self._open(user, step.data["method"], visitor)

    async def begin_passkey(self, visitor: Visitor, secret: str | None = None) -> Ceremony:
        """Begin to prove by a passkey: the second step of a secret, or without one all there is to it.

        Raises:
            NotOffered: passkeys are not.
            TooManyAttempts: too many were begun from there.
            ChallengeRefused: the first step is not known, too long ago, or was followed by too many tries.
        """
        party = passkeys.relying_party(self._console())
        user = None
        if secret is None:
            await self._throttle.ceremony(visitor.address)
        else:
            step = await challenges.attempt(self._database, SECOND_STEP, secret, at=self._now())
            user = await self._of_step(step.user_id)
        return await self._passkeys.begin_authentication(party, user)

    async def with_passkey(
        self, ceremony: str, answer: str, visitor: Visitor, *, second_step: str | None = None
    ) -> Opened:
        """Take what a browser's passkey signed: the second step of a secret, or without one all there is to it.

        Raises:
            NotOffered: passkeys are not.
            ChallengeRefused: the ceremony or the first step is not known, was used, or took too long.
            FactorRefused: the passkey does not prove who it has to.
            TooManyAttempts: too many came from there.
            AccountDisabled, EmailUnverified: the account may not be used.
        """
        party = passkeys.relying_party(self._console())
        ticket = await self._throttle.challenge(visitor.address)
        first = None
        if second_step is not None:
            first = await challenges.attempt(self._database, SECOND_STEP, second_step, at=self._now())
        user_id = await self._passkeys.finish_authentication(
            party, secret=ceremony, answer=answer, user_id=None if first is None else first.user_id
        )
        if second_step is not None:
            await challenges.claim(self._database, SECOND_STEP, second_step, at=self._now())
        await self._throttle.give_back(ticket)
        method = PASSKEY if first is None else first.data["method"]
        return await self._open(await self._of_step(user_id), method, visitor)

    async def step_up_with_password(self, user: User, session: Session, password: str, visitor: Visitor) -> None:
        """Prove again who one is, by the password; who has a second factor proves it by that.

        Raises:
            FactorRefused: there is a second factor, and this is none.
            SignInRefused: the password is wrong, or there is none.
            TooManyAttempts: too many were wrong.
        """
        ticket = await self._throttle.factor(user.id, visitor.address)
        good = await self._passwords.is_right(user, password)
        if (await self._factors.held(user)).kinds:
            raise FactorRefused("a second factor is needed")
        if not good:
            raise SignInRefused("the password is wrong")
        await self._throttle.give_back(ticket)
        await self._sessions.step_up(session)

    async def step_up_with_code(
        self, user: User, session: Session, kind: FactorKind, code: str, visitor: Visitor
    ) -> None:
        """Prove again who one is, by a code.

        Raises:
            FactorRefused: the code is wrong, or was used.
            TooManyAttempts: too many were wrong.
        """
        await self._throttle.give_back(await self._prove(user, kind, code, visitor))
        await self._sessions.step_up(session)

    async def begin_passkey_step_up(self, user: User) -> Ceremony:
        """Begin to prove again who one is, by a passkey.

        Raises:
            NotOffered: passkeys are not.
        """
        return await self._passkeys.begin_authentication(passkeys.relying_party(self._console()), user)

    async def step_up_with_passkey(self, user: User, session: Session, *, ceremony: str, answer: str) -> None:
        """Prove again who one is, by what a browser's passkey signed.

        Raises:
            NotOffered: passkeys are not.
            ChallengeRefused: the ceremony is not known, was used, or took too long.
            FactorRefused: the passkey does not prove that it is this user.
        """
        party = passkeys.relying_party(self._console())
        await self._passkeys.finish_authentication(party, secret=ceremony, answer=answer, user_id=user.id)
        await self._sessions.step_up(session)

    async def _user(self, login: str) -> User | None:
        """Return the user of a verified address or else of a name, with as many looks whoever it is."""
        login = login.strip()[:_LONGEST_LOGIN] if login.isprintable() else ""
        by_email = await users.find_by_email(self._database, login.lower())
        by_name = await users.find(self._database, login)
        return by_email or by_name

    async def _of_step(self, user_id: int | None) -> User:
        user = None if user_id is None else await users.get(self._database, user_id)
        if user is None:
            raise ChallengeRefused("this sign-in is not known any more")
        self._check(user)
        return user

    async def _prove(self, user: User, kind: FactorKind, code: str, visitor: Visitor) -> Ticket:
        if kind is FactorKind.PASSKEY:
            raise FactorRefused("a passkey is no code")
        ticket = await self._throttle.factor(user.id, visitor.address)
        await self._factors.prove(user, kind, code)
        return ticket

    def _check(self, user: User) -> None:
        if user.status is not Status.ACTIVE:
            raise AccountDisabled("this account is disabled")
        if self._console().registration.email is EmailRule.REQUIRED and not _is_let_be(user):
            raise EmailUnverified("the address of this account has to be verified first")

    async def _open(self, user: User, method: str, visitor: Visitor) -> Opened:
        return await self._sessions.open(user, method, visitor, lifetime=self._console().sign_in.session)


def _is_let_be(user: User) -> bool:
    """Say whether a user has a verified address, or was made by an operator, who did not ask for one."""
    return user.email_verified_at is not None or user.email is None
