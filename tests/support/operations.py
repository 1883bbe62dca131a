"""The console's API without its edge: operations are executed as somebody, on a real database.

    async def test_something(api):
        ann = await api.user("ann")
        data = await api.ask(ann, "{ viewer { user { name } } }")

Import the fixtures in a room's ``conftest.py``: ``from support.operations import api``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from clinx.accounts import users
from clinx.accounts.keys import Keys
from clinx.accounts.sessions import Opened, Visitor
from clinx.accounts.throttle import Throttle
from clinx.config.current import Current
from clinx.config.snapshot import Snapshot
from clinx.domain.console import Console, Mail, Registration, SignIn
from clinx.domain.identity import Role, User
from clinx.domain.invitation import Rewards
from clinx.domain.money import Amount
from clinx.graphql.accounts import Accounts
from clinx.graphql.context import Context, Viewer
from clinx.graphql.errors import shown
from clinx.graphql.permissions import Permission, permissions_of
from clinx.graphql.rooms import Services
from clinx.graphql.schema import schema
from clinx.state.memory import MemoryCounters
from clinx.storage import users as stored_users
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor
from support.accounts import Box, QuickHasher
from support.database import START, Clock, fund
from support.tree import compile_files

TREE = """\
version: 1
groups: {default: {}, vip: {}}
models:
  small: {price: {input: "1", output: "2", per: 1M}, max_output: 4096}
channels:
  - {name: main, provider: echo, models: [small], groups: [default, vip]}
"""
CONSOLE = Console(
    url="https://console.example.org",
    address="https://gateway.example.org",
    registration=Registration(open=True),
    sign_in=SignIn(passkeys=True),
    mail=Mail("mail.example.org", 587, "clinx@example.org"),
)
ADDRESS = "192.0.2.1"
AGENT = "a browser"
RIGHT = "correct horse"


@dataclass
class Api:
    """Executes operations as somebody."""

    services: Services
    snapshot: Snapshot
    clock: Clock
    box: Box = field(default_factory=Box)

    @property
    def database(self) -> Database:
        return self.services.database

    @property
    def accounts(self) -> Accounts:
        return self.services.accounts

    def set(self, **changes: object) -> None:
        """Change what the tree says of the console."""
        self.snapshot = replace(self.snapshot, console=replace(self.snapshot.console, **changes))

    async def user(
        self,
        name: str = "ann",
        *,
        role: Role = Role.USER,
        group: str = "default",
        balance: str = "0",
        password: str | None = None,
        email: str | None = None,
    ) -> User:
        """A user, whose address is verified if there is one."""
        made = await users.create(self.database, name, at=START, role=role, group=group)
        await fund(self.database, made, balance)
        if email is not None:
            verified = await self.database.atomically(stored_users.set_email(made.id, email, START))
            assert verified is not None
            made = verified
        if password is not None:
            await self.accounts.passwords.set(made, password, at=START)
        return made

    async def current(self, user: User) -> User:
        found = await stored_users.get(self.database, user.id)
        assert found is not None
        return found

    async def visit(self, user: User) -> Context:
        """A context of somebody who has just signed in, with a session of theirs."""
        lasts = self.snapshot.console.sign_in.session
        opened = await self.accounts.sessions.open(user, "password", Visitor(ADDRESS, AGENT), lifetime=lasts)
        return self.in_session(opened)

    def in_session(self, opened: Opened) -> Context:
        session, user = opened.session, opened.user
        viewer = Viewer(user, permissions_of(user.role), session=session.id, stepped_up_at=session.stepped_up_at)
        return self.context(viewer)

    def stale(self, user: User) -> Context:
        """A context of somebody who proved long ago who they are."""
        return self.context(Viewer(user, permissions_of(user.role), session=1, stepped_up_at=START.replace(year=2000)))

    def by_key(self, user: User, *permissions: Permission) -> Context:
        """A context of somebody's access key."""
        return self.context(Viewer(user, frozenset(permissions), access_key=1))

    def context(self, viewer: Viewer | None) -> Context:
        return Context(self.services, self.snapshot, viewer, "req-1", ADDRESS, AGENT, secure=True)

    async def ask(self, who: User | Context | None, text: str, **variables: Any) -> Any:
        """Return the data of an answer without errors at its top."""
        result = await schema.execute(text, variables, self._asking(who))
        assert result.errors is None, result.errors
        assert result.data is not None
        return result.data

    async def do(self, who: User | Context | None, text: str, **variables: Any) -> Any:
        """Return the payload of the only mutation in a text, which succeeds."""
        (payload,) = (await self.ask(who, text, **variables)).values()
        assert payload["errors"] == []
        return payload

    async def failed(self, who: User | Context | None, text: str, **variables: Any) -> str:
        """Return the code of the only failure in the payload of a mutation; nothing else is in it."""
        (payload,) = (await self.ask(who, text, **variables)).values()
        ((error,), rest) = (
            payload.pop("errors"),
            [value for value in payload.values() if value not in (None, False, [])],
        )
        assert rest == []
        return error["code"]

    async def refused(self, who: User | Context | None, text: str, **variables: Any) -> str:
        """Return the code of the failures at the top of an answer, which is the same for all."""
        result = await schema.execute(text, variables, self._asking(who))
        assert result.errors is not None
        (code,) = {(shown(error, "req-1").extensions or {})["code"] for error in result.errors}
        return code

    def _asking(self, who: User | Context | None) -> Context:
        if isinstance(who, Context):
            return who
        at = self.clock.now()
        return self.context(None if who is None else Viewer(who, permissions_of(who.role), session=1, stepped_up_at=at))


@pytest_asyncio.fixture
async def api(database: Database, clock: Clock, tmp_path: Path) -> AsyncGenerator[Api]:
    supervisor, box = Supervisor(), Box()
    keys = Keys.derive(b"k" * 32)
    throttle = Throttle(MemoryCounters(clock.now), now=clock.now)
    made: list[Api] = []
    accounts = Accounts.of(
        database,
        throttle=throttle,
        keys=keys,
        post=box,
        console=lambda: made[0].snapshot.console,
        now=clock.now,
        hasher=QuickHasher(),
    )
    services = Services(
        database=database,
        logs=database,
        current=Current(supervisor),
        keys=keys,
        throttle=throttle,
        now=clock.now,
        new_id=lambda: "id-1",
        node="node_test",
        supervisor=supervisor,
        open_schema=False,
        desk=accounts,
    )
    snapshot = replace(
        compile_files(tmp_path / "tree", {"gateway.yaml": TREE}).snapshot,
        invitations=Rewards(inviter=Amount.parse("2"), invitee=Amount.parse("0.5")),
        console=CONSOLE,
    )
    made.append(Api(services, snapshot, clock, box))
    yield made[0]
    await supervisor.close()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often a connection is lent to read from: once for each statement."""
    sent = list[str]()
    reading = Database.reading

    def lending(self: Database, **how: Any) -> Any:
        sent.append("read")
        return reading(self, **how)

    monkeypatch.setattr(Database, "reading", lending)
    return sent
