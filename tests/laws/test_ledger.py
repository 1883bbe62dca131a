"""The ledger as a state machine: whatever comes in whatever order, the books balance and nobody overspends.

Two processes share one database. Each holds directly and out of leases, ships its journal, sometimes a batch that is
in the ledger already, and sometimes it dies: its next life closes what the one before it had leased.
"""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from clinx.accounts.tokens import Limits
from clinx.billing import statement, topup
from clinx.billing.batch import Overtaken, Passage, execute, ship
from clinx.billing.journal.files import Position
from clinx.billing.operations import Direct, Loan, Operation, Outcome, Release, Resolution, Settle
from clinx.billing.sweep import release_orphans, sweep
from clinx.billing.topup import Cause
from clinx.billing.vault import Vault
from clinx.domain.identity import Principal
from clinx.domain.ledger import Origin, Reservation, token_scope
from clinx.domain.money import ZERO, Amount
from clinx.errors import BudgetSpent, InsufficientBalance
from clinx.storage import leases, nodes
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor
from support.books import contradictions
from support.database import (
    POSTGRES,
    Clock,
    _migrated_database,
    lent_postgres,
    make_caller,
    migrated_file,
    request_log,
)

__all__ = ["_migrated_database"]

T = TypeVar("T")
START_WITH = "0.0000003"
BUDGET = 200
amounts = st.integers(0, 40)
who = st.integers(0, 1)
process = st.integers(0, 1)


