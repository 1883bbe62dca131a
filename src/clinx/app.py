"""The composition root: builds every long-lived object once and wires it. The only file that knows all rooms."""

from __future__ import annotations

import logging
import os
import random
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from clinx import __version__
from clinx.accounts.authenticate import Authenticator
from clinx.billing.alarm import keep_auditing
from clinx.billing.cashier import Cashier
from clinx.billing.journal.durability import Sync
from clinx.billing.sweep import keep_sweeping
from clinx.billing.treasury import Means, Place, Treasury
from clinx.config.current import Current, ReloadState, ResourceKey
from clinx.config.snapshot import Snapshot
from clinx.config.tree import default_tree
from clinx.config.watch import Reloader, Sources, Watcher
from clinx.dialects.registry import DIALECTS
from clinx.domain.money import Amount
from clinx.echo import EchoServer
from clinx.payments.desk import Desk
from clinx.payments.reconcile import Reconciler, Rules
from clinx.relay.attempts import Attempts
from clinx.relay.finish import Finisher
from clinx.relay.pipeline import Relay
from clinx.routing.health import Health
from clinx.settings import Settings
from clinx.storage.announcements import Listener
from clinx.storage.database import Database
from clinx.storage.migrate import migrate
from clinx.storage.serving import serving_alone
from clinx.telemetry.metrics import Metrics
from clinx.telemetry.tasks import Supervisor
from clinx.upstream.pool import Lease, Pool
from clinx.upstream.request import RequestBuilder
from clinx.upstream.send import Sender
from clinx.web.dispatch import ROUTES, Dispatcher, build_routes
from clinx.web.handler import Handler
from clinx.web.ops import Ops, Readiness
from clinx.web.payments import Callbacks
from clinx.web.presence import Presence
from clinx.web.server import build_server
from clinx.web.usage import KeyRoutes

log = logging.getLogger("clinx.app")

CONNECTIONS: ResourceKey[Lease] = ResourceKey("upstream.connections")
ECHO = "builtin:echo"


def now() -> datetime:
    """Return this instant, in UTC."""
    return datetime.now(UTC)


def request_ids(draw: random.Random) -> Callable[[], str]:
    """Return a maker of ids: the millisecond, then 64 bits of a generator that was seeded with entropy.

    Ids of all processes never meet, and rows written together lie together: an index over random ids would make every
    exchange touch pages of its own. An id is no secret, so it need not cost a system call.
    """

    def new_id() -> str:
        return f"req_{time.time_ns() // 1_000_000:012x}{draw.getrandbits(64):016x}"

    return new_id


