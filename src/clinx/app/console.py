"""Wires the console of a process: the API, signing in, e-mails and notices, over what relays and keeps the books."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clinx.accounts import notification_settings
from clinx.accounts.authenticate import Authenticator
from clinx.accounts.failures import Unsealable
from clinx.accounts.keys import Keys
from clinx.accounts.oauth.flow import ExternalSignIn
from clinx.accounts.oauth.providers import Providers
from clinx.accounts.sealing import Sealer
from clinx.accounts.throttle import Throttle
from clinx.config.current import Current
from clinx.config.diagnostics import errors
from clinx.config.snapshot import Snapshot
from clinx.config.watch import Sources
from clinx.domain.console import Console, Webhook
from clinx.graphql.accounts import Accounts
from clinx.graphql.engine import Engine
from clinx.graphql.exports import Exports
from clinx.graphql.hub import Hub
from clinx.graphql.request_logs.addresses import EXPORT
from clinx.graphql.rooms import Services
from clinx.graphql.view import View
from clinx.mail.postman import Postman
from clinx.notify.courier import Courier
from clinx.notify.herald import Herald
from clinx.notify.news import Terms
from clinx.relay.channel_tests import ChannelTests
from clinx.relay.inquiries.inquirer import Inquirer
from clinx.relay.inquiries.planning import Planner
from clinx.relay.inquiries.tryout import Tryouts
from clinx.relay.provider_balances import ProviderBalances
from clinx.routing.overrides import Overlay
from clinx.state.base import Counters
from clinx.storage.database import Database
from clinx.telemetry.metrics import Metrics
from clinx.telemetry.tasks import Supervisor
from clinx.upstream.fetch import Fetcher
from clinx.web.chat_links import ChatLinks
from clinx.web.console_edge import ConsoleEdge
from clinx.web.server import Pages
from clinx.web.signing_in import SigningIn
from clinx.web.status import StatusPage

POSTS: Final = 2
"""Letters that are sent at a time."""
HERALD_SECONDS: Final = 3.0
POST_SECONDS: Final = 5.0
"""How long what was said last may take to leave."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What everything of the console stands on."""

    database: Database
    current: Current
    supervisor: Supervisor
    metrics: Metrics
    keys: Keys
    now: Callable[[], datetime]

    def snapshot(self) -> Snapshot:
        """Return the tree that is served now."""
        return self.current.generation.snapshot

    def console(self) -> Console:
        """Return what it says of the console."""
        return self.snapshot().console


class Voice:
    """Speaks to people who are not asking: e-mails and webhooks."""

    def __init__(self, basis: Basis) -> None:
        """Wire it; nothing is said before `start`."""
        self.fetch = Fetcher(lambda: basis.snapshot().server.egress_allow)
        self._supervisor = basis.supervisor
        mails, webhooks = basis.metrics.mails, basis.metrics.webhooks

        def service() -> str:
            return basis.console().name

        self.postman = Postman(
            lambda: basis.console().mail, service, now=basis.now, count=lambda how: mails.labels(how).inc()
        )
        courier = Courier(self.fetch, service, now=basis.now, count=lambda how: webhooks.labels(how).inc())
        sealer = Sealer(basis.keys.sealing)

        def terms() -> Terms:
            return Terms(basis.console(), basis.snapshot().currency)

        def open_hook(user_id: int, sealed: str) -> Webhook | None:
            try:
                return notification_settings.open_webhook(sealer, user_id, sealed)
            except Unsealable:
                return None

        self.herald = Herald(basis.database, self.postman, courier, terms, open_hook, now=basis.now)

    def reloaded(self, current: Current) -> None:
        """Tell operators of a tree that did not load."""
        state = current.state
        if not state.ok:
            findings = [*map(str, errors(state.diagnostics)), *([state.error] if state.error else [])]
            self.herald.operators.reload_failed(state.revision, findings)

    def start(self) -> None:
        """Begin to speak: once there is a tree that says through whom."""
        for number in range(POSTS):
            self._supervisor.start(self.postman.run(), name=f"post {number}", endless=True)
        self.herald.start(self._supervisor)

    async def drain(self) -> None:
        """Let what was said leave, for a few seconds."""
        await self.herald.drain(HERALD_SECONDS)
        await self.postman.drain(POST_SECONDS)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of the rest of the process the console shows, steers and asks."""

    logs: Database
    """Where request logs are."""
    engine: Engine
    hub: Hub
    counters: Counters
    authenticator: Authenticator
    new_id: Callable[[], str]
    node: str
    open_schema: bool


def inquirer_of(basis: Basis, logs: Database, sources: Sources, tests: ChannelTests, overlay: Overlay) -> Inquirer:
    """Return what answers the console's questions about the gateway."""

    def served() -> Snapshot:
        return basis.current.snapshot

    planner, tryouts = Planner(basis.database, logs, sources, served), Tryouts(tests, basis.supervisor)
    balances = ProviderBalances(
        tests.sender, tests.requests, basis.supervisor, tests.served, now=basis.now, monotonic=tests.monotonic
    )
    return Inquirer(basis.database, logs, served, overlay, planner, tryouts, balances, basis.now)


def console_pages(basis: Basis, voice: Voice, around: Surroundings) -> Pages:
    """Return the routes of the console."""
    throttle = Throttle(around.counters, now=basis.now)
    accounts = Accounts.of(
        basis.database, throttle=throttle, keys=basis.keys, post=voice.postman, console=basis.console, now=basis.now
    )
    services = Services(
        database=basis.database,
        logs=around.logs,
        current=basis.current,
        keys=basis.keys,
        throttle=throttle,
        now=basis.now,
        new_id=around.new_id,
        node=around.node,
        supervisor=basis.supervisor,
        open_schema=around.open_schema,
        engine=around.engine,
        desk=accounts,
        hub=around.hub,
    )
    edge = ConsoleEdge(basis.snapshot)
    providers = Providers(voice.fetch, now=basis.now, monotonic=time.monotonic)
    flow = ExternalSignIn(basis.database, voice.fetch, providers, basis.console, throttle, basis.now)
    signing_in = SigningIn(basis.database, flow, accounts.sessions, accounts.sign_in, edge, basis.snapshot, basis.now)
    fixed = {
        **StatusPage(basis.snapshot, basis.now()).routes(),
        **ChatLinks(around.authenticator, basis.snapshot).routes(),
    }
    return Pages(
        fixed, {"/graphql": View(services, edge).handle, EXPORT: Exports(services, edge).handle}, signing_in.find
    )
