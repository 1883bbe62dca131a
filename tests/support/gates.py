"""A gate, and what it is told: who passes, what the ledger says, what the operator would see.

async def test_something(counting):
    entrance = Entrance.over(counting)
    ticket = await entrance.gate.enter([rule], subject())
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from clinx.domain.money import ZERO, Amount
from clinx.policies.gate import Gate
from clinx.policies.subject import Scope, Subject
from clinx.state.base import Counters
from clinx.storage.failures import StorageUnavailable
from support.counters import Counting
from support.database import Clock


@dataclass
class Entrance:
    """A gate and everything around it."""

    clock: Clock
    gate: Gate = field(init=False)
    ledger: Amount | None = ZERO
    """What every question to the ledger is answered with; None: the database is away."""
    asked: list[tuple[Subject, Sequence[Scope], datetime]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unshared: int = 0

    @classmethod
    def over(cls, counting: Counting) -> Entrance:
        return cls.of(counting.counters, counting.clock)

    @classmethod
    def of(cls, counters: Counters, clock: Clock) -> Entrance:
        made = cls(clock)
        holders = (f"{id(made)}-{n}" for n in itertools.count())
        made.gate = Gate(counters, clock.now, new_id=lambda: next(holders), spent=made.spent, note=made)
        return made

    async def spent(self, whose: Subject, scopes: Sequence[Scope], since: datetime) -> Amount:
        self.asked.append((whose, scopes, since))
        if self.ledger is None:
            raise StorageUnavailable("the database is away")
        return self.ledger

    def limit_refused(self, rule: str) -> None:
        self.refused.append(rule)

    def limits_unshared(self) -> None:
        self.unshared += 1


def subject(user: int = 7, token: int = 70, model: str = "gpt-4o", address: str | None = "192.0.2.1") -> Subject:
    return Subject(user, token, "default", model, address)
