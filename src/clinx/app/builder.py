"""Builds a gateway: every long-lived object of a process once, and its wires."""

from __future__ import annotations

import os
import random
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from aiohttp import web

from clinx import __version__
from clinx.accounts.authenticate import Authenticator
from clinx.accounts.keys import load_key
from clinx.app.console import Basis, Surroundings, Voice, console_pages, inquirer_of
from clinx.app.gateway import Gateway
from clinx.app.history import History
from clinx.app.request_ids import request_ids
from clinx.billing.alarm import keep_auditing
from clinx.billing.audit import Report
from clinx.billing.journal.durability import Sync
from clinx.billing.sweep import keep_sweeping
from clinx.billing.treasury import Means, Place, Treasury
from clinx.config.bulletin import Bulletin, Self
from clinx.config.counted import uncounted
from clinx.config.current import Current, ReloadState, ResourceKey
from clinx.config.diagnostics import ConfigError
from clinx.config.snapshot import Snapshot
from clinx.config.tree import default_tree
from clinx.config.watch import Reloader, Sources, Watcher
from clinx.dialects.registry import DIALECTS
from clinx.domain.money import Amount
from clinx.echo.builtins import Builtins
from clinx.graphql.engine import Engine
from clinx.graphql.hub import Hub
from clinx.payments.desk import Desk
from clinx.payments.reconcile import Reconciler, Rules
from clinx.policies.gate import Gate
from clinx.policies.ledger_sums import LedgerSums
from clinx.relay.admission import Admission
from clinx.relay.attempts import Attempts
from clinx.relay.channel_tests import ChannelTests
from clinx.relay.finish import Finisher
from clinx.relay.pipeline import Relay
from clinx.relay.scans import Scans
from clinx.relay.seats import Seats
from clinx.relay.stored import Stored
from clinx.relay.trials import verify
from clinx.routing.affinity import Affinity
from clinx.routing.health import Health, Transition
from clinx.routing.notices import Notices
from clinx.routing.overrides import Overlay
from clinx.routing.retries import RetryBudget
from clinx.settings import Settings, Worker
from clinx.state.place import counters_at
from clinx.storage import overrides, revisions
from clinx.storage.announcements import Listener, Topic
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
from clinx.web.peers import Peers
from clinx.web.presence import Presence
from clinx.web.server import NO_PAGES, Pages, build_server
from clinx.web.usage import KeyRoutes

COUNTED: ResourceKey[None] = ResourceKey("state.counted")
CONNECTIONS: ResourceKey[Lease] = ResourceKey("upstream.connections")


def now() -> datetime:
    """Return this instant, in UTC."""
    return datetime.now(UTC)


async def start_gateway(settings: Settings, *, last_good: bool = False, worker: Worker | None = None) -> Gateway:
    """Open the database, compile the tree and listen; on any failure close what was opened.

    Raises:
        ConfigError: the tree is broken (and there is no last good one, or it was not asked for).
        StorageUnavailable: the database cannot be reached.
        OSError: the address is taken.
    """
    async with AsyncExitStack() as stack:
        gateway = await _Builder(settings, stack, worker).build(last_good=last_good)
        gateway.stack = stack.pop_all()
        return gateway


