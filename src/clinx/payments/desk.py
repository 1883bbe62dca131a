"""Has notices booked, keeps what must be looked at, counts and logs: all that providers say comes by here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from clinx.billing import orders
from clinx.domain.order import Outcome, Payment, PaymentEvent, PaymentProvider
from clinx.payments.notice import Irrelevant, Lapsed, Notice, Refused
from clinx.storage.database import Database
from clinx.telemetry.metrics import Metrics

log = logging.getLogger("clinx.payments")

MOST_FORGED: Final = 20
"""Forged notices of one minute that are kept and logged; more are only counted, lest somebody fill the table."""
_ANYBODYS: Final = frozenset({Outcome.FORGED, Outcome.MALFORMED})
"""What needs no key to cause."""
_MINUTE: Final = 60.0


class Allowance:
    """So many a minute."""

    def __init__(self, most: int, monotonic: Callable[[], float]) -> None:
        """Begin with a whole minute's worth; the clock is in seconds."""
        self._most = most
        self._monotonic = monotonic
        self._since = monotonic()
        self._left = most

    def take(self) -> bool:
        """Take one, if there is one left in this minute."""
        now = self._monotonic()
        if now - self._since >= _MINUTE:
            self._since, self._left = now, self._most
        self._left -= 1
        return self._left >= 0


class Desk:
    """Takes what providers say. Usable from any task."""

    def __init__(
        self,
        database: Database,
        metrics: Metrics | None,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """Take the clocks: an instant, and seconds that only grow. Without metrics nothing is counted."""
        self._database = database
        self._metrics = metrics
        self._now = now
        self._forged = Allowance(MOST_FORGED, monotonic)

    async def take(self, provider: PaymentProvider, notice: Notice, *, address: str | None = None) -> Outcome:
        """Have a notice booked; when this returns, the credit is committed.

        Raises:
            StorageUnavailable: the database cannot be written now: the provider should say it again.
        """
        match notice:
            case Payment():
                outcome = await orders.pay(self._database, notice, at=self._now(), address=address)
                self._say(provider, outcome, notice.order_id, address)
            case Lapsed():
                was_pending = await orders.expire(self._database, notice.order_id, at=self._now())
                outcome = Outcome.EXPIRED if was_pending else Outcome.IGNORED
            case Irrelevant():
                outcome = Outcome.IGNORED
            case Refused():
                outcome = notice.outcome
                await self._refuse(provider, notice, address)
        if self._metrics is not None:
            self._metrics.payments.labels(provider.value, outcome.value).inc()
        return outcome

    async def _refuse(self, provider: PaymentProvider, notice: Refused, address: str | None) -> None:
        if notice.outcome in _ANYBODYS and not self._forged.take():
            return
        self._say(provider, notice.outcome, notice.order_id, address)
        event = PaymentEvent(
            provider, notice.event, notice.order_id, notice.outcome, address, self._now(), notice.detail
        )
        await orders.note(self._database, event)

    def _say(self, provider: PaymentProvider, outcome: Outcome, order_id: str | None, address: str | None) -> None:
        facts = {"provider": provider.value, "order": (order_id or "")[:64], "address": address}
        if outcome is Outcome.CREDITED:
            log.info("payment.credited", extra=facts)
        elif outcome.is_refusal:
            log.warning("payment.refused", extra={**facts, "reason": outcome.value})
