"""What is done about a contradiction in the books: it is reported, and the accounts it concerns are frozen.

Nothing is mended. A frozen account is lent nothing, so that each of its calls asks the database, until somebody looked
and thaws it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from clinx.billing.audit import LIVENESS, TITLES, Auditor, Key, Report
from clinx.domain.money import Amount
from clinx.storage import audit
from clinx.storage.announcements import Topic, announce
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused, StorageUnavailable
from clinx.storage.program import Program
from clinx.telemetry.metrics import Metrics

log = logging.getLogger("clinx.billing")

EVERY: Final = timedelta(minutes=1)
FULL_EVERY: Final = timedelta(days=1)
FULL_EVERY_IN_BREACH: Final = timedelta(hours=1)
"""The same while something is wrong, so that what was put right is noticed."""


async def freeze(database: Database, accounts: Collection[str], *, at: datetime) -> list[str]:
    """Lend nothing more to accounts and call back what they have; return those that were not frozen before.

    Raises:
        StorageUnavailable: the database cannot be written now.
    """
    return await database.atomically(_freeze(accounts, at))


def _freeze(accounts: Collection[str], now: datetime) -> Program[list[str]]:
    frozen = yield from audit.freeze(accounts, now)
    for account in frozen:
        yield from announce(Topic.RECALL, account, now)
    return frozen


async def thaw(database: Database, account: str, *, at: datetime) -> bool:
    """Let an account that was frozen be leased again, after somebody looked; False when it was not frozen.

    Raises:
        StorageUnavailable: the database cannot be written now.
    """
    return await database.atomically(_thaw(account, at))


def _thaw(account: str, at: datetime) -> Program[bool]:
    thawed = yield from audit.thaw(account)
    if thawed:
        yield from announce(Topic.FUNDS, account, at)
    return thawed


def _unheard(_: Report) -> None:
    """Tell nobody."""


async def keep_auditing(
    database: Database,
    metrics: Metrics,
    *,
    now: Callable[[], datetime],
    bound: Amount,
    every: timedelta = EVERY,
    tell: Callable[[Report], None] = _unheard,
) -> None:
    """Audit at once and then again and again, until cancelled; a database that is away only delays.

    A breach is reported once, and freezes the users' accounts it concerns. ``bound`` is `Auditor`'s; ``tell`` is told
    of every audit.
    """
    alarm = Alarm(database, metrics, now=now, bound=bound, tell=tell)
    while True:
        await alarm.round()
        await asyncio.sleep(every.total_seconds())


class Alarm:
    """What came of the audits so far, and what was done about it."""

    def __init__(
        self,
        database: Database,
        metrics: Metrics,
        *,
        now: Callable[[], datetime],
        bound: Amount,
        tell: Callable[[Report], None] = _unheard,
    ) -> None:
        """Begin with a full audit at the next round. ``bound`` is `Auditor`'s; ``tell`` is told of every audit."""
        self._tell = tell
        self._database = database
        self._auditor = Auditor(database, now=now, bound=bound)
        self._now = now
        self._metrics = metrics
        self._full: Report | None = None
        self._seen: set[Key] = set()
        self._reported: set[Key] = set()
        self._unfrozen: set[str] = set()
        self._failing = False

    async def round(self) -> None:
        """Audit once and act on what was found. A database that is away is logged, once; nothing is raised."""
        try:
            report = await self._auditor.audit(full=self._full is None)
            self._act(report)
            await self._freeze()
        except (StorageUnavailable, StorageRefused, OverflowError) as error:
            if not self._failing:  # Once: an hour without a database is no news every minute.
                log.warning("audit.failed", extra={"reason": str(error)})
            self._failing = True
        else:
            self._failing = False

    def _act(self, report: Report) -> None:
        self._tell(report)
        self._plan(report)
        breaches = report.breaches
        self._metrics.audited({check.code: len(check.breaches) for check in report.checks}, report.at)
        # After an outage the sweep may be as late as the audit, so what it should have ended is looked at twice.
        due = {key for key in breaches if key[0] != LIVENESS or key in self._seen}
        for key in sorted(due - self._reported):
            breach = breaches[key]
            log.critical(
                "audit.breach",
                extra={
                    "invariant": key[0],
                    "rule": TITLES[key[0]],
                    "subject": breach.subject,
                    "expected": str(breach.expected),
                    "actual": str(breach.actual),
                },
            )
            self._unfrozen.update(breach.accounts)
        self._reported = due
        self._seen = set(breaches)

    def _plan(self, report: Report) -> None:
        """Decide when the next full audit is."""
        if report.is_full:
            self._full = report
        elif self._full is not None:
            every = FULL_EVERY_IN_BREACH if report.breaches else FULL_EVERY
            self._full = None if report.at - self._full.at >= every else self._full

    async def _freeze(self) -> None:
        if not self._unfrozen:
            return
        frozen = await freeze(self._database, self._unfrozen, at=self._now())
        self._unfrozen = set()
        if frozen:
            log.warning("audit.frozen", extra={"accounts": frozen})
