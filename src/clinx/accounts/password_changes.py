"""New passwords: chosen by whoever knows the old one, or by whoever can read the account's mail."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from clinx.accounts import challenges, passwords
from clinx.accounts.challenges import Purpose
from clinx.accounts.email_addresses import Correspondence
from clinx.accounts.failures import ChallengeRefused, SignInRefused
from clinx.accounts.passwords import Passwords
from clinx.accounts.sessions import Sessions, Visitor, end_all
from clinx.domain.identity import Status, User
from clinx.domain.session import Session
from clinx.storage import challenges as stored_challenges
from clinx.storage import passwords as hashes
from clinx.storage import sessions as stored_sessions
from clinx.storage import users
from clinx.storage.database import Database
from clinx.storage.program import Program

RESET: Final = "reset_password"
LIFETIME: Final = timedelta(minutes=30)
"""How long a link of a letter may be used."""
PAGE: Final = "/reset-password#token="
_RANDOM_BYTES: Final = 15
_LONGEST_EMAIL: Final = 254


class PasswordChanges:
    """Writes new passwords, and ends the sessions that the old one opened."""

    def __init__(
        self, database: Database, passwords: Passwords, sessions: Sessions, correspondence: Correspondence
    ) -> None:
        """Wire it."""
        self._database = database
        self._passwords = passwords
        self._sessions = sessions
        self._correspondence = correspondence

    async def change(self, user: User, session: Session, *, old: str | None, new: str, visitor: Visitor) -> None:
        """Give a user a new password: they know the old one, or have proved a moment ago who they are.

        Their other sessions end.

        Raises:
            SignInRefused: the old one is wrong.
            StepUpRequired: no old one is given, and the last proof was too long ago.
            PasswordInvalid: nobody should have the new one.
            TooManyAttempts: too many were wrong.
        """
        passwords.check(new, (user.name, user.email or ""))
        if old is None:
            self._sessions.check_step_up(session, self._correspondence.console().sign_in.step_up)
        else:
            ticket = await self._correspondence.throttle.factor(user.id, visitor.address)
            if not await self._passwords.is_right(user, old):
                raise SignInRefused("the password is wrong")
            await self._correspondence.throttle.give_back(ticket)
        hash_ = await self._passwords.hash(new)
        await self._database.atomically(_changed(user.id, hash_, self._correspondence.now(), keep=session.id))
        await self._tell(user)

    async def ask_for_reset(self, email: str, visitor: Visitor) -> None:
        """Write to an address how to choose a new password, if an account has verified it; nobody is told whether.

        Raises:
            NotOffered: this gateway writes no e-mails.
            TooManyAttempts: too much was asked for, for that address or from there.
        """
        address = email.strip().lower()[:_LONGEST_EMAIL] if email.isprintable() else ""
        self._correspondence.link(PAGE, "")
        await self._correspondence.throttle.mail(address, visitor.address)
        user = await users.find_by_email(self._database, address)
        # Made for nobody as well: the answer takes as long.
        purpose = Purpose(RESET, LIFETIME, None if user is None else user.id)
        made = await challenges.make(self._database, purpose, at=self._correspondence.now())
        if user is not None and user.status is Status.ACTIVE:
            link = self._correspondence.link(PAGE, made.secret)
            await self._correspondence.write(user, address, "reset_password", link=link)

    async def reset(self, secret: str, new: str, visitor: Visitor) -> User:
        """Take the secret of a link and give the user a new password; all their sessions end.

        Second factors stay: a letter is not proof enough to sign in without them.

        Raises:
            PasswordInvalid: nobody should have it; the link is still good.
            ChallengeRefused: the link is not known, was used, or is too old.
            TooManyAttempts: too many were tried from there.
        """
        passwords.check(new)
        ticket = await self._correspondence.throttle.challenge(visitor.address)
        found = await challenges.claim(self._database, RESET, secret, at=self._correspondence.now())
        await self._correspondence.throttle.give_back(ticket)
        user = None if found.user_id is None else await users.get(self._database, found.user_id)
        if user is None:
            raise ChallengeRefused("there is no such account any more")
        await self._set(user, new)
        await self._tell(user)
        return user

    async def _set(self, user: User, new: str) -> None:
        hash_ = await self._passwords.hash(new)
        await self._database.atomically(_changed(user.id, hash_, self._correspondence.now(), keep=None))

    async def _tell(self, user: User) -> None:
        if user.email is not None and user.email_verified_at is not None:
            await self._correspondence.write(user, user.email, "password_changed")


async def set_password(database: Database, passwords: Passwords, user: User, new: str, *, at: datetime) -> None:
    """Give a user a password, for an operator; all their sessions end.

    Raises:
        PasswordInvalid: nobody should have it.
        StorageUnavailable: the database cannot be written now.
    """
    _check(new, user)
    await database.atomically(_changed(user.id, await passwords.hash(new), at, keep=None))


def draw() -> str:
    """Return a random password: 20 characters, 120 bits."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def _check(new: str, user: User) -> None:
    passwords.check(new, (user.name, user.email or ""))


def _changed(user_id: int, hash_: str, at: datetime, *, keep: int | None) -> Program[None]:
    """Write a hash, end sessions (all, or all but one), and drop what others may have begun: links, other addresses."""
    yield from hashes.save(user_id, hash_, at)
    yield from stored_challenges.drop_all(user_id)
    if keep is None:
        yield from end_all(user_id, at)
    else:
        yield from stored_sessions.remove_all(user_id, but=keep)