class Builtins:
    """Upstreams that live in this process; started when a tree first names one."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self.urls: dict[str, str] = {}
        self._running = AsyncExitStack()

    async def ensure(self, snapshot: Snapshot) -> None:
        """Start the echo server if some channel uses it."""
        wanted = any(channel.base_url == ECHO for channel in snapshot.channels.values())
        if wanted and ECHO not in self.urls:
            server = await EchoServer.start()
            self._running.push_async_callback(server.close)
            self.urls[ECHO] = server.url

    async def close(self) -> None:
        """Stop what was started, at whichever reload."""
        await self._running.aclose()


@dataclass(slots=True)
class Gateway:
    """A running gateway: one process, one address, one tree."""

    url: str
    current: Current
    reloader: Reloader
    database: Database
    treasury: Treasury
    metrics: Metrics
    presence: Presence
    readiness: Readiness
    supervisor: Supervisor
    site: web.TCPSite
    stack: AsyncExitStack

    @classmethod
    async def start(cls, settings: Settings, *, last_good: bool = False) -> Gateway:
        """Open the database, compile the tree and listen; on any failure close what was opened.

        Raises:
            ConfigError: the tree is broken (and there is no last good one, or it was not asked for).
            StorageUnavailable: the database cannot be reached.
            OSError: the address is taken.
        """
        async with AsyncExitStack() as stack:
            gateway = await _Builder(settings, stack).build(last_good=last_good)
            gateway.stack = stack.pop_all()
            return gateway

    @property
    def is_example(self) -> bool:
        """Whether the shipped example is served, because the root has no gateway.yaml."""
        return self.reloader.is_example

    def request_reload(self) -> None:
        """Look at the tree soon: what SIGHUP does."""
        self.supervisor.start(self.reloader.reload(), name="reload")

    def hurry(self) -> None:
        """Shorten a running shutdown to a few seconds."""
        self.presence.hurry()

    async def stop(self, grace: float) -> None:
        """Stop accepting, let exchanges finish for up to ``grace`` seconds, then close everything in order."""
        log.info("shutdown.started", extra={"grace_seconds": grace})
        self.readiness.draining = True
        await self.site.stop()
        await self.presence.leave(grace)
        await self.stack.aclose()
        log.info("shutdown.finished")


class _Builder:
    """Builds one gateway; what is opened goes on the stack in the order opposite to the one it must be closed in."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self.settings = settings
        self.stack = stack
        self.metrics = Metrics()
        self.supervisor = Supervisor()
        self.draw = random.Random(secrets.randbits(64))  # noqa: S311  (weights and jitter, not secrets)
        self.builtins = Builtins()

    async def build(self, *, last_good: bool) -> Gateway:
        database = await self._database()
        pool = self._pool()
        treasury = await self._treasury(database)
        current = self._current(pool)
        reloader = self._reloader(current)
        await reloader.load_first(last_good=last_good)
        relay, finisher = self._relay(database, treasury.cashier, pool)
        presence = Presence(monotonic=time.monotonic, metrics=self.metrics)
        handler = Handler(relay, finisher, presence, time.monotonic, now, request_ids(self.draw))
        readiness = Readiness(database.is_reachable)
        ops = Ops(current, self.metrics, readiness, reloader, self.settings.ops_token)
        keys = KeyRoutes(
            database, relay.authenticator, lambda: current.generation.snapshot.server, request_ids(self.draw)
        )
        callbacks = self._payments(database, current)
        dispatcher, most = Dispatcher(current, handler), self.settings.max_connections
        site, url = await self._listen(build_server(dispatcher, ops, keys, callbacks, most_connections=most))
        self._start_tasks(presence, reloader)
        self._listen_to_others(database, treasury, relay.authenticator)
        return Gateway(
            url=url,
            current=current,
            reloader=reloader,
            database=database,
            treasury=treasury,
            metrics=self.metrics,
            presence=presence,
            readiness=readiness,
            supervisor=self.supervisor,
            site=site,
            stack=self.stack,
        )

    async def _database(self) -> Database:
        self.stack.enter_context(serving_alone(self.settings.database))
        await migrate(self.settings.database)
        database = await Database.connect(self.settings.database)
        self.stack.push_async_callback(database.close)
        return database

    def _pool(self) -> Pool:
        # Closed after the tasks: one that reloads just then may still open connections, or start a builtin.
        self.stack.push_async_callback(self.builtins.close)
        pool = Pool()
        self.stack.push_async_callback(pool.close)
        return pool

    async def _treasury(self, database: Database) -> Treasury:
        # Closed in reverse: the last settlements are written before the tasks and the database go.
        self.stack.push_async_callback(self.supervisor.close)
        settings = self.settings
        place = Place(settings.state_dir / "journal", socket.gethostname(), Sync(settings.journal_sync))
        means = Means(now, time.monotonic_ns, self.draw, lambda: f"node_{secrets.token_hex(16)}")
        treasury = await Treasury.open(database, self.supervisor, place, means)
        self.stack.push_async_callback(treasury.close)
        self.supervisor.start(keep_sweeping(database, now=now), name="sweep", endless=True)
        bound = Amount.parse(str(settings.overdraft_bound))
        auditing = keep_auditing(database, self.metrics, now=now, bound=bound)
        self.supervisor.start(auditing, name="audit", endless=True)
        return treasury

    def _current(self, pool: Pool) -> Current:
        """Register what every generation needs; the builtins first, for connections may lead to them."""
        current = Current(self.supervisor)

        async def connections(snapshot: Snapshot) -> Lease:
            await self.builtins.ensure(snapshot)
            return await pool.lease(snapshot.channels.values(), snapshot.server.egress_allow)

        current.register(CONNECTIONS, connections, Lease.release)
        current.register(ROUTES, build_routes)
        return current

    def _reloader(self, current: Current) -> Reloader:
        sources = Sources(
            root=self.settings.root,
            defaults=default_tree(),
            state_dir=self.settings.state_dir,
            environ=os.environ,
            env_prefixes=tuple(prefix.strip() for prefix in self.settings.env_prefixes.split(",") if prefix.strip()),
            dialects=DIALECTS,
            now=now,
        )

        def report(state: ReloadState) -> None:
            self.metrics.reloaded(state.revision if state.ok else None, current.alive)

        return Reloader(sources, current, on_outcome=report)

    def _relay(self, database: Database, cashier: Cashier, pool: Pool) -> tuple[Relay, Finisher]:
        health = Health(time.monotonic)
        finisher = Finisher(cashier, self.metrics, time.monotonic)
        requests = RequestBuilder(self.builtins.urls, f"clinx/{__version__}")
        attempts = Attempts(Sender(pool, time.monotonic), requests, health, finisher, time.monotonic)
        authenticator = Authenticator(database, monotonic=time.monotonic, now=now)
        return Relay(authenticator, cashier, health, attempts, self.draw), finisher

    def _payments(self, database: Database, current: Current) -> Callbacks:
        def rules() -> Rules | None:
            snapshot = current.generation.snapshot
            return None if snapshot.payments is None else Rules(snapshot.payments, snapshot.server.egress_allow)

        desk = Desk(database, self.metrics, now=now, monotonic=time.monotonic)
        reconciler = Reconciler(database, desk, rules, now=now)
        self.supervisor.start(reconciler.keep(), name="reconcile", endless=True)
        return Callbacks(desk, lambda: current.generation.snapshot)

    def _start_tasks(self, presence: Presence, reloader: Reloader) -> None:
        self.supervisor.start(presence.run(), name="presence", endless=True)
        if self.settings.watch:
            watcher = Watcher(reloader, self.supervisor, poll_seconds=self.settings.poll_seconds)
            self.supervisor.start(watcher.run(), name="watch", endless=True)

    def _listen_to_others(self, database: Database, treasury: Treasury, authenticator: Authenticator) -> None:
        """Hear what other processes announce: revoked tokens, money that arrived, money that is needed."""

        def hear(topic: str, subject: str) -> None:
            treasury.leases.hear(topic, subject)
            authenticator.hear(topic, subject)

        listener = Listener(database, now=now, monotonic=time.monotonic)
        self.supervisor.start(listener.run(hear), name="announcements", endless=True)

    async def _listen(self, server: web.Server) -> tuple[web.TCPSite, str]:
        """Open the address."""
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        self.stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, self.settings.host, self.settings.port, reuse_address=True)
        await site.start()
        host, port = runner.addresses[0][:2]
        return site, f"http://{f'[{host}]' if ':' in host else host}:{port}"
