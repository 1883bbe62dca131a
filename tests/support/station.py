"""A process that the console looks at and steers, without its HTTP side: a real tree, real SQLite, a real sender.

async with running_station(tmp_path, tree_for(upstream.url)) as station:
    data, errors = await station.ask("{ config { revision } }", station.viewer(Role.ADMIN))
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from clinx.accounts import users
from clinx.accounts.keys import Keys
from clinx.accounts.throttle import Throttle
from clinx.billing.audit import Report
from clinx.billing.treasury import JournalFigures
from clinx.config.current import Current
from clinx.config.tree import default_tree
from clinx.config.watch import Reloader, Sources
from clinx.dialects.registry import DIALECTS
from clinx.domain.audit_entry import AuditEntry, AuditFilter
from clinx.domain.identity import Role, User
from clinx.graphql.context import Context, Viewer
from clinx.graphql.engine import Engine
from clinx.graphql.errors import shown
from clinx.graphql.permissions import Permission, permissions_of
from clinx.graphql.rooms import Services
from clinx.graphql.schema import schema
from clinx.graphql.task_source import NO_TASKS, TaskSource
from clinx.relay.channel_tests import ChannelTests
from clinx.relay.inquiries.inquirer import Inquirer
from clinx.relay.inquiries.planning import Planner
from clinx.relay.inquiries.tryout import Tryouts
from clinx.relay.provider_balances import ProviderBalances
from clinx.relay.trials import verify
from clinx.routing.health import Health
from clinx.routing.overrides import Overlay
from clinx.state.memory import MemoryCounters
from clinx.storage import audit_log, overrides
from clinx.storage.database import Database
from clinx.telemetry.metrics import Metrics
from clinx.telemetry.tasks import Supervisor
from clinx.upstream.pool import Pool
from clinx.upstream.request import RequestBuilder
from clinx.upstream.send import Sender
from support.channels import channel
from support.database import Clock, lay_tables
from support.fake_upstream import FakeUpstream
from support.gateway import tree_for
from support.tree import ENVIRON, tree

NODE = "node_station"
KEYS = Keys.derive(b"a master key of tests, thirty-two bytes")
JOURNAL = JournalFigures(waiting=3, is_failing=False, is_fenced=False, is_recovered=True)

Answer = tuple[Any, list[dict[str, Any]]]
"""The data, and the errors as a client sees them."""


@dataclass
class Station:
    """What a test sees of it."""

    root: Path
    database: Database
    current: Current
    reloader: Reloader
    health: Health
    overlay: Overlay
    inquirer: Inquirer
    clock: Clock
    services: Services
    audited: list[Report] = field(default_factory=list[Report])
    _ids: Any = field(default_factory=lambda: (f"req_{n}" for n in itertools.count(1)))

    async def user(self, name: str, role: Role = Role.USER, group: str = "default") -> User:
        """Make an account."""
        made = await users.create(self.database, name, group=group, at=self.clock.now())
        return replace(made, role=role)

    async def viewer(
        self, role: Role = Role.ADMIN, *, group: str = "default", stepped_up: bool = True, name: str | None = None
    ) -> Viewer:
        """Sign somebody in."""
        user = await self.user(name or f"{role}-{group}", role, group)
        at = self.clock.now() if stepped_up else None
        return Viewer(user, permissions_of(role), session=1, stepped_up_at=at)

    async def key(self, *permissions: Permission, name: str = "robot") -> Viewer:
        """Come with an access key of an operator's that holds only this."""
        return Viewer(await self.user(name, Role.ADMIN), frozenset(permissions), access_key=7)

    def context(self, viewer: Viewer | None = None) -> Context:
        """Return what an operation of somebody's is handed."""
        return Context(
            services=self.services,
            snapshot=self.current.snapshot,
            viewer=viewer,
            request_id=next(self._ids),
            address="192.0.2.7",
            agent="tests",
            secure=True,
        )

    async def ask(self, text: str, viewer: Viewer | None = None, /, **variables: Any) -> Answer:
        """Send a query or a mutation."""
        context = self.context(viewer)
        result = await schema.execute(text, variable_values=variables, context_value=context)
        return result.data, [_error(shown(error, context.request_id)) for error in result.errors or ()]

    async def data(self, text: str, viewer: Viewer | None = None, /, **variables: Any) -> Any:
        """Send what must succeed."""
        data, errors = await self.ask(text, viewer, **variables)
        assert errors == []
        return data

    async def code(self, text: str, viewer: Viewer | None = None, /, **variables: Any) -> str:
        """Send what must fail at the top; return the code of the one failure."""
        _, errors = await self.ask(text, viewer, **variables)
        [error] = errors
        return error["code"]

    async def follow(self, text: str, viewer: Viewer | None = None, /, **variables: Any) -> AsyncGenerator[Answer]:
        """Subscribe."""
        context = self.context(viewer)
        found: Any = await schema.subscribe(text, variable_values=variables, context_value=context)
        if not hasattr(found, "__aiter__"):
            yield found.data, [_error(shown(error, context.request_id)) for error in found.errors or ()]
            return
        try:
            async for result in found:
                yield result.data, [_error(shown(error, context.request_id)) for error in result.errors or ()]
        finally:
            await found.aclose()

    async def entries(self) -> list[AuditEntry]:
        """Return the audit log, oldest first."""
        return (await audit_log.page(self.database, AuditFilter(), below=None, limit=100))[::-1]

    async def obey(self) -> None:
        """Take what is overridden from the database, as the bulletin does."""
        active = await overrides.active(self.database, self.clock.now())
        self.overlay.take(active, self.current.snapshot.channels)

    def write(self, path: str, text: str) -> None:
        """Change the tree on disk."""
        tree(self.root, {path: text})