class _Builder:
    """Builds one gateway; what is opened goes on the stack in the order opposite to the one it must be closed in."""

    def __init__(self, settings: Settings, stack: AsyncExitStack, worker: Worker | None) -> None:
        self.settings = settings
        self.stack = stack
        self.worker = worker
        self.metrics = Metrics()
        self.supervisor = Supervisor()
        self.draw = random.Random(secrets.randbits(64))  # noqa: S311  (weights and jitter, not secrets)
        self.builtins = Builtins()
        self.after_reload: list[Callable[[], None]] = []
        self.counters = counters_at(settings.redis, now=now, monotonic=time.monotonic)
        self.audited: Report | None = None
        self.node = ""

    async def build(self, *, last_good: bool) -> Gateway:
        database = await self._database()
        history = await History.open(self.settings, database, self.stack)
        pool = self._pool()
        treasury = await self._treasury(database)
        self.node = treasury.origin.node
        current = self._current(pool)
        sources = self._sources()
        reloader = self._reloader(current, sources)
        await reloader.load_first(last_good=last_good, rejections=await revisions.rejected(database))
        await history.keep(self.supervisor, lambda: current.generation.snapshot.console.keep, now)
        basis = self._basis(database, current)
        voice = self._voice(basis)
        relay, finisher = self._relay(history, treasury, pool, voice)
        tests = self._try_channels_out(relay, current)
        presence = Presence(monotonic=time.monotonic, metrics=self.metrics)
        handler = Handler(relay, finisher, presence, time.monotonic, now, request_ids(self.draw), current.observe)
        readiness = Readiness(database.is_reachable)
        peers = await self._peers()
        ops = Ops(
            current,
            self.metrics,
            readiness,
            reloader,
            self.settings.ops_token,
            relay.overlay,
            relay.health,
            peers=peers,
            node=self.node,
        )
        keys = KeyRoutes(
            database, history.logs, relay.authenticator, lambda: basis.snapshot().server, request_ids(self.draw)
        )
        callbacks = self._payments(database, current)
        dispatcher, most = Dispatcher(current, handler, relay.authenticator.group), self.settings.max_connections
        relay.overlay.take(await overrides.active(database, now()), current.snapshot.channels)
        hub = Hub(database, history.logs, self.supervisor, now=now)
        inquirer = inquirer_of(basis, history.logs, sources, tests, relay.overlay)
        engine = Engine(inquirer, relay.health, reloader, treasury.figures, lambda: self.audited)
        pages = self._pages(basis, voice, history, engine, hub, relay.authenticator)
        server = build_server(dispatcher, ops, keys, callbacks, pages, most_connections=most)
        site, url = await self._listen(server)
        self._start_tasks(presence, reloader)
        who = Self(self.node, socket.gethostname(), url)
        bulletin = Bulletin(database, current, reloader, relay.overlay, who, now)
        self._listen_to_others(database, treasury, relay, self._publish(bulletin), hub)
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
            has_console=self.settings.console,
            site=site,
            stack=self.stack,
        )

    async def _peers(self) -> Peers | None:
        if self.worker is None:
            return None
        peers = Peers(self.worker, self.metrics.render)
        await peers.open()
        self.stack.push_async_callback(peers.close)
        return peers

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
        auditing = keep_auditing(database, self.metrics, now=now, bound=bound, tell=self._audited)
        self.supervisor.start(auditing, name="audit", endless=True)
        return treasury

    def _current(self, pool: Pool) -> Current:
        """Register what every generation needs; the builtins first, for connections may lead to them."""
        current = Current(self.supervisor)

        async def connections(snapshot: Snapshot) -> Lease:
            await self.builtins.ensure(channel.base_url for channel in snapshot.channels.values())
            return await pool.lease(snapshot.channels.values(), snapshot.server.egress_allow)

        async def counted(snapshot: Snapshot) -> None:
            workers = 1 if self.worker is None or self.settings.redis else self.worker.of
            if workers > 1 and (found := tuple(uncounted(snapshot, workers))):
                raise ConfigError(found)

        current.register(COUNTED, counted)
        current.register(CONNECTIONS, connections, Lease.release)
        current.register(ROUTES, build_routes)
        return current

    def _audited(self, report: Report) -> None:
        self.audited = report

    def _basis(self, database: Database, current: Current) -> Basis:
        keys = load_key(self.settings.state_dir, self.settings.console_key)
        return Basis(database, current, self.supervisor, self.metrics, keys, now)

    def _voice(self, basis: Basis) -> Voice:
        voice = Voice(basis)
        self.after_reload.append(lambda: voice.reloaded(basis.current))
        voice.start()
        self.stack.push_async_callback(voice.drain)
        return voice

    def _pages(
        self, basis: Basis, voice: Voice, history: History, engine: Engine, hub: Hub, authenticator: Authenticator
    ) -> Pages:
        if not self.settings.console:
            return NO_PAGES
        around = Surroundings(
            logs=history.logs,
            engine=engine,
            hub=hub,
            counters=self.counters,
            authenticator=authenticator,
            new_id=request_ids(self.draw),
            node=self.node,
            open_schema=self.settings.console_schema == "open",
        )
        return console_pages(basis, voice, around)

    def _sources(self) -> Sources:
        return Sources(
            root=self.settings.root,
            defaults=default_tree(),
            state_dir=self.settings.state_dir,
            environ=os.environ,
            env_prefixes=tuple(prefix.strip() for prefix in self.settings.env_prefixes.split(",") if prefix.strip()),
            dialects=DIALECTS,
            now=now,
            verify=verify,
        )

    def _reloader(self, current: Current, sources: Sources) -> Reloader:
        def report(state: ReloadState) -> None:
            self.metrics.reloaded(current.snapshot.revision.id if state.ok else None, current.alive)
            for tell in self.after_reload:
                tell()

        return Reloader(sources, current, on_outcome=report)

    def _relay(self, history: History, treasury: Treasury, pool: Pool, voice: Voice) -> tuple[Relay, Finisher]:
        notices = Notices(self.metrics)

        def notify(transition: Transition) -> None:
            notices(transition)
            voice.herald.operators.opened(transition)

        health = Health(time.monotonic, jitter=self.draw.random, notify=notify)
        cashier = treasury.cashier
        finisher = Finisher(cashier, self.metrics, time.monotonic)
        requests = RequestBuilder(self.builtins.urls, f"clinx/{__version__}")
        retries = RetryBudget(time.monotonic, self.metrics.retries_denied.inc)
        sender = Sender(pool, time.monotonic)
        attempts = Attempts(sender, requests, health, finisher, time.monotonic, retries)
        authenticator = Authenticator(history.database, monotonic=time.monotonic, now=now)
        scans = Scans()
        admission = Admission(self._gate(history, treasury), Affinity(time.monotonic), self.metrics, scans)
        stored = Stored(history.keeper, finisher, sender, requests, health, self.draw, scans)
        return Relay(
            authenticator, cashier, health, attempts, self.draw, Seats(self.metrics), stored, admission, Overlay(now)
        ), finisher

    def _gate(self, history: History, treasury: Treasury) -> Gate:
        async def settled() -> None:
            await treasury.recovered.wait()
            await treasury.cashier.flush()

        sums = LedgerSums(history.database, settled, logs=history.logs)
        gate = Gate(self.counters, now, new_id=lambda: secrets.token_hex(16), spent=sums.spent, note=self.metrics)
        self.stack.push_async_callback(gate.close)
        self.supervisor.start(gate.keep(), name="gate", endless=True)
        return gate

    def _try_channels_out(self, relay: Relay, current: Current) -> ChannelTests:
        tests = ChannelTests(
            relay.health,
            relay.attempts.sender,
            relay.attempts.requests,
            self.supervisor,
            self.metrics,
            served=lambda: current.served,
            is_disabled=relay.overlay.is_disabled,
            monotonic=time.monotonic,
            jitter=self.draw.random,
        )
        self.supervisor.start(tests.run(), name="channel tests", endless=True)
        return tests

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

    def _publish(self, bulletin: Bulletin) -> Bulletin:
        """Say in the database what is served here; and leave when this process does."""
        self.metrics.overrides.set_function(lambda: bulletin.overlay.count)
        self.metrics.on_trial.set_function(lambda: bulletin.current.trial is not None)
        self.after_reload.append(bulletin.wake)
        self.supervisor.start(bulletin.judge(), name="trial", endless=True)
        saying = self.supervisor.start(bulletin.run(), name="bulletin", endless=True)

        async def leave() -> None:
            saying.cancel()
            await bulletin.leave()

        self.stack.push_async_callback(leave)
        return bulletin

    def _listen_to_others(
        self, database: Database, treasury: Treasury, relay: Relay, bulletin: Bulletin, hub: Hub
    ) -> None:
        """Hear what other processes announce: revoked tokens, money that arrived or is needed, what is to be served."""

        def hear(topic: str, subject: str) -> None:
            treasury.leases.hear(topic, subject)
            relay.authenticator.hear(topic, subject)
            bulletin.hear(topic, subject)
            hub.hear(topic, subject)
            if topic == Topic.CHANNEL:
                relay.health.reset(subject)

        listener = Listener(database, now=now, monotonic=time.monotonic)
        self.supervisor.start(listener.run(hear), name="announcements", endless=True)

    async def _listen(self, server: web.Server) -> tuple[web.TCPSite, str]:
        """Open the address."""
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        self.stack.push_async_callback(runner.cleanup)
        host, port, shares = self.settings.host, self.settings.port, self.worker is not None
        site = web.TCPSite(runner, host, port, reuse_address=True, reuse_port=shares)
        await site.start()
        host, port = runner.addresses[0][:2]
        return site, f"http://{f'[{host}]' if ':' in host else host}:{port}"
