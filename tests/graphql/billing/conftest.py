from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from clinx.accounts import users
from clinx.accounts.keys import Keys
from clinx.accounts.throttle import Throttle
from clinx.config.current import Current
from clinx.config.snapshot import Snapshot
from clinx.domain.console import Console as Said
from clinx.domain.identity import Role, User
from clinx.domain.invitation import Rewards
from clinx.domain.ledger import REVENUE, EntryKind
from clinx.domain.money import Amount
from clinx.graphql.context import Context, Viewer
from clinx.graphql.errors import shown
from clinx.graphql.permissions import Permission, permissions_of
from clinx.graphql.rooms import Services
from clinx.graphql.schema import schema
from clinx.state.memory import MemoryCounters
from clinx.storage import ledger
from clinx.storage.database import Database
from clinx.storage.ledger import Movement, NewEntry
from clinx.storage.program import Program
from clinx.telemetry.tasks import Supervisor
from support.database import START, Clock, _migrated_database, _migrated_file, clock, database, database_url, fund
from support.fake_payments import FakePayments, payments
from support.tree import SMALL, compile_files

__all__ = ["_migrated_database", "_migrated_file", "clock", "database", "database_url"]


@dataclass
class Console:
    """The API without its edge: operations are executed as somebody."""

    services: Services
    snapshot: Snapshot
    statements: list[str] = field(default_factory=list[str])

    @property
    def database(self) -> Database:
        return self.services.database

    def context(
        self,
        who: User | None,
        *,
        is_fresh: bool = True,
        permissions: frozenset[Permission] | None = None,
        access_key: int | None = None,
    ) -> Context:
        held = permissions_of(who.role) if permissions is None and who else permissions or frozenset()
        session = 1 if access_key is None else None
        at = self.services.now() if is_fresh and session else None
        viewer = None if who is None else Viewer(who, held, session, access_key, stepped_up_at=at)
        return Context(self.services, self.snapshot, viewer, "req-1", "192.0.2.1", "test", secure=True)

    async def ask(self, who: User | None, text: str, *, context: Context | None = None, **variables: Any) -> Any:
        """Return the data of an answer without errors."""
        result = await schema.execute(text, variables, context or self.context(who))
        for error in result.errors or ():
            raise error.original_error or error
        return result.data

    async def refused(self, who: User | None, text: str, *, context: Context | None = None, **variables: Any) -> Any:
        """Return the code of the failures at the top of an answer, which is the same for all."""
        result = await schema.execute(text, variables, context or self.context(who))
        assert result.errors is not None
        (code,) = {(shown(error, "req-1").extensions or {})["code"] for error in result.errors}
        return code

    async def user(self, name: str, *, role: Role = Role.USER, balance: str = "0", group: str = "default") -> User:
        made = await users.create(self.database, name, at=START, role=role, group=group)
        await fund(self.database, made, balance)
        return made

    async def charged(self, user: User, request: str, amount: str, *, at=START) -> None:
        """Charge a user for a request, as a settlement does."""
        charge = Amount.parse(amount)

        def program() -> Program[None]:
            lines = ((user.account, -charge), (REVENUE, charge))
            entries = [NewEntry(f"settle:{request}", *line, EntryKind.CHARGE, at, "r1") for line in lines]
            yield from ledger.append(entries)
            for account, change in lines:
                yield from ledger.move([Movement(account, change)])

        await self.database.atomically(program())

    async def sum_of(self, account: str) -> str:
        """Ask SQL itself what the entries of an account come to."""
        rows = await self.database.fetch("SELECT CAST(SUM(amount) AS bigint) FROM entry WHERE account = $1", account)
        return str(Amount(rows[0][0] or 0))

    async def entries_of(self, account: str) -> list[tuple[str, str, str]]:
        rows = await self.database.fetch(
            "SELECT event, kind, amount FROM entry WHERE account = $1 ORDER BY id", account
        )
        return [(event, kind, str(Amount(nano))) for event, kind, nano in rows]


@pytest_asyncio.fixture
async def console(database: Database, clock: Clock, tmp_path: Path) -> AsyncGenerator[Console]:
    supervisor = Supervisor()
    snapshot = replace(
        compile_files(tmp_path / "tree", {"gateway.yaml": SMALL}).snapshot,
        payments=payments(),
        invitations=Rewards(inviter=Amount.parse("2"), invitee=Amount.parse("0.5")),
        console=Said(url="https://console.example"),
    )
    services = Services(
        database=database,
        logs=database,
        current=Current(supervisor),
        keys=Keys.derive(b"k" * 32),
        throttle=Throttle(MemoryCounters(clock.now), now=clock.now),
        now=clock.now,
        new_id=lambda: "id-1",
        node="node_test",
        supervisor=supervisor,
        open_schema=False,
    )
    yield Console(services, snapshot)
    await supervisor.close()


@pytest_asyncio.fixture
async def site(console: Console) -> AsyncGenerator[FakePayments]:
    """Both payment providers, on loopback."""
    async with FakePayments() as opened:
        console.snapshot = replace(console.snapshot, payments=payments(opened.url))
        yield opened


@pytest.fixture
def counted(console: Console, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that reads send to the database."""
    sent = list[str]()
    fetch, reading = Database.fetch, Database.reading

    async def counting(self: Database, sql: str, *values: Any) -> Any:
        sent.append(sql)
        return await fetch(self, sql, *values)

    def lending(self: Database, **how: Any) -> Any:
        sent.append("tortoise")
        return reading(self, **how)

    monkeypatch.setattr(Database, "fetch", counting)
    monkeypatch.setattr(Database, "reading", lending)
    return sent