def _error(error: Any) -> dict[str, Any]:
    return {"message": error.message, **(error.extensions or {})}


@asynccontextmanager
async def running_station(
    folder: Path, files: Mapping[str, str], *, tasks: TaskSource = NO_TASKS
) -> AsyncGenerator[Station]:
    """Start one over a tree."""
    clock, supervisor = Clock(), Supervisor()
    root = tree(folder / "tree", files)
    path = folder / "station.db"
    lay_tables(path)
    url = f"sqlite:///{path}"
    async with AsyncExitStack() as stack:
        database = await Database.connect(url)
        stack.push_async_callback(database.close)
        stack.push_async_callback(supervisor.close)
        pool = Pool()
        stack.push_async_callback(pool.close)
        current = Current(supervisor)
        sources = _sources(folder, root, clock.now)
        reloader = Reloader(sources, current, monotonic=clock.monotonic)
        await reloader.load_first(last_good=False)
        await pool.lease([channel()], ())
        health, overlay = Health(clock.monotonic), Overlay(clock.now)
        tests = ChannelTests(
            health,
            Sender(pool, clock.monotonic),
            RequestBuilder({}, "clinx/test"),
            supervisor,
            Metrics(),
            served=lambda: current.served,
            is_disabled=overlay.is_disabled,
            monotonic=clock.monotonic,
            jitter=lambda: 0.5,
        )
        planner = Planner(database, database, sources, lambda: current.snapshot)
        balances = ProviderBalances(
            tests.sender, tests.requests, supervisor, tests.served, now=clock.now, monotonic=clock.monotonic
        )
        tryouts = Tryouts(tests, supervisor)
        inquirer = Inquirer(
            database, database, lambda: current.snapshot, overlay, planner, tryouts, balances, clock.now
        )
        audited: list[Report] = []
        engine = Engine(inquirer, health, reloader, lambda: JOURNAL, lambda: audited[-1] if audited else None)
        services = Services(
            database=database,
            logs=database,
            current=current,
            keys=KEYS,
            throttle=Throttle(MemoryCounters(clock.now), now=clock.now),
            now=clock.now,
            new_id=lambda: "id",
            node=NODE,
            supervisor=supervisor,
            open_schema=False,
            engine=engine,
            tasks=tasks,
        )
        yield Station(root, database, current, reloader, health, overlay, inquirer, clock, services, audited)
        current.close()


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def station(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Station]:
    async with running_station(tmp_path, tree_for(upstream.url)) as running:
        yield running


def _sources(folder: Path, root: Path, now: Callable[[], datetime]) -> Sources:
    return Sources(
        root=root,
        defaults=default_tree(),
        state_dir=folder / "state",
        environ=ENVIRON,
        env_prefixes=("UPSTREAM_",),
        dialects=DIALECTS,
        now=now,
        verify=verify,
    )
