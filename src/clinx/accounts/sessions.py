"""Sessions: a visit of the console, known by a secret that the browser keeps in a cookie.

The secret is new at every sign-in. What is stored is its SHA-256, so a stolen database signs nobody in. The user is
read with the session, in one statement and uncached: a demotion, a disablement or a raised epoch counts at once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from clinx.accounts.challenges import LONGEST, digest
from clinx.accounts.failures import AccountDisabled, NotFound, StepUpRequired
from clinx.domain.identity import Status, User
from clinx.domain.session import Session
from clinx.storage import challenges, sessions, users
from clinx.storage.announcements import Topic, announce
from clinx.storage.database import Database
from clinx.storage.program import Program
from clinx.storage.sessions import NewSession

TOUCH: Final = timedelta(minutes=1)
"""How exactly it is known when a session was last used."""
_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where somebody signs in from."""

    address: str | None = None
    agent: str = ""
    """What the browser calls itself."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session with its secret: the only time anybody but the browser sees it."""

    session: Session
    user: User
    secret: str = field(repr=False)


class Sessions:
    """Opens, finds and ends sessions."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        """Wire it."""
        self._database = database
        self._now = now

    async def open(self, user: User, method: str, visitor: Visitor, *, lifetime: timedelta) -> Opened:
        """Open a session for a user who has just proved who they are.

        Raises:
            AccountDisabled: the operator has disabled the account.
            StorageUnavailable: the database cannot be written now.
        """
        if user.status is not Status.ACTIVE:
            raise AccountDisabled("this account is disabled")
        at = self._now()
        secret = secrets.token_urlsafe(_BYTES)
        new = NewSession(user.id, user.epoch, method, visitor.address, visitor.agent, at, at + lifetime)
        return Opened(await self._database.atomically(sessions.insert(new, digest(secret))), user, secret)

    async def find(self, secret: str | None) -> tuple[Session, User] | None:
        """Return the session a secret belongs to and its user, as they are now: see `find`."""
        return await find(self._database, secret, at=self._now())

    async def of_user(self, user: User) -> list[Session]:
        """Return the sessions of a user that have not ended, the latest used first."""
        return await sessions.of_user(self._database, user, self._now())

    async def end(self, user: User, session_id: int) -> None:
        """End one session of a user: sign out, or revoke another.

        Raises:
            NotFound: it has ended already, or it is not theirs.
        """
        if not await self._database.atomically(sessions.remove(user.id, session_id)):
            raise NotFound("there is no such session")

    async def end_of(self, secret: str | None) -> None:
        """End the session of a browser that gets another one: nobody has the secret of this any more.

        Raises:
            StorageUnavailable: the database cannot be written now.
        """
        if (found := await self.find(secret)) is not None:
            session, user = found
            await self._database.atomically(sessions.remove(user.id, session.id))

    async def end_others(self, user: User, keep: Session) -> int:
        """End all sessions of a user but one; return how many."""
        return await self._database.atomically(sessions.remove_all(user.id, but=keep.id))

    async def end_all(self, user: User) -> User:
        """Sign a user out everywhere; return the user as it is now.

        Raises:
            NotFound: the user is gone.
        """
        changed = await self._database.atomically(end_all(user.id, self._now()))
        if changed is None:
            raise NotFound(f"there is no user {user.name!r} any more")
        return changed

    async def step_up(self, session: Session) -> None:
        """Take note that the session's person has just proved again who they are.

        Raises:
            NotFound: the session has ended.
        """
        if not await self._database.atomically(sessions.step_up(session.id, self._now())):
            raise NotFound("there is no such session")

    def check_step_up(self, session: Session, within: timedelta) -> None:
        """Let a dangerous verb pass if the person proved lately who they are.

        Raises:
            StepUpRequired: they did not.
        """
        if session.stepped_up_at <= self._now() - within:
            raise StepUpRequired("this needs a fresh proof of who you are")

    async def prune(self) -> int:
        """Remove sessions whose time is over; return how many."""
        return await self._database.atomically(sessions.prune(self._now()))


async def find(database: Database, secret: str | None, *, at: datetime) -> tuple[Session, User] | None:
    """Return the session a secret belongs to and its user, as they are now; None when it signs nobody in.

    Raises:
        StorageUnavailable: the database cannot be used now.
    """
    if not secret or len(secret) > LONGEST:
        return None
    found = await sessions.find(database, digest(secret))
    if found is None or not _is_good(*found, at):
        return None
    if found[0].seen_at <= at - TOUCH:
        await database.atomically(sessions.touch(found[0].id, at, at - TOUCH))
    return found


def end_all(user_id: int, at: datetime) -> Program[User | None]:
    """Raise the epoch of a user, remove their sessions and tell every process; return the user as it is now.

    What was begun goes with them: whoever was signed in may have asked for an address of their own to be verified.
    """
    user = yield from users.raise_epoch(user_id)
    if user is not None:
        yield from sessions.remove_all(user_id)
        yield from challenges.drop_all(user_id)
        yield from announce(Topic.USER, str(user_id), at)
    return user


def _is_good(session: Session, user: User, at: datetime) -> bool:
    return session.expires_at > at and session.epoch == user.epoch and user.status is Status.ACTIVE
