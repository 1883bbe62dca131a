"""Compares the books with themselves, all the time: eight invariants, none of which is ever mended here.

An audit looks at one moment. What it finds it looks for again in a later one, all of the history included, before it
counts. Between full audits only what is new is summed: entries are append-only, and those up to an id that no running
transaction can still be below are kept as one sum for each account.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from clinx.domain.money import ZERO, Amount
from clinx.storage import audit, reconciliation
from clinx.storage.audit import Breach, Compared, Sums, Window
from clinx.storage.database import Database
from clinx.storage.program import Program

SETTLED: Final = timedelta(seconds=30)
"""After this long no transaction runs that ran before: they are ended after ten seconds."""
GRACE: Final = timedelta(minutes=5)
"""How long a sweep, which comes every minute, may take to end a hold that expired."""
LOST: Final = timedelta(minutes=15)
"""How long a node is silent before what it has leased is reported."""
RECENT: Final = timedelta(hours=1)
"""Which logs, orders and codes are looked at between full audits."""

ENTRIES, BALANCES, HOLDS, RESOLUTIONS, LIVENESS, CREDITS, LOGS, OVERDRAFTS = INVARIANTS = (
    "I1",
    "I2",
    "I3",
    "I4",
    "I5",
    "I6",
    "I7",
    "I8",
)
TITLES: Final = {
    ENTRIES: "the entries of each event sum to zero",
    BALANCES: "each balance is the sum of its entries",
    HOLDS: "held and leased are the open holds and what is unspent of leases",
    RESOLUTIONS: "each hold is settled at most once, for what its entry says",
    LIVENESS: "no hold or lease outlives its process",
    CREDITS: "each order and code is credited once, for its amount",
    LOGS: "charges are what request logs and spend say",
    OVERDRAFTS: "nobody is overdrawn beyond the bound",
}
NOUNS: Final = {
    ENTRIES: "entries",
    BALANCES: "accounts",
    HOLDS: "holds and leases",
    RESOLUTIONS: "settlements",
    LIVENESS: "open holds",
    CREDITS: "credits",
    LOGS: "logs",
    OVERDRAFTS: "accounts",
}
"""What was counted."""

Key = tuple[str, str]
"""Which breach it is, whatever its figures: the invariant and the subject."""


class Check(Struct, frozen=True):
    """One invariant, compared."""

    code: str
    """``I1`` to ``I8``."""
    count: int
    """How many things were compared; `NOUNS` says which."""
    breaches: tuple[Breach, ...]


class Report(Struct, frozen=True):
    """One audit: every invariant, in order."""

    at: datetime
    is_full: bool
    """Whether all of the history was compared."""
    checks: tuple[Check, ...]

    @property
    def breaches(self) -> dict[Key, Breach]:
        """Every breach by its key."""
        return {(check.code, breach.subject): breach for check in self.checks for breach in check.breaches}

    def having(self, breaches: dict[Key, Breach]) -> Report:
        """Return the same audit with these breaches."""
        return Report(
            self.at,
            self.is_full,
            tuple(
                Check(check.code, check.count, tuple(b for (code, _), b in breaches.items() if code == check.code))
                for check in self.checks
            ),
        )


class _Memory:
    """The entries that are surely complete, as one sum for each account."""

    def __init__(self) -> None:
        self.after = 0
        """Up to this id they are in the sums."""
        self.sums: dict[str, int] = {}
        self._newest = 0
        self._seen_at: datetime | None = None

    def complete(self, at: datetime) -> int:
        """Return the highest id below which nothing can appear any more."""
        is_old = self._seen_at is not None and at - self._seen_at >= SETTLED
        return max(self.after, self._newest) if is_old else self.after

    def take(self, sums: Sums, after: int, until: int, at: datetime) -> None:
        """Remember the sums of the entries between two ids; 0 begins anew."""
        known = self.sums if after else {}
        self.sums = {name: known.get(name, 0) + sums.settled.get(name, 0) for name in known.keys() | sums.settled}
        self.after = until
        if self._seen_at is None or at - self._seen_at >= SETTLED:
            self._newest, self._seen_at = sums.newest, at


class Auditor:
    """Audits one database, one audit at a time."""

    def __init__(self, database: Database, *, now: Callable[[], datetime], bound: Amount) -> None:
        """Take the bound: how far an account may be overdrawn by what estimates fell short of."""
        self._database = database
        self._now = now
        self._bound = bound
        self._began = now()
        self._memory = _Memory()
        self._standing: dict[Key, Breach] = {}

    async def audit(self, *, full: bool) -> Report:
        """Compare everything, or what is new and all sums; nothing is changed.

        A breach in the history stands until a full audit does not find it any more.

        Raises:
            StorageUnavailable: the database cannot be read now.
            StorageRefused, OverflowError: an amount is out of any range.
        """
        report = await self._look(full=full)
        found = report.breaches
        if found.keys() - self._standing.keys():
            again = (await self._look(full=True)).breaches
            self._standing = {key: again[key] for key in again if key in found or key in self._standing}
        elif full:
            self._standing = found
        else:
            self._standing = {
                key: found.get(key, breach)
                for key, breach in self._standing.items()
                if key in found or key[0] in {ENTRIES, RESOLUTIONS, CREDITS, LOGS}
            }
        return report.having(self._standing)

    async def _look(self, *, full: bool) -> Report:
        at = self._now()
        until = self._memory.complete(at)
        window = Window() if full else Window(self._memory.after, at - RECENT)
        known = self._memory.sums if window.after else {}
        sums, answers = await self._database.look(self._compare(window, until, known, at))
        self._memory.take(sums, window.after, until, at)
        checks = (Check(code, a.count, tuple(a.breaches)) for code, a in zip(INVARIANTS, answers, strict=True))
        return Report(at, full, tuple(checks))

    def _compare(
        self, window: Window, until: int, known: dict[str, int], at: datetime
    ) -> Program[tuple[Sums, list[Compared]]]:
        sums = yield from audit.sums(window.after, until)
        totals = {
            name: known.get(name, 0) + sums.settled.get(name, 0) + sums.fresh.get(name, 0)
            for name in known.keys() | sums.settled
        }
        logs = yield from reconciliation.logs(window)
        spend = (yield from reconciliation.spend()) if window.is_whole else []
        overdue = yield from audit.overdue(at - GRACE, self._began)
        lost = yield from audit.lost(at - GRACE, at - LOST)
        return sums, [
            Compared(sums.count, (yield from audit.unbalanced(window)) or _remainder(totals)),
            _balances(totals, (yield from audit.balances())),
            (yield from audit.holds()),
            (yield from reconciliation.resolutions(window)),
            Compared(overdue.count, overdue.breaches + lost),
            (yield from reconciliation.credited(window)),
            Compared(logs.count, logs.breaches + spend),
            (yield from audit.overdrafts(self._bound)),
        ]


def _remainder(totals: dict[str, int]) -> list[Breach]:
    rest = sum(totals.values())
    return [Breach("all entries", ZERO, Amount(rest))] if rest else []


def _balances(totals: dict[str, int], balances: dict[str, int]) -> Compared:
    names = balances.keys() | totals
    differing = sorted(name for name in names if balances.get(name, 0) != totals.get(name, 0))
    return Compared(
        len(names),
        [
            Breach(
                name,
                Amount(totals.get(name, 0)),
                Amount(balances.get(name, 0)),
                (name,) if name.startswith("user:") else (),
            )
            for name in differing[: audit.MOST]
        ],
    )
