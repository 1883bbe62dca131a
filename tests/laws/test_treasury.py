"""The treasury as a state machine: processes die, databases fail, journals ship twice, and every charge counts once.

Two processes of one machine share a database and two callers, one of whom has a budget.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import tempfile
import uuid
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clinx.accounts import tokens
from clinx.accounts.tokens import Limits
from clinx.billing import cashier, topup
from clinx.billing.topup import Cause
from clinx.domain.identity import Principal
from clinx.domain.ledger import Reservation, Unresolved, token_scope
from clinx.domain.money import Amount
from clinx.errors import BillingUnavailable, NotCovered, TokenDisabled
from clinx.storage.database import Database
from clinx.storage.program import Program, Row, execute, fetch
from support.books import contradictions
from support.database import (
    POSTGRES,
    START,
    Clock,
    _migrated_database,
    lent_postgres,
    make_caller,
    migrated_file,
    request_log,
)
from support.flaky import Fault, Flaky
from support.treasury import LIFETIME, Bank

__all__ = ["_migrated_database"]

T = TypeVar("T")
BUDGET = 600
MEMORY = Path("/dev/shm")  # noqa: S108  (an example takes a tenth of the time there)
BANKS = st.integers(0, 1)
CALLERS = st.integers(0, 1)
AMOUNTS = st.integers(0, 60)
WANTED = st.lists(st.tuples(AMOUNTS, st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=4)
"""Of each call: what it wants to hold, how much more if it cannot be extended, and what its prompt costs at most."""
ANY = st.integers(0, 99)
"""Which one of those there are: how many that is may depend on what ran first, so it is not for hypothesis to know."""
POLICIES = st.sampled_from(Unresolved)
FAULTS = st.sampled_from([Fault.AWAY, Fault.CONFLICT, Fault.DOUBT])


@dataclass
class Open:
    """A hold that has no end yet, and what it costs if its process dies."""

    who: int
    reservation: Reservation
    unresolved: Unresolved
    floor: int
    metered: int = 0

    @property
    def amount(self) -> int:
        return self.reservation.amount.nano

    @property
    def cost(self) -> int:
        match self.unresolved:
            case Unresolved.METERED:
                return max(self.metered, self.floor)
            case Unresolved.HOLD:
                return self.amount
            case Unresolved.VOID:
                return 0


@dataclass
class Life:
    """A process, and what it has to answer for."""

    bank: Bank
    alive: bool = False
    open: dict[str, Open] = field(default_factory=dict[str, Open])


@dataclass
class Account:
    """What a caller was given, and what it must have been charged in the end."""

    given: int = 0
    taken: int = 0
    """By adjustments: the operator may overdraw an account."""
    excess: int = 0
    """What was charged beyond holds."""
    charges: dict[str, int] = field(default_factory=dict[str, int])

    def charge(self, hold: Open, amount: int) -> None:
        self.excess += max(0, amount - hold.amount)
        if amount:
            self.charges[hold.reservation.id] = amount


class Treasuries(RuleBasedStateMachine):
    """On a real SQLite file; the law is the same on PostgreSQL."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.ids = itertools.count()
        self.faults: list[Fault] = []
        self.clock = Clock()
        self.accounts = (Account(), Account())
        self.revoked = False
        self.positions: set[tuple[str, int, int]] = set()
        self.impatient = patch.object(cashier, "RECALL", timedelta(0))
        """Nobody answers a recall here but by a rule."""

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    def make_database(self) -> str:
        path = self.folder / "clinx.db"
        shutil.copy(migrated_file(), path)
        return f"sqlite:///{path}"

    async def drop_database(self) -> None:
        """Nothing is left of it but a file."""

    # What happens.

    @initialize(sums=st.tuples(st.integers(0, 2000), st.integers(0, 2000)), wanted=st.tuples(WANTED, WANTED))
    def begin(self, sums: tuple[int, int], wanted: tuple[list[tuple[int, int, int]], ...]) -> None:
        self.impatient.start()
        self.run(self._begin(self.make_database(), sums))
        for who, calls in enumerate(wanted):
            self.hold(who, who, calls, Unresolved.METERED)

    async def _begin(self, url: str, sums: tuple[int, int]) -> None:
        self.database = Flaky(await Database.connect(url))
        self.database.plan = lambda _: self.faults.pop(0) if self.faults else None
        self.callers: tuple[Principal, ...] = (
            await make_caller(self.database, "free"),
            await make_caller(self.database, "bounded", limits=Limits(budget=Amount(BUDGET))),
        )
        for who, nano in enumerate(sums):
            if nano:
                await self._correct(who, nano)
        self.lives = tuple(
            Life(Bank(self.database, self.folder, name=name, monotonic_ns=lambda: round(self.clock.seconds * 10**9)))
            for name in ("a", "b")
        )
        for life in self.lives:
            await self._restart(life)

    @rule(who=CALLERS, nano=st.integers(-100, 500).filter(bool))
    def correct(self, who: int, nano: int) -> None:
        """A person tops up, or takes away: more than is there, if need be."""
        self.faults.clear()
        self.run(self._correct(who, nano))

    async def _correct(self, who: int, nano: int) -> None:
        cause = Cause("law", "", uuid.uuid4().hex)
        assert await topup.adjust(self.database, self.callers[who].user, Amount(nano), cause, at=START)
        self.accounts[who].given += max(nano, 0)
        self.accounts[who].taken += max(-nano, 0)

    @rule(revoked=st.booleans())
    def revoke(self, revoked: bool) -> None:
        """One caller's token, so that something goes on."""
        self.faults.clear()
        change = tokens.disable if revoked else tokens.enable
        self.run(change(self.database, self.callers[0].token, at=START))
        self.revoked = revoked

    @rule(faults=st.lists(FAULTS, min_size=1, max_size=2))
    def fail(self, faults: list[Fault]) -> None:
        """The next transactions go wrong."""
        self.faults[:] = faults

    @rule(which=BANKS, who=CALLERS, wanted=WANTED, unresolved=POLICIES)
    def hold(self, which: int, who: int, wanted: list[tuple[int, int, int]], unresolved: Unresolved) -> None:
        if self.lives[which].alive:
            self.run(self._hold(self.lives[which], who, wanted, unresolved))

    @rule(which=BANKS, who=CALLERS, wanted=WANTED, unresolved=POLICIES)
    def hold_again(self, which: int, who: int, wanted: list[tuple[int, int, int]], unresolved: Unresolved) -> None:
        """It happens more often than anything else."""
        self.hold(which, who, wanted, unresolved)

    async def _hold(self, life: Life, who: int, wanted: list[tuple[int, int, int]], unresolved: Unresolved) -> None:
        asked = (
            life.bank.hold(
                self.callers[who],
                str(Amount(amount)),
                whole=str(Amount(amount + more)),
                floor=str(Amount(min(floor, amount))),
                unresolved=unresolved,
                request_id=f"req-{next(self.ids)}",
            )
            for amount, more, floor in wanted
        )
        refusals = (NotCovered, BillingUnavailable, *([TokenDisabled] if who == 0 and self.revoked else []))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for answer, (amount, _, floor) in zip(answers, wanted, strict=True):
            assert isinstance(answer, (Reservation, *refusals)), answer
            if isinstance(answer, Reservation):
                life.open[answer.id] = Open(who, answer, unresolved, min(floor, amount))

    @rule(index=ANY, by=st.integers(0, 60))
    def extend(self, index: int, by: int) -> None:
        if (picked := self._pick(index)) is None:
            return
        life, hold = picked
        hold.reservation = self.run(self._extend(life, hold.reservation, by)) or hold.reservation

    async def _extend(self, life: Life, reservation: Reservation, by: int) -> Reservation | None:
        return life.bank.cashier.extend(reservation, reservation.amount + Amount(by))

    @rule(index=ANY, metered=st.integers(0, 100), unresolved=POLICIES)
    def progress(self, index: int, metered: int, unresolved: Unresolved) -> None:
        if (picked := self._pick(index)) is None:
            return
        life, hold = picked
        self.run(self._progress(life, hold.reservation, metered, unresolved))
        hold.metered, hold.unresolved = metered, unresolved

    async def _progress(self, life: Life, held: Reservation, metered: int, unresolved: Unresolved) -> None:
        life.bank.cashier.progress(held, Amount(metered), unresolved)

    @rule(index=ANY, charge=st.integers(0, 100), times=st.integers(1, 2))
    def settle(self, index: int, charge: int, times: int) -> None:
        """For less, as much or more than was held."""
        if (picked := self._pick(index)) is None:
            return
        life, hold = picked
        del life.open[hold.reservation.id]
        self.run(self._settle(life, hold, charge, times))
        self.accounts[hold.who].charge(hold, charge)

    async def _settle(self, life: Life, hold: Open, charge: int, times: int) -> None:
        log = request_log(hold.reservation.id, self.callers[hold.who], charge=Amount(charge))
        for _ in range(times):
            await life.bank.cashier.settle(hold.reservation, Amount(charge), log=log)

    @rule(index=ANY)
    def release(self, index: int) -> None:
        if (picked := self._pick(index)) is None:
            return
        life, hold = picked
        del life.open[hold.reservation.id]
        self.run(life.bank.cashier.release(hold.reservation, log=None))

    def _pick(self, index: int) -> tuple[Life, Open] | None:
        running = [(life, hold) for life in self.lives for hold in life.open.values()]
        return running[index % len(running)] if running else None

    @rule(which=BANKS, kill=st.booleans())
    def stop(self, which: int, kill: bool) -> None:
        """Whatever runs is cut off: its next life charges it. The process begins again at once, or when it is told."""
        life = self.lives[which]
        if life.alive:
            self.run(self._stop(life, kill=kill))
        else:
            self.run(self._restart(life))

    async def _stop(self, life: Life, *, kill: bool) -> None:
        if kill:  # In the middle of a hold that the database made and nobody wrote down.
            with contextlib.suppress(NotCovered, BillingUnavailable):
                await life.bank.treasury.vault.reserve(
                    self.callers[1], Amount(7), request_id=f"req-{next(self.ids)}", revision="r1", lifetime=LIFETIME
                )
        await (life.bank.crash() if kill else life.bank.end())
        life.alive = False
        for hold in life.open.values():
            self.accounts[hold.who].charge(hold, hold.cost)
        life.open.clear()

    async def _restart(self, life: Life) -> None:
        try:
            await life.bank.begin()
        except BillingUnavailable:
            await life.bank.end()
        else:
            life.alive = True

    @rule(which=BANKS, kill=st.booleans())
    def restart(self, which: int, kill: bool) -> None:
        if self.lives[which].alive:
            self.run(self._stop(self.lives[which], kill=kill))
            self.run(self._restart(self.lives[which]))

    @rule(index=ANY)
    def replay(self, index: int) -> None:
        """A node's row is that of some backup: whatever was shipped since is shipped again."""
        self.faults.clear()
        position = sorted(self.positions)[index % len(self.positions)]
        self.run(self.database.atomically(_move_back(*position)))

    @rule(which=BANKS, duty=st.sampled_from(["ship", "return", "adopt"]))
    def attend(self, which: int, duty: str) -> None:
        """What a process does beside its calls."""
        if not self.lives[which].alive:
            return
        bank = self.lives[which].bank
        match duty:
            case "ship":
                self.run(bank.cashier.flush())
            case "return":
                self.run(bank.treasury.leases.return_all())
            case _:
                self.run(self._adopt(bank))

    async def _adopt(self, bank: Bank) -> None:
        """Bring home what a dead process of this machine left."""
        with contextlib.suppress(BillingUnavailable):
            await bank.treasury.upkeep.round()

    @rule(which=BANKS, who=CALLERS, topic=st.sampled_from(["recall", "funds"]))
    def hear(self, which: int, who: int, topic: str) -> None:
        """An announcement arrives."""
        if self.lives[which].alive:
            self.run(self._hear(self.lives[which].bank, self.callers[who], topic))

    async def _hear(self, bank: Bank, caller: Principal, topic: str) -> None:
        for scope in (caller.user.account, token_scope(caller.token.id)):
            bank.treasury.leases.hear(topic, scope)

    @rule(seconds=st.integers(1, 10), quiet=st.booleans())
    def let_time_pass(self, seconds: int, quiet: bool) -> None:
        """What is idle is returned, and then forgotten: all of it when nobody calls any more."""
        while quiet and any(life.open for life in self.lives):
            self.release(0)
        self.clock.advance(seconds)
        for life in self.lives:
            if life.alive:
                self.run(self._tidy(life.bank))

    async def _tidy(self, bank: Bank) -> None:
        bank.treasury.leases.tidy()
        await bank.treasury.leases.return_all()
        bank.treasury.leases.tidy()

    # What is true at every moment.

    @invariant()
    def the_books_balance(self) -> None:
        if not hasattr(self, "lives"):
            return
        found = self.run(self.database.look(_contradictions()))
        assert found == []
        self.positions |= {(node, segment, offset) for node, segment, offset in self.run(self._rows(_POSITIONS))}

    @invariant()
    def nobody_is_overdrawn_but_by_what_nobody_could_know(self) -> None:
        if not hasattr(self, "lives"):
            return
        rows = self.run(self._rows(_AVAILABLE))
        available = _by_name(rows)
        for who, account in enumerate(self.accounts):
            assert available[self.callers[who].user.account] >= -(account.excess + account.taken + self._at_risk(who))

    def _at_risk(self, who: int) -> int:
        """What holds that run would be charged beyond their amount, were their process gone."""
        running = (hold for life in self.lives for hold in life.open.values() if hold.who == who)
        return sum(max(0, hold.cost - hold.amount) for hold in running)

    @invariant()
    def no_more_is_held_than_there_is(self) -> None:
        if not hasattr(self, "lives"):
            return
        for who, account in enumerate(self.accounts):
            held = sum(hold.amount for life in self.lives for hold in life.open.values() if hold.who == who)
            used = held + sum(account.charges.values()) - account.excess
            assert used <= account.given
            assert who == 0 or used <= BUDGET

    @invariant()
    def memory_holds_what_runs(self) -> None:
        for life in self.lives if hasattr(self, "lives") else ():
            for caller in self.callers if life.alive else ():
                running = [hold for hold in life.open.values() if self.callers[hold.who] is caller]
                leased = sum(hold.amount for hold in running if hold.reservation.leased)
                standing = life.bank.treasury.leases.standing(caller.user.account)
                assert (standing.outstanding.nano if standing else 0) == leased

    @invariant()
    def the_database_lends_whatever_memory_may_spend(self) -> None:
        for life in self.lives if hasattr(self, "lives") else ():
            if life.alive:
                self.run(self._compare_leases(life))

    async def _compare_leases(self, life: Life) -> None:
        leases, origin = life.bank.treasury.leases, life.bank.treasury.origin
        while True:
            standings = leases.standings()
            rows = await self.database.fetch(_LEASES, origin.node, origin.epoch)
            if standings == leases.standings():  # Else a loan or a repayment came between.
                break
        unspent = _by_name(rows)
        for standing in standings:
            assert standing.left.nano + standing.outstanding.nano <= unspent.get(standing.scope, 0)

    async def _rows(self, sql: str, *values: str) -> list[Row]:
        return list(await self.database.fetch(sql, *values))

    # The end.

    def teardown(self) -> None:
        try:
            if hasattr(self, "lives"):
                self.run(self._end())
        finally:
            self.runner.close()
            shutil.rmtree(self.folder)
            self.impatient.stop()

    async def _end(self) -> None:
        self.faults.clear()
        try:
            for life in self.lives:
                if life.alive:
                    await self._stop(life, kill=False)
            async with Bank(self.database, self.folder, name="last") as last:
                await self._adopt(last)
                await last.treasury.settle_down()
            await self._compare()
        finally:
            await self.database.close()
            await self.drop_database()

    async def _compare(self) -> None:
        assert await self._rows("SELECT name, held, leased FROM account WHERE held <> 0 OR leased <> 0") == []
        assert await self._rows("SELECT id, held, leased FROM token WHERE held <> 0 OR leased <> 0") == []
        assert await contradictions(self.database) == []
        assert list(self.folder.rglob("refused.log")) == []
        for caller, account in zip(self.callers, self.accounts, strict=True):
            rows = await self._rows(
                "SELECT event, amount FROM entry WHERE kind = 'charge' AND account = $1", caller.user.account
            )
            assert _by_name(rows) == {f"settle:{id_}": -nano for id_, nano in account.charges.items()}
            (balance,) = (await self._rows("SELECT balance FROM account WHERE name = $1", caller.user.account))[0]
            assert balance == account.given - account.taken - sum(account.charges.values())
            spent = await self.database.fetch("SELECT spent FROM token WHERE id = $1", caller.token.id)
            assert spent == [(sum(account.charges.values()),)]