@dataclass
class Scope:
    """What the ledger should know of a balance or a budget, in plain integers."""

    total: int | None
    """What there was, less what was spent; None for a token without a budget."""
    spent: int = 0
    held: int = 0
    excess: int = 0
    """What was taken although nothing was held for it."""
    leases: dict[Origin, list[int]] = field(default_factory=dict[Origin, list[int]])
    """Granted, returned, spent."""

    def unspent(self, origin: Origin) -> int:
        granted, returned, spent = self.leases.get(origin, (0, 0, 0))
        return granted - returned - spent

    @property
    def leased(self) -> int:
        return sum(self.unspent(origin) for origin in self.leases)

    @property
    def available(self) -> int:
        return 10**9 if self.total is None else self.total - self.held - self.leased

    def borrowers(self, origin: Origin) -> int:
        return 1 + sum(self.unspent(other) > 0 for other in self.leases if other != origin)

    def lend(self, origin: Origin, least: int, wish: int) -> int:
        self.leases.setdefault(origin, [0, 0, 0])[0] += max(
            least, min(self.available // (4 * self.borrowers(origin)), wish)
        )
        return self.leases[origin][0]

    def repay(self, origin: Origin, returned: int) -> None:
        if origin in self.leases:
            lease = self.leases[origin]
            lease[1] += max(0, min(returned - lease[1], self.unspent(origin)))

    def charge(self, amount: int, freed: int) -> None:
        self.spent += amount
        self.excess += max(0, amount - freed)
        if self.total is not None:
            self.total -= amount

    def cover(self, origin: Origin, amount: int) -> int:
        covered = min(amount, self.unspent(origin))
        if covered:
            self.leases[origin][2] += covered
        return covered

    def close(self, node: str, before: int) -> None:
        for origin, lease in self.leases.items():
            if origin.node == node and origin.epoch < before:
                lease[1] = lease[0] - lease[2]


@dataclass
class Model:
    """What the ledger should know of one caller."""

    user: Scope
    token: Scope
    open: dict[str, int] = field(default_factory=dict[str, int])
    expired: set[str] = field(default_factory=set[str])
    charges: dict[str, int] = field(default_factory=dict[str, int])
    """What was charged, by request: each once."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        return (self.user,) if self.token.total is None else (self.user, self.token)

    def admits(self, amount: int) -> bool:
        return amount == 0 or all(scope.available >= amount for scope in self.scopes)

    def hold(self, id_: str, amount: int) -> None:
        self.open[id_] = amount
        self.user.held += amount
        self.token.held += amount

    def free(self, id_: str) -> int | None:
        amount = self.open.pop(id_, None)
        if amount is not None:
            self.user.held -= amount
            self.token.held -= amount
        return amount


@dataclass
class Held:
    """An exchange's hold, direct or leased, and whose it is."""

    who: int
    origin: Origin
    reservation: Reservation


class Ledger(RuleBasedStateMachine):
    """Two callers, one with a budget, and two processes."""

    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.ids = itertools.count()
        self.clock = Clock()
        self.models = (Model(Scope(300), Scope(None)), Model(Scope(300), Scope(BUDGET)))
        self.positions = {"node0": 0, "node1": 0}
        self.outstanding: dict[str, Held] = {}
        self.released: set[str] = set()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    @initialize()
    def open(self) -> None:
        self.run(self._open())

    async def _open(self) -> None:
        url = await self._url()
        self.database = await Database.connect(url)
        self.supervisor = Supervisor()
        self.origins: list[Origin] = []
        self.vaults: list[Vault] = []
        for node in self.positions:
            origin, _ = await self.database.atomically(nodes.begin(node, "host", self.clock.now(), 0))
            self.origins.append(origin)
            self.vaults.append(self._vault(origin))
        self.callers: tuple[Principal, ...] = (
            await make_caller(self.database, "free", balance=START_WITH),
            await make_caller(self.database, "bounded", balance=START_WITH, limits=Limits(budget=Amount(BUDGET))),
        )

    async def _url(self) -> str:
        path = self.folder / "clinx.db"
        shutil.copy(migrated_file(), path)
        return f"sqlite:///{path}"

    def _vault(self, origin: Origin) -> Vault:
        vault = Vault(self.database, self.supervisor, origin=origin, now=self.clock.now, random=Random(1))
        vault.start()
        return vault

    def teardown(self) -> None:
        self.run(self._close())
        self.runner.close()
        shutil.rmtree(self.folder)

    async def _close(self) -> None:
        for vault in self.vaults:
            await vault.close()
        await self.supervisor.close()
        await self.database.close()

    @rule(who=who, amount=st.integers(1, 300), twice=st.booleans())
    def grant(self, who: int, amount: int, twice: bool) -> None:
        cause = Cause("law", "", str(next(self.ids)))
        for first in (True, False)[: 1 + twice]:
            user = self.callers[who].user
            assert self.run(topup.grant(self.database, user, Amount(amount), cause, at=self.clock.now())) is first
        self._gain(who, amount)

    @rule(who=who, amount=st.integers(-50, 50).filter(bool))
    def adjust(self, who: int, amount: int) -> None:
        cause = Cause("law", "", str(next(self.ids)))
        user = self.callers[who].user
        assert self.run(topup.adjust(self.database, user, Amount(amount), cause, at=self.clock.now()))
        self._gain(who, amount)

    def _gain(self, who: int, amount: int) -> None:
        scope = self.models[who].user
        assert scope.total is not None
        scope.total += amount
        scope.excess += max(0, -amount)

    @rule(target=holds, who=who, process=process, wanted=st.lists(amounts, min_size=1, max_size=5))
    def reserve(self, who: int, process: int, wanted: list[int]) -> list[Held]:
        model, caller, opened = self.models[who], self.callers[who], list[Held]()
        ids = [f"req-{next(self.ids)}" for _ in wanted]
        answers = self.run(self._reserve(self.vaults[process], caller, wanted, ids))
        for amount, id_, answer in zip(wanted, ids, answers, strict=True):
            admitted = model.admits(amount)
            assert isinstance(answer, Reservation if admitted else (BudgetSpent, InsufficientBalance))
            if isinstance(answer, Reservation):
                model.hold(id_, amount)
                opened.append(Held(who, self.origins[process], answer))
        return opened

    async def _reserve(
        self, vault: Vault, caller: Principal, wanted: list[int], ids: list[str]
    ) -> list[Reservation | BaseException]:
        asking = (
            vault.reserve(caller, Amount(amount), request_id=id_, revision="r1", lifetime=timedelta(minutes=1 + amount))
            for amount, id_ in zip(wanted, ids, strict=True)
        )
        return await asyncio.gather(*asking, return_exceptions=True)

    @rule(who=who, process=process, least=st.integers(1, 40), wish=st.integers(1, 100))
    def lend(self, who: int, process: int, least: int, wish: int) -> None:
        model, origin = self.models[who], self.origins[process]
        answer = self.run(self._lend(self.vaults[process], self.callers[who], least, wish))
        if any(scope.available + scope.unspent(origin) < least for scope in model.scopes):
            assert isinstance(answer, BudgetSpent | InsufficientBalance)
        elif any(scope.available < 2 * scope.borrowers(origin) * least for scope in model.scopes):
            assert answer is Direct.DIRECT
        else:
            granted = [Amount(scope.lend(origin, least, wish)) for scope in model.scopes]
            assert answer == Loan(granted[0], granted[1] if granted[1:] else None)

    async def _lend(self, vault: Vault, caller: Principal, least: int, wish: int) -> object:
        try:
            return await vault.lend(caller, Amount(least), Amount(wish))
        except (BudgetSpent, InsufficientBalance) as error:
            return error

    @rule(target=holds, who=who, process=process, amount=amounts)
    def take(self, who: int, process: int, amount: int) -> list[Held]:
        """Hold out of what is leased, as a process does in its memory."""
        model, origin, caller = self.models[who], self.origins[process], self.callers[who]
        if any(self._left(who, origin, scope) < amount for scope in model.scopes):
            self.lend(who, process, 1 + amount, 4 * amount)
        if any(self._left(who, origin, scope) < amount for scope in model.scopes):
            return []
        identity = (f"req-{next(self.ids)}", caller.user.id, caller.token.id)
        capped = len(model.scopes) > 1
        held = Held(who, origin, Reservation(*identity, Amount(amount), "r1", leased=True, capped=capped))
        self.outstanding[held.reservation.id] = held
        return [held]

    def _left(self, who: int, origin: Origin, scope: Scope) -> int:
        return scope.unspent(origin) - sum(
            held.reservation.amount.nano
            for held in self.outstanding.values()
            if (held.who, held.origin) == (who, origin)
        )

    @rule(
        who=who,
        process=process,
        times=st.integers(1, 2),
        part=st.integers(1, 3),
        beyond=st.sampled_from((0, 0, 0, 500)),
    )
    def repay(self, who: int, process: int, times: int, part: int, beyond: int) -> None:
        """Return what is left, or a part of it; or, out of its mind, more than was ever lent."""
        model, origin, caller = self.models[who], self.origins[process], self.callers[who]
        for name, scope in zip((caller.user.account, token_scope(caller.token.id)), model.scopes, strict=False):
            returned = scope.leases.get(origin, [0, 0, 0])[1] + max(0, self._left(who, origin, scope)) // part
            returned += beyond
            for _ in range(times):
                self.run(self.vaults[process].repay(name, Amount(returned)))
            scope.repay(origin, returned)

    @rule(held=holds, charge=amounts, released=st.booleans(), again=st.booleans())
    def ship(self, held: list[Held], charge: int, released: bool, again: bool) -> None:
        """Carry what became of holds to the ledger, as the journal of the process that held them."""
        held = [each for each in held if each.reservation.id not in self.released]  # A process ends each once.
        if not held:
            return
        operations = [
            Release(each.reservation, None) if released else self._settlement(each.reservation, charge) for each in held
        ] * (1 + again)
        expected = [self._resolve(each, charge, released) for each in held * (1 + again)]
        origin = held[0].origin
        outcomes = self.run(self._ship(operations, origin, again))
        assert outcomes == expected

    async def _ship(self, operations: Sequence[Operation], origin: Origin, again: bool) -> list[Outcome]:
        living = next(each for each in self.origins if each.node == origin.node)
        start = (1, self.positions[origin.node])
        end = (1, start[1] + 10)
        if start[1] == 0:
            await self.database.atomically(nodes.advance(living, (0, 0), start))
        passage = Passage(Position(*start), Position(*end), living.epoch)
        program = ship(operations, self.clock.now(), origin, passage)
        outcomes = await self.database.atomically(program)
        self.positions[origin.node] = end[1]
        if again:
            with pytest.raises(Overtaken):
                await self.database.atomically(ship(operations, self.clock.now(), origin, passage))
        return outcomes

    def _settlement(self, reservation: Reservation, charge: int) -> Settle:
        return Settle(reservation, Amount(charge), request_log(reservation.id))

    def _resolve(self, held: Held, charge: int, released: bool) -> Resolution:
        if held.reservation.leased:
            return self._resolve_leased(held, charge, released)
        model, id_ = self.models[held.who], held.reservation.id
        freed = model.free(id_)
        if released:
            return Resolution.ALREADY if freed is None else Resolution.RELEASED
        if freed is None and id_ not in model.expired:
            return Resolution.ALREADY
        model.expired.discard(id_)
        self._charge(model, id_, charge, (freed or 0, freed or 0))
        return Resolution.SETTLED_LATE if freed is None else Resolution.SETTLED

    def _resolve_leased(self, held: Held, charge: int, released: bool) -> Resolution:
        model, id_ = self.models[held.who], held.reservation.id
        if released:
            self.outstanding.pop(id_, None)
            self.released.add(id_)
            return Resolution.RELEASED
        if id_ in model.charges:
            return Resolution.ALREADY
        self.outstanding.pop(id_, None)
        most = min(charge, held.reservation.amount.nano)
        covered = [scope.cover(held.origin, most) for scope in model.scopes]
        self._charge(model, id_, charge, (covered[0], covered[-1]))
        return Resolution.SETTLED

    def _charge(self, model: Model, id_: str, charge: int, freed: tuple[int, int]) -> None:
        model.charges[id_] = charge
        model.user.charge(charge, freed[0])
        model.token.charge(charge, freed[1])

    @rule(process=process, charge=amounts, orphans=st.booleans())
    def die(self, process: int, charge: int, orphans: bool) -> None:
        """End a life and begin the next; what was still running is charged before its leases are closed, or never."""
        before = self.origins[process]
        running = [held for held in self.outstanding.values() if held.origin == before]
        if orphans:
            self.run(self._charge_for_the_dead(before, running, charge))
            for held in running:
                assert self._resolve(held, charge, released=False) is Resolution.SETTLED
        self.run(self._begin_again(process))
        for id_ in [held.reservation.id for held in running]:
            self.outstanding.pop(id_, None)
        after = self.origins[process]
        for model in self.models:
            for scope in (model.user, model.token):
                scope.close(after.node, after.epoch)
        self._see_what_expired()

    async def _charge_for_the_dead(self, origin: Origin, running: list[Held], charge: int) -> None:
        operations = [self._settlement(held.reservation, charge) for held in running]
        outcomes = await self.database.atomically(execute(operations, self.clock.now(), origin))
        assert outcomes == [Resolution.SETTLED] * len(operations)

    async def _begin_again(self, process: int) -> None:
        await self.vaults[process].close()
        node = self.origins[process].node
        origin, position = await self.database.atomically(nodes.begin(node, "host", self.clock.now(), 0))
        assert position[1] == self.positions[node]
        await release_orphans(self.database, origin, self.clock.now(), keep=())
        await self.database.atomically(leases.close_epochs(node, origin.epoch))
        self.origins[process], self.vaults[process] = origin, self._vault(origin)

    @rule(minutes=st.integers(1, 60))
    def let_time_pass(self, minutes: int) -> None:
        self.clock.advance(60 * minutes)
        self.run(sweep(self.database, self.clock.now()))
        self._see_what_expired()

    def _see_what_expired(self) -> None:
        still_open = {row[0] for row in self.run(self._rows("SELECT id FROM reservation WHERE state = 'open'"))}
        for model in self.models:
            gone = model.open.keys() - still_open
            model.expired |= gone
            for id_ in gone:
                model.free(id_)

    async def _rows(self, sql: str, *values: int | str) -> list[Any]:
        return list(await self.database.fetch(sql, *values))

    @invariant()
    def the_books_balance(self) -> None:
        if not hasattr(self, "callers"):
            return
        assert self.run(self._rows("SELECT event FROM entry GROUP BY event HAVING SUM(amount) <> 0")) == []
        assert self.run(self._rows("SELECT SUM(balance) FROM account")) == [(0,)]
        assert self.run(contradictions(self.database)) == []
        for model, caller in zip(self.models, self.callers, strict=True):
            self._check(model, caller)

    def _check(self, model: Model, caller: Principal) -> None:
        balance = self.run(statement.balance(self.database, caller.user))
        user, token = model.user, model.token
        assert (balance.total, balance.held) == (Amount(user.total or 0), Amount(user.held))
        assert balance.leased == Amount(user.leased)
        sums = self._rows("SELECT spent, held, leased FROM token WHERE id = $1", caller.token.id)
        assert self.run(sums) == [(token.spent, token.held, token.leased)]
        for name, scope in ((caller.user.account, user), (token_scope(caller.token.id), token)):
            unspent = (
                "SELECT COALESCE(SUM(granted - returned - spent), 0), COALESCE(MIN(granted - returned - spent), 0)"
            )
            rows = self.run(self._rows(f"{unspent} FROM lease WHERE scope = $1", name))
            assert rows[0][0] == scope.leased
            assert rows[0][1] >= 0
            assert scope.available + scope.excess >= 0
        charged = self._rows(
            "SELECT event, -amount FROM entry WHERE account = $1 AND kind = 'charge'", caller.user.account
        )
        assert dict(self.run(charged)) == {f"settle:{id_}": charge for id_, charge in model.charges.items() if charge}
        spent = self._rows(
            "SELECT COALESCE(SUM(calls), 0), COALESCE(SUM(charge), 0) FROM spend WHERE user_id = $1", caller.user.id
        )
        assert self.run(spent) == [(len(model.charges), sum(model.charges.values()))]
        assert balance.held >= ZERO


class DistantLedger(Ledger):
    """The same on PostgreSQL."""

    async def _url(self) -> str:
        self.borrowed = AsyncExitStack()
        return await self.borrowed.enter_async_context(lent_postgres())

    async def _close(self) -> None:
        await super()._close()
        await self.borrowed.aclose()


Ledger.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
DistantLedger.TestCase.settings = settings(Ledger.TestCase.settings, max_examples=5)
TestLedger = Ledger.TestCase


@pytest.mark.postgres
@pytest.mark.skipif(not POSTGRES, reason="needs CLINX_TEST_POSTGRES_URL")
@pytest.mark.usefixtures("_migrated_database")
class TestDistantLedger(DistantLedger.TestCase):
    """See above."""
