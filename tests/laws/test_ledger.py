"""The ledger as a state machine: whatever comes in whatever order, the books balance and nobody overspends."""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from clinx.accounts.tokens import Limits
from clinx.billing import statement, topup
from clinx.billing.cashier import Cashier
from clinx.billing.operations import Resolution
from clinx.billing.sweep import sweep
from clinx.billing.topup import Cause
from clinx.domain.identity import Principal
from clinx.domain.ledger import Reservation
from clinx.domain.money import ZERO, Amount
from clinx.errors import BudgetSpent, InsufficientBalance
from clinx.storage.database import Database
from clinx.storage.migrate import migrate
from clinx.telemetry.tasks import Supervisor
from support.database import Clock, make_caller, request_log

T = TypeVar("T")
BUDGET = 60
amounts = st.integers(0, 40)


class Model:
    """What the ledger should know of one caller, in plain integers."""

    def __init__(self) -> None:
        self.total = 0
        self.spent = 0
        self.open: dict[str, int] = {}
        self.expired: set[str] = set()

    @property
    def held(self) -> int:
        return sum(self.open.values())

    def admits(self, amount: int, *, budget: int | None) -> bool:
        within = budget is None or budget - self.spent - self.held >= amount
        return amount == 0 or (within and self.total - self.held >= amount)


class Ledger(RuleBasedStateMachine):
    """Two callers, one with a budget, on a real SQLite file."""

    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.ids = itertools.count()
        self.clock = Clock()
        self.models = (Model(), Model())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    @initialize()
    def open(self) -> None:
        self.run(self._open())

    async def _open(self) -> None:
        url = f"sqlite:///{self.folder / 'clinx.db'}"
        await migrate(url)
        self.database = await Database.connect(url)
        self.supervisor = Supervisor()
        self.cashier = Cashier(self.database, self.supervisor, now=self.clock.now, random=Random(1))
        self.cashier.start()
        self.callers: tuple[Principal, ...] = (
            await make_caller(self.database, "free"),
            await make_caller(self.database, "bounded", limits=Limits(budget=Amount(BUDGET))),
        )

    def teardown(self) -> None:
        self.run(self._close())
        self.runner.close()
        shutil.rmtree(self.folder)

    async def _close(self) -> None:
        await self.cashier.close()
        await self.supervisor.close()
        await self.database.close()

    @rule(who=st.integers(0, 1), amount=st.integers(1, 100), twice=st.booleans())
    def grant(self, who: int, amount: int, twice: bool) -> None:
        cause = Cause("law", "", str(next(self.ids)))
        for first in (True, False)[: 1 + twice]:
            user = self.callers[who].user
            assert self.run(topup.grant(self.database, user, Amount(amount), cause, at=self.clock.now())) is first
        self.models[who].total += amount

    @rule(who=st.integers(0, 1), amount=st.integers(-50, 50).filter(bool))
    def adjust(self, who: int, amount: int) -> None:
        cause = Cause("law", "", str(next(self.ids)))
        user = self.callers[who].user
        assert self.run(topup.adjust(self.database, user, Amount(amount), cause, at=self.clock.now()))
        self.models[who].total += amount

    @rule(target=holds, who=st.integers(0, 1), wanted=st.lists(amounts, min_size=1, max_size=5))
    def reserve(self, who: int, wanted: list[int]) -> list[tuple[int, Reservation]]:
        model, caller, opened = self.models[who], self.callers[who], []
        ids = [f"req-{next(self.ids)}" for _ in wanted]
        for amount, id_, answer in zip(wanted, ids, self.run(self._reserve(caller, wanted, ids)), strict=True):
            admitted = model.admits(amount, budget=(None, BUDGET)[who])
            assert isinstance(answer, Reservation if admitted else (BudgetSpent, InsufficientBalance))
            if isinstance(answer, Reservation):
                model.open[id_] = amount
                opened.append((who, answer))
        return opened

    async def _reserve(self, caller: Principal, wanted: list[int], ids: list[str]) -> list[Reservation | BaseException]:
        asking = (
            self.cashier.reserve(
                caller, Amount(amount), request_id=id_, revision="r1", lifetime=timedelta(minutes=1 + amount)
            )
            for amount, id_ in zip(wanted, ids, strict=True)
        )
        return await asyncio.gather(*asking, return_exceptions=True)

    @rule(held=holds, charge=amounts, times=st.integers(1, 3))
    def settle(self, held: list[tuple[int, Reservation]], charge: int, times: int) -> None:
        for who, reservation in held:
            outcomes = self.run(self._settle(reservation, charge, times))
            assert outcomes == [self._expect_settlement(who, reservation.id, charge) for _ in range(times)]

    async def _settle(self, reservation: Reservation, charge: int, times: int) -> list[Resolution]:
        log = request_log(reservation.id)
        calls = (self.cashier.settle(reservation, Amount(charge), attempt=n, log=log) for n in range(times))
        return await asyncio.gather(*calls)

    def _expect_settlement(self, who: int, id_: str, charge: int) -> Resolution:
        model = self.models[who]
        late = id_ in model.expired
        if not late and id_ not in model.open:
            return Resolution.ALREADY
        model.expired.discard(id_)
        model.open.pop(id_, None)
        model.total -= charge
        model.spent += charge
        return Resolution.SETTLED_LATE if late else Resolution.SETTLED

    @rule(held=holds)
    def release(self, held: list[tuple[int, Reservation]]) -> None:
        for who, reservation in held:
            was_open = self.models[who].open.pop(reservation.id, None) is not None
            outcome = self.run(self._release(reservation))
            assert outcome is (Resolution.RELEASED if was_open else Resolution.ALREADY)

    async def _release(self, reservation: Reservation) -> Resolution:
        return await self.cashier.release(reservation, log=None)

    @rule(minutes=st.integers(1, 60))
    def let_time_pass(self, minutes: int) -> None:
        self.clock.advance(60 * minutes)
        self.run(sweep(self.database, self.clock.now()))
        still_open = {row[0] for row in self.run(self._rows("SELECT id FROM reservation WHERE state = 'open'"))}
        for model in self.models:
            gone = model.open.keys() - still_open
            model.expired |= gone
            for id_ in gone:
                del model.open[id_]

    async def _rows(self, sql: str, *values: int) -> list[Any]:
        return list(await self.database.fetch(sql, *values))

    @invariant()
    def the_books_balance(self) -> None:
        if not hasattr(self, "callers"):
            return
        assert self.run(self._rows("SELECT event FROM entry GROUP BY event HAVING SUM(amount) <> 0")) == []
        assert self.run(self._rows("SELECT SUM(balance) FROM account")) == [(0,)]
        assert self.run(statement.discrepancies(self.database)) == []
        for model, caller in zip(self.models, self.callers, strict=True):
            balance = self.run(statement.balance(self.database, caller.user))
            assert (balance.total, balance.held) == (Amount(model.total), Amount(model.held))
            spent = self._rows("SELECT spent, held FROM token WHERE id = $1", caller.token.id)
            assert self.run(spent) == [(model.spent, model.held)]
            assert balance.held >= ZERO


Ledger.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLedger = Ledger.TestCase