_POSITIONS = "SELECT id, segment, position FROM node"
_AVAILABLE = "SELECT name, balance - held - leased FROM account WHERE name LIKE 'user:%'"
_LEASES = "SELECT scope, granted - returned - spent FROM lease WHERE node = $1 AND epoch = $2"
_UNSPENT = "(SELECT COALESCE(SUM(granted - returned - spent), 0) FROM lease WHERE scope = "
_RULES = {
    "entries": "SELECT event FROM entry GROUP BY event HAVING SUM(amount) <> 0",
    "balance": "SELECT name FROM account WHERE balance <>"
    " (SELECT COALESCE(SUM(amount), 0) FROM entry WHERE account = name)",
    "held": "SELECT name FROM account WHERE held <> (SELECT COALESCE(SUM(amount), 0) FROM reservation"
    " WHERE state = 'open' AND 'user:' || user_id = name)",
    "held of a budget": "SELECT id FROM token WHERE held <> (SELECT COALESCE(SUM(amount), 0) FROM reservation"
    " WHERE state = 'open' AND token_id = token.id)",
    "leased": f"SELECT name FROM account WHERE leased < 0 OR leased <> {_UNSPENT}name)",  # noqa: S608  (constants)
    "leased of a budget": f"SELECT id FROM token WHERE leased < 0 OR leased <> {_UNSPENT}'token:' || token.id)",  # noqa: S608  (constants)
    "unspent": "SELECT scope FROM lease WHERE returned < 0 OR spent < 0 OR granted - returned - spent < 0",
    "resolutions": "SELECT event FROM entry WHERE kind = 'charge' GROUP BY event HAVING COUNT(*) <> 2",
}


