"""``budget``: so much money per hour, day or month of the calendar (UTC), or in all."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from clinx.domain.money import Amount
from clinx.errors import BudgetSpent
from clinx.policies.subject import Scope, Subject, words
from clinx.state import keys
from clinx.state.base import Purse

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Per(StrEnum):
    """How often a budget begins anew."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


class BudgetRule(Struct, frozen=True):
    """One budget."""

    name: str
    amount: Amount
    per: Per
    of: tuple[Scope, ...] = (Scope.TOKEN,)
    closed: bool = False
    """Whether nothing passes while processes cannot count together; else this one counts for itself."""
    message: str | None = None
    place: str = ""
    """Where it is written: ``policies/budgets.yaml:3:5``."""

    def claim(self, subject: Subject, now: datetime) -> Purse:
        """Return the purse an exchange is paid from."""
        key = keys.purse(self.name, self.per, subject.key(self.of))
        return Purse(key, self.amount.nano, number(self.per, now), keys.PURSE_LIFETIME)

    def refusal(self, now: datetime) -> BudgetSpent:
        """Say that it is spent, and when it is not any more."""
        begins = next_period(self.per, now)
        says = f"{self.message} " if self.message else ""
        of = "" if self.per is Per.TOTAL else f" per {self.per}"
        return BudgetSpent(
            f"{says}The budget {self.name!r} of {self.amount}{of} for {words(self.of)} is spent.",
            hint=None if begins is None else f"It begins anew at {begins:%Y-%m-%d %H:%M} UTC.",
            retry_after=None if begins is None else float(math.ceil((begins - now).total_seconds())),
        )


def number(per: Per, now: datetime) -> int:
    """Return the number of the period that an instant is in."""
    match per:
        case Per.HOUR:
            return (now - _EPOCH) // timedelta(hours=1)
        case Per.DAY:
            return (now - _EPOCH) // timedelta(days=1)
        case Per.MONTH:
            utc = now.astimezone(UTC)
            return utc.year * 12 + utc.month - 1
        case Per.TOTAL:
            return 0
        case _:
            assert_never(per)


def begin(per: Per, now: datetime) -> datetime:
    """Return when the period that an instant is in began."""
    utc = now.astimezone(UTC)
    match per:
        case Per.HOUR:
            return utc.replace(minute=0, second=0, microsecond=0)
        case Per.DAY:
            return utc.replace(hour=0, minute=0, second=0, microsecond=0)
        case Per.MONTH:
            return utc.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        case Per.TOTAL:
            return _EPOCH
        case _:
            assert_never(per)


def next_period(per: Per, now: datetime) -> datetime | None:
    """Return when the next period begins; None when there is none."""
    first = begin(per, now)
    match per:
        case Per.HOUR:
            return first + timedelta(hours=1)
        case Per.DAY:
            return first + timedelta(days=1)
        case Per.MONTH:
            return (first + timedelta(days=31)).replace(day=1)
        case Per.TOTAL:
            return None
        case _:
            assert_never(per)
