"""Strangers make accounts for themselves, where the tree lets them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from clinx.accounts import email_addresses, passwords
from clinx.accounts.email_addresses import EmailAddresses
from clinx.accounts.failures import EmailNeeded, NameInvalid, NameTaken, NotOffered, RegistrationClosed, TooManyAttempts
from clinx.accounts.faults import Faults
from clinx.accounts.passwords import Passwords
from clinx.accounts.sessions import Visitor
from clinx.accounts.throttle import Throttle
from clinx.accounts.users import check_name, check_own_name, check_reserved
from clinx.domain.console import Console, EmailRule, Language
from clinx.domain.identity import Role, User
from clinx.storage import passwords as hashes
from clinx.storage import users
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from clinx.storage.program import Program
from clinx.storage.users import NewUser


@dataclass(frozen=True, slots=True)
class Application:
    """What a stranger says of themselves."""

    name: str
    password: str = field(repr=False)
    email: str | None = None
    display_name: str = ""
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A new user. An invitation, if they brought one, is for `billing` to accept."""

    user: User
    must_verify: bool
    """Whether they can sign in only when the address is verified: a letter is on its way."""


class Registrar:
    """Makes accounts for strangers."""

    def __init__(
        self,
        database: Database,
        *,
        passwords: Passwords,
        addresses: EmailAddresses,
        throttle: Throttle,
        console: Callable[[], Console],
        now: Callable[[], datetime],
    ) -> None:
        """Wire it; the console is asked each time, for the tree may change."""
        self._database = database
        self._passwords = passwords
        self._addresses = addresses
        self._throttle = throttle
        self._console = console
        self._now = now

    async def register(self, application: Application, visitor: Visitor) -> Registered:
        """Make an account with a password; if there is an address, it is written to.

        Raises:
            RegistrationClosed: the tree lets nobody in; `NotOffered`: not by password, or no e-mail can be written.
            NameInvalid, NameReserved, NameTaken, PasswordInvalid, EmailInvalid, EmailNeeded, ProfileInvalid: what is
                wrong with it; `Several`, if more is.
            TooManyAttempts: too many accounts came from there.
            StorageUnavailable: the database cannot be written now.
        """
        console = self._console()
        new = self._checked(application, console)
        await self._throttle.registration(visitor.address)
        hash_ = await self._passwords.hash(application.password)
        try:
            user = await self._database.atomically(_insert(new, hash_, self._now()))
        except StorageRefused as error:
            raise NameTaken(f"there is a user {new.name!r} already", name=new.name) from error
        if user.email is not None and console.mail is not None:
            with suppress(TooManyAttempts):  # The account is made: they may ask for another letter later.
                await self._addresses.begin(user, user.email, visitor)
        return Registered(user, console.registration.email is EmailRule.REQUIRED)

    def _checked(self, application: Application, console: Console) -> NewUser:
        if not console.registration.open:
            raise RegistrationClosed("strangers may not make accounts here")
        if not console.sign_in.password:
            raise NotOffered("passwords are not offered", what="password")
        faults, reserved = Faults(), console.reserved_names
        name = faults.judged(lambda: _name(application.name, reserved), "")
        names = (application.name, application.email or "")
        faults.judged(lambda: passwords.check(application.password, names), None)
        shown = faults.judged(lambda: check_own_name(application.display_name, reserved), "")
        email = faults.judged(lambda: _email(application.email, console), None)
        faults.refuse()
        group = console.registration.group
        return NewUser(name, Role.USER, group, self._now(), shown, email, None, application.language)


def _name(name: str, reserved: Collection[str]) -> str:
    """Return the name of a stranger: none that looks like somebody's address or like an id, and none of the house."""
    if "@" in name or name.isdigit():
        raise NameInvalid("a name is not an address, nor a number", reason="like_another")
    check_name(name)
    check_reserved(name, reserved)
    return name


def _email(email: str | None, console: Console) -> str | None:
    rule = console.registration.email
    if rule is EmailRule.NONE:
        return None
    if not email:
        if rule is EmailRule.REQUIRED:
            raise EmailNeeded("an e-mail address is needed")
        return None
    address = email_addresses.check(email, console)
    if rule is EmailRule.REQUIRED and (console.mail is None or not (console.url or console.address)):
        raise NotOffered("this gateway writes no e-mails, and needs verified addresses", what="mail")
    return address


def _insert(new: NewUser, hash_: str, at: datetime) -> Program[User]:
    user = yield from users.insert(new)
    yield from hashes.save(user.id, hash_, at)
    return user
