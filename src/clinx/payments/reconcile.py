"""Asks providers about orders that nobody has spoken of: callbacks get lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clinx.billing import orders
from clinx.domain.identity import Network
from clinx.domain.order import Order, Outcome
from clinx.domain.payments import Payments
from clinx.payments import outbound
from clinx.payments.desk import Desk
from clinx.payments.notice import Lapsed
from clinx.payments.provider import ProviderUnavailable
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable

log = logging.getLogger("clinx.payments")

EVERY: Final = timedelta(minutes=3)
YOUNGEST: Final = timedelta(minutes=2)
"""Before that the callback may well be under way."""
OLDEST: Final = timedelta(days=3)
"""After that an order that is still pending expires unasked; a callback would still credit it."""
MOST: Final = 50
"""Orders of one round."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the tree that is served now says."""

    payments: Payments
    egress_allow: Collection[Network]


@dataclass(slots=True)
class Report:
    """What a round found."""

    asked: int = 0
    credited: int = 0
    expired: int = 0
    failures: tuple[str, ...] = ()


class Reconciler:
    """Asks, and has the answers booked like callbacks. Safe to run in several processes."""

    def __init__(
        self, database: Database, desk: Desk, rules: Callable[[], Rules | None], *, now: Callable[[], datetime]
    ) -> None:
        """Take what is asked for the rules at each round; None while there are no payments."""
        self._database = database
        self._desk = desk
        self._rules = rules
        self._now = now

    async def round(self) -> Report:
        """Ask about the orders whose turn it is.

        Raises:
            StorageUnavailable: the database cannot be used now.
        """
        if (rules := self._rules()) is None:
            return Report()
        claimed = await orders.claim(self._database, at=self._now(), after=YOUNGEST, until=OLDEST, limit=MOST)
        return await self.ask(claimed, rules)

    async def ask(self, claimed: Collection[Order], rules: Rules) -> Report:
        """Ask about these orders, one after another; a provider that fails is in the report.

        Raises:
            StorageUnavailable: the database cannot be used now.
        """
        report = Report()
        if not claimed:
            return report
        failures: dict[str, None] = {}
        async with outbound.session(rules.egress_allow) as session:
            for order in claimed:
                report.asked += 1
                try:
                    provider = await outbound.provider(order.provider, rules.payments, session)
                    said = await provider.ask(order)
                except ProviderUnavailable as error:
                    failures[str(error)] = None
                    continue
                if said is None and order.expires_at <= self._now():
                    said = Lapsed(order.id)
                if said is not None:
                    self._count(report, await self._desk.take(order.provider, said))
        report.failures = tuple(failures)
        return report

    def _count(self, report: Report, outcome: Outcome) -> None:
        report.credited += outcome is Outcome.CREDITED
        report.expired += outcome is Outcome.EXPIRED

    async def keep(self, every: timedelta = EVERY) -> None:
        """Do a round at once and then again and again, until cancelled; a failure only delays the next one."""
        failing = False
        while True:
            try:
                failures = (await self.round()).failures
            except StorageUnavailable as error:
                failures = (str(error),)
            if failures and not failing:  # Once: an hour without a provider is no news every three minutes.
                log.warning("payment.reconcile_failed", extra={"reason": "; ".join(failures)})
            failing = bool(failures)
            await asyncio.sleep(every.total_seconds())