def _by_name(rows: Sequence[Row]) -> dict[str, int]:
    return {row[0]: row[1] for row in rows}


def _contradictions() -> Program[list[tuple[str, Row]]]:
    found: list[tuple[str, Row]] = []
    for name, sql in _RULES.items():
        found += [(name, tuple(row)) for row in (yield from fetch(sql))]
    return found


def _move_back(node: str, segment: int, offset: int) -> Program[int]:
    return (
        yield from execute(
            "UPDATE node SET segment = $2, position = $3 WHERE id = $1"
            " AND (segment > $2 OR segment = $2 AND position > $3)",
            node,
            segment,
            offset,
        )
    )


def _often(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


Treasuries.TestCase.settings = _often(40)
TestTreasuries = Treasuries.TestCase


class TreasuriesOnPostgres(Treasuries):
    """The same, where transactions really run beside one another."""

    def make_database(self) -> str:
        self.borrowed = AsyncExitStack()
        return self.run(self.borrowed.enter_async_context(lent_postgres()))

    async def drop_database(self) -> None:
        await self.borrowed.aclose()


TreasuriesOnPostgres.TestCase.settings = _often(6)


@pytest.mark.postgres
@pytest.mark.skipif(not POSTGRES, reason="needs CLINX_TEST_POSTGRES_URL")
@pytest.mark.usefixtures("_migrated_database")
class TestTreasuriesOnPostgres(TreasuriesOnPostgres.TestCase):
    """Fewer examples."""
