"""A running gateway, from the first call it answers to the last one."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass

from aiohttp import web

from clinx.billing.treasury import Treasury
from clinx.config.current import Current
from clinx.config.watch import Reloader
from clinx.storage.database import Database
from clinx.telemetry.metrics import Metrics
from clinx.telemetry.tasks import Supervisor
from clinx.web.ops import Readiness
from clinx.web.presence import Presence

log = logging.getLogger("clinx.app")


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
    has_console: bool
    """Whether /graphql is answered."""
    site: web.TCPSite
    stack: AsyncExitStack

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
