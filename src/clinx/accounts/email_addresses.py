"""E-mail addresses: what one is, and that it belongs to a user before it counts for anything.

An address that is not verified may be written on any number of accounts and gives none of them anything; whoever
verifies it first owns it. So nobody can keep an address from its owner, and nobody is told whose it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from clinx.accounts import challenges
from clinx.accounts.challenges import Purpose
from clinx.accounts.failures import ChallengeRefused, EmailInvalid, EmailTaken, NotOffered
from clinx.accounts.sessions import Visitor
from clinx.accounts.throttle import Throttle
from clinx.domain.console import Console, EmailRule
from clinx.domain.identity import User
from clinx.domain.letter import Letter
from clinx.domain.session import Challenge
from clinx.storage import challenges as stored_challenges
from clinx.storage import users
from clinx.storage.announcements import Topic, announce
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from clinx.storage.program import Program

VERIFICATION: Final = "verify_email"
LIFETIME: Final = timedelta(hours=1)
"""How long an address may be verified by what it was sent."""
PAGE: Final = "/verify-email#token="
"""Where the frontend takes what a letter brings; a fragment is in no server's log."""
_LONGEST: Final = 254
_ADDRESS: Final = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}"
)


class Post(Protocol):
    """Who takes letters, without keeping anybody waiting."""

    async def send(self, letter: Letter) -> None:
        """Take a letter; what becomes of it is not the caller's business."""
        ...


@dataclass(frozen=True, slots=True)
class Correspondence:
    """What writing to people takes."""

    post: Post
    throttle: Throttle
    console: Callable[[], Console]
    now: Callable[[], datetime]

    def link(self, page: str, secret: str) -> str:
        """Return the address of a page of the frontend that takes a one-time secret.

        Raises:
            NotOffered: no mail is configured, or nobody knows where the frontend is.
        """
        console = self.console()
        base = console.url or console.address
        if console.mail is None or base is None:
            raise NotOffered("this gateway writes no e-mails", what="mail")
        return f"{base}{page}{secret}"

    async def write(self, user: User, to: str, template: str, **values: str) -> None:
        """Write to a user, in their language."""
        language = user.language or self.console().language
        name = user.display_name or user.name
        await self.post.send(Letter(to, template, language, {"name": name, **values}))


class EmailAddresses:
    """Verifies addresses."""

    def __init__(self, database: Database, correspondence: Correspondence) -> None:
        """Wire it."""
        self._database = database
        self._correspondence = correspondence

    async def begin(self, user: User, email: str, visitor: Visitor) -> None:
        """Write to an address that a user says is theirs: a link, and six digits that do the same.

        Raises:
            EmailInvalid: it is no address, or not of a domain that is let in.
            NotOffered: this gateway writes no e-mails, or asks for no addresses.
            TooManyAttempts: too much was sent to it, or from there.
        """
        address = check(email, self._correspondence.console())
        self._correspondence.link(PAGE, "")
        await self._correspondence.throttle.mail(address, visitor.address)
        await self._ask(user, address)

    async def _ask(self, user: User, address: str) -> None:
        purpose = Purpose(VERIFICATION, LIFETIME, user.id, address)
        made = await challenges.make(self._database, purpose, at=self._correspondence.now(), with_code=True)
        link = self._correspondence.link(PAGE, made.secret)
        await self._correspondence.write(user, address, "verify_email", link=link, code=made.code or "")

    async def begin_again(self, name: str, visitor: Visitor) -> None:
        """Write once more to the address that waits for being verified, of a user who cannot sign in before.

        Whether there is such a user, nobody is told.

        Raises:
            NotOffered: this gateway writes no e-mails.
            TooManyAttempts: too much was asked for from there, or for that name.
        """
        throttle = self._correspondence.throttle
        self._correspondence.link(PAGE, "")
        # What was typed is counted, not whose it is: otherwise a name and an address would tell of one another.
        await throttle.mail(f"name={name.casefold()}", visitor.address)
        user = await users.find(self._database, name) if name.isprintable() else None
        if user is None or user.email is None or user.email_verified_at is not None:
            return
        address = check(user.email, self._correspondence.console())
        if await throttle.receiver(address):
            await self._ask(user, address)

    async def finish(self, secret: str, visitor: Visitor) -> User:
        """Take the secret of a link; return the user, to whom the address belongs from now on.

        Raises:
            ChallengeRefused: it is not known, was used, or is too old.
            EmailTaken: somebody else was faster.
            TooManyAttempts: too many were tried from there.
        """
        ticket = await self._correspondence.throttle.challenge(visitor.address)
        found = await challenges.claim(self._database, VERIFICATION, secret, at=self._correspondence.now())
        await self._correspondence.throttle.give_back(ticket)
        return await self._belongs(found)

    async def finish_with_code(self, email: str, code: str, visitor: Visitor) -> User:
        """Take the six digits that an address was sent; return the user, to whom it belongs from now on.

        Raises:
            ChallengeRefused: they are wrong, were used, are too old, or were tried too often.
            EmailTaken: somebody else was faster.
            TooManyAttempts: too many were tried from there.
        """
        ticket = await self._correspondence.throttle.challenge(visitor.address)
        now, address = self._correspondence.now(), email.strip().lower()
        found = await challenges.claim_code(self._database, VERIFICATION, address, code, at=now)
        await self._correspondence.throttle.give_back(ticket)
        return await self._belongs(found)

    async def _belongs(self, found: Challenge) -> User:
        before = None if found.user_id is None else await users.get(self._database, found.user_id)
        if before is None:
            raise ChallengeRefused("there is no such account any more")
        try:
            user = await self._database.atomically(_verified(before.id, found.subject, self._correspondence.now()))
        except StorageRefused as error:
            raise EmailTaken("another account has this address", email=found.subject) from error
        if user is None:
            raise ChallengeRefused("there is no such account any more")
        if before.email_verified_at is not None and before.email not in {None, user.email}:
            await self._correspondence.write(before, before.email or "", "email_changed", email=found.subject)
        return user


def check(email: str, console: Console) -> str:
    """Return an address as it is kept, if it is one and its domain is let in.

    Raises:
        EmailInvalid: it is not.
        NotOffered: the tree asks for no addresses.
    """
    registration = console.registration
    if registration.email is EmailRule.NONE:
        raise NotOffered("no addresses are asked for", what="email")
    address = email.strip().lower()
    if len(address) > _LONGEST or not _ADDRESS.fullmatch(address) or ".." in address:
        raise EmailInvalid("this is not an e-mail address", reason="malformed")
    domain = address.rpartition("@")[2]
    if registration.domains and domain not in registration.domains:
        raise EmailInvalid("addresses of this domain are not let in", reason="domain", domain=domain)
    return address


def _verified(user_id: int, email: str, at: datetime) -> Program[User | None]:
    user = yield from users.set_email(user_id, email, at)
    if user is not None:
        # Links that the address of before was sent open nothing any more.
        yield from stored_challenges.drop_all(user_id)
        yield from announce(Topic.USER, str(user_id), at)
    return user
