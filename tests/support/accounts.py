"""The console's accounts, wired to a database, a clock that is moved, and a box that letters fall into.

    async def test_something(desk):
        user = await desk.user("ann", password="correct horse")
        opened = await desk.sign_in.with_password("ann", "correct horse", VISITOR)

Import the fixture in a room's ``conftest.py``: ``from support.accounts import desk``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256

import pytest
from pyotp.totp import TOTP

from clinx.accounts import password_changes
from clinx.accounts.email_addresses import Correspondence, EmailAddresses
from clinx.accounts.idempotency import Idempotency
from clinx.accounts.keys import Keys
from clinx.accounts.passkeys import Passkeys
from clinx.accounts.password_changes import PasswordChanges
from clinx.accounts.passwords import Passwords
from clinx.accounts.registration import Registrar
from clinx.accounts.sealing import Sealer
from clinx.accounts.second_factors import SecondFactors
from clinx.accounts.sessions import Opened, Sessions, Visitor
from clinx.accounts.sign_in import Proofs, SignIn
from clinx.accounts.throttle import Throttle
from clinx.domain.console import Console, Mail, Registration
from clinx.domain.identity import User
from clinx.domain.letter import Letter
from clinx.state.memory import MemoryCounters
from clinx.storage import users as stored_users
from clinx.storage.database import Database
from support.database import Clock, make_user

VISITOR = Visitor("192.0.2.1", "a browser")
ELSEWHERE = Visitor("198.51.100.1", "another browser")
CONSOLE = Console(
    url="https://console.example.org",
    address="https://gateway.example.org",
    registration=Registration(open=True, group="vip"),
    mail=Mail("mail.example.org", 587, "clinx@example.org"),
)
RIGHT = "correct horse"


class QuickHasher:
    """Stands in for argon2, which takes 40 ms, and counts what was asked of it."""

    def __init__(self) -> None:
        self.verified: list[str] = []
        """The hashes, in order."""
        self.made = 0

    def hash(self, password: str) -> str:
        self.made += 1
        return self._quick(password)

    def verify(self, hash_: str, password: str) -> bool:
        self.verified.append(hash_)
        return hash_.removeprefix("old:") == self._quick(password)

    def _quick(self, password: str) -> str:
        """A hash is short, whatever the password is."""
        return f"quick:{password if len(password) < 100 else sha256(password.encode()).hexdigest()}"

    def is_outdated(self, hash_: str) -> bool:
        return hash_.startswith("old:")


@dataclass
class Box:
    """Where letters fall."""

    letters: list[Letter] = field(default_factory=list[Letter])

    async def send(self, letter: Letter) -> None:
        self.letters.append(letter)

    def secret(self) -> str:
        """Of the link in the latest letter."""
        return self.letters[-1].values["link"].partition("#token=")[2]


@dataclass
class Desk:
    """Everything, as an application wires it."""

    database: Database
    clock: Clock
    console: Console = CONSOLE
    hasher: QuickHasher = field(default_factory=QuickHasher)
    box: Box = field(default_factory=Box)

    def __post_init__(self) -> None:
        now = self.clock.now
        self.throttle = Throttle(MemoryCounters(now), now=now)
        self.sealer = Sealer(Keys.derive(b"k" * 32).sealing)
        self.passwords = Passwords(self.database, self.hasher)
        self.sessions = Sessions(self.database, now=now)
        self.factors = SecondFactors(self.database, self.sealer, now=now)
        self.passkeys = Passkeys(self.database, now=now)
        proofs = Proofs(self.passwords, self.factors, self.passkeys, self.sessions, self.throttle)
        self.sign_in = SignIn(self.database, proofs, console=self.tree, now=now)
        self.correspondence = Correspondence(self.box, self.throttle, self.tree, now)
        self.addresses = EmailAddresses(self.database, self.correspondence)
        self.changes = PasswordChanges(self.database, self.passwords, self.sessions, self.correspondence)
        self.idempotency = Idempotency(self.database, self.sealer, now=now)
        self.registrar = Registrar(
            self.database,
            passwords=self.passwords,
            addresses=self.addresses,
            throttle=self.throttle,
            console=self.tree,
            now=now,
        )

    def tree(self) -> Console:
        return self.console

    def set(self, **changes: object) -> None:
        """Change what the tree says of the console."""
        self.console = replace(self.console, **changes)

    async def user(self, name: str = "ann", *, password: str | None = RIGHT, email: str | None = None) -> User:
        """A user, whose address is verified if there is one."""
        user = await make_user(self.database, name)
        if email is not None:
            verified = await self.database.atomically(stored_users.set_email(user.id, email, self.clock.now()))
            assert verified is not None
            user = verified
        if password is not None:
            await self.passwords.set(user, password, at=self.clock.now())
        return user

    async def opened(self, user: User, visitor: Visitor = VISITOR) -> Opened:
        return await self.sessions.open(user, "password", visitor, lifetime=self.console.sign_in.session)

    async def app(self, user: User) -> TOTP:
        """A confirmed authenticator app; its step of now is used."""
        setup = await self.factors.begin_totp(user, "Clinx")
        app = TOTP(setup.secret)
        await self.factors.confirm_totp(user, setup.factor.id, app.at(self.clock.now()))
        return app

    async def operator_sets(self, user: User, password: str) -> None:
        await password_changes.set_password(self.database, self.passwords, user, password, at=self.clock.now())


@pytest.fixture
def desk(database: Database, clock: Clock) -> Desk:
    return Desk(database, clock)
