"""What is on its way back to the lender."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from clinx.billing.lender import Lender
from clinx.billing.pocket import Pocket
from clinx.domain.money import Amount
from clinx.errors import BillingUnavailable
from clinx.telemetry.tasks import Supervisor


class Repayments:
    """Begins to return what is left, and knows what is under way."""

    def __init__(self, lender: Lender, supervisor: Supervisor) -> None:
        """Begin with nothing under way."""
        self._lender = lender
        self._supervisor = supervisor
        self._running: dict[str, asyncio.Task[None]] = {}

    def begin(self, pocket: Pocket) -> asyncio.Task[None] | None:
        """Take out what is left, to return it; return the task that does, or the one about what was left before."""
        if pocket.withdraw():
            # It says all that was ever returned, so the newest task is about everything before it too.
            task = self._supervisor.start(self._send(pocket.scope, Amount(pocket.returned)), name="repay")
            self._running[pocket.scope] = task
            task.add_done_callback(lambda ended: self._finished(pocket.scope, ended))
        return self._running.get(pocket.scope)

    async def make(self, pockets: Iterable[Pocket]) -> bool:
        """Return what is left in all of these, and wait for it; False when there was nothing."""
        running = {task for pocket in pockets if (task := self.begin(pocket)) is not None}
        if running:
            await asyncio.wait(running)
        return bool(running)

    def is_under_way(self, pocket: Pocket) -> bool:
        """Say whether something of a pocket is not yet known to have arrived."""
        return pocket.scope in self._running

    async def _send(self, scope: str, returned: Amount) -> None:
        try:
            await self._lender.repay(scope, returned)
        except BillingUnavailable:
            return  # The lender keeps it and writes it as soon as that works.

    def _finished(self, scope: str, ended: asyncio.Task[None]) -> None:
        if self._running.get(scope) is ended:
            del self._running[scope]
