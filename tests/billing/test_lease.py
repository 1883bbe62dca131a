import asyncio
import contextlib
import gc
from collections.abc import Callable
from datetime import timedelta

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from clinx.billing.lease import IDLE, POOR, QUIET, Direct, Leases, Standing, Taken
from clinx.billing.operations import Loan
from clinx.billing.vault import Vault
from clinx.domain.identity import Principal, Role, Status, Token, User
from clinx.domain.ledger import Reservation
from clinx.domain.money import ZERO, Amount
from clinx.errors import BillingUnavailable, BudgetSpent, InsufficientBalance, TokenDisabled
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor
from support.database import START, Clock, make_caller

USER = User(1, "ann", Role.USER, Status.ACTIVE, "default", START)
CALLER = Principal(USER, Token(7, 1, "t", "h", Status.ACTIVE), "default")
SIBLING = Principal(USER, Token(6, 1, "t", "h", Status.ACTIVE), "default")
CAPPED = Principal(USER, Token(8, 1, "t", "h", Status.ACTIVE, budget=Amount(1000)), "default")
FREE, CAPPED_TAKEN = Taken(capped=False), Taken(capped=True)


class Bank:
    """A lender that keeps totals the way the vault does, for one process."""

    def __init__(self) -> None:
        self.available: dict[str, int] = {"user:1": 1000, "token:8": 1000}
        self.granted: dict[str, int] = {}
        self.returned: dict[str, int] = {}
        self.asked: list[tuple[int, int, int]] = []
        """Of each loan: the token, the least, the wish."""
        self.repaid: list[tuple[str, int]] = []
        self.failure: Exception | None = None
        self.after: Exception | None = None
        """Raised when a loan was written: the answer is lost."""
        self.gate = asyncio.Event()
        self.gate.set()
        self.before_answer: Callable[[], object] = lambda: None

    async def lend(self, principal: Principal, least: Amount, wish: Amount) -> Loan | Direct:
        self.asked.append((principal.token.id, least.nano, wish.nano))
        await self.gate.wait()
        self.before_answer()
        if self.failure:
            raise self.failure
        scopes = ["user:1", *(["token:8"] if principal.token.budget is not None else [])]
        for scope, refusal in zip(scopes, (InsufficientBalance, BudgetSpent), strict=False):
            if self.available[scope] < least.nano:
                error = refusal("too little")
                error.available_nano = self.available[scope]
                raise error
        if any(self.available[scope] < 2 * least.nano for scope in scopes):
            return Direct.DIRECT
        for scope in scopes:
            lent = max(least.nano, min(self.available[scope] // 4, wish.nano))
            self.available[scope] -= lent
            self.granted[scope] = self.granted.get(scope, 0) + lent
        if self.after:
            raise self.after
        return Loan(Amount(self.granted["user:1"]), Amount(self.granted["token:8"]) if len(scopes) > 1 else None)

    async def repay(self, scope: str, returned: Amount) -> None:
        self.repaid.append((scope, returned.nano))
        await self.gate.wait()
        if self.failure:
            raise self.failure
        back = max(0, returned.nano - self.returned.get(scope, 0))
        self.returned[scope] = self.returned.get(scope, 0) + back
        self.available[scope] += back


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest_asyncio.fixture
async def leases(bank: Bank, supervisor: Supervisor, clock: Clock) -> Leases:
    return Leases(bank, supervisor, monotonic_ns=lambda: int(clock.seconds * 1e9))


def hold(amount: int, caller: Principal = CALLER) -> Reservation:
    capped = caller.token.budget is not None
    return Reservation("req", 1, caller.token.id, Amount(amount), "r1", leased=True, capped=capped)


def sums(leases: Leases, scope: str = "user:1") -> tuple[int, ...] | None:
    """Granted, returned, spent, outstanding, left."""
    found = leases.standing(scope)
    if found is None:
        return None
    return tuple(a.nano for a in (found.granted, found.returned, found.spent, found.outstanding, found.left))


async def ticks(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (there is no event for it)
            await asyncio.sleep(0)


async def test_a_call_is_held_in_memory_after_one_loan(leases: Leases, bank: Bank):
    assert leases.take(CALLER, Amount(10)) is None
    assert await leases.acquire(CALLER, Amount(10)) == FREE
    for _ in range(3):
        assert leases.take(CALLER, Amount(10)) == FREE

    assert bank.asked == [(7, 10, 80)]
    assert sums(leases) == (80, 0, 0, 40, 40)


async def test_what_is_not_left_is_not_taken(leases: Leases):
    await leases.acquire(CALLER, Amount(10))

    assert leases.take(CALLER, Amount(71)) is None
    assert sums(leases) == (80, 0, 0, 10, 70)
    with pytest.raises(ValueError, match="negative"):
        leases.take(CALLER, Amount(-1))
    with pytest.raises(ValueError, match="negative"):
        await leases.acquire(CALLER, Amount(-1))
    assert sums(leases) == (80, 0, 0, 10, 70)


async def test_a_hold_of_nothing_needs_no_loan(leases: Leases, bank: Bank):
    assert await leases.acquire(CALLER, ZERO) == FREE
    assert bank.asked == []


async def test_a_token_with_a_budget_takes_of_both_or_none(leases: Leases, bank: Bank):
    bank.available["token:8"] = 100
    assert await leases.acquire(CAPPED, Amount(10)) == CAPPED_TAKEN
    assert (sums(leases), sums(leases, "token:8")) == ((80, 0, 0, 10, 70), (25, 0, 0, 10, 15))

    assert leases.take(CAPPED, Amount(16)) is None
    assert (sums(leases), sums(leases, "token:8")) == ((80, 0, 0, 10, 70), (25, 0, 0, 10, 15))
    assert leases.take(CALLER, Amount(60)) == FREE
    assert leases.take(CAPPED, Amount(11)) is None
    assert (sums(leases), sums(leases, "token:8")) == ((80, 0, 0, 70, 10), (25, 0, 0, 10, 15))


async def test_a_settlement_gives_back_what_it_did_not_use_and_never_takes_more(leases: Leases):
    await leases.acquire(CAPPED, Amount(10))
    assert leases.take(CAPPED, Amount(10)) == CAPPED_TAKEN

    leases.give_back(hold(10, CAPPED), Amount(4))
    leases.give_back(hold(10, CAPPED), ZERO)  # Charged 10, or more.

    assert (sums(leases), sums(leases, "token:8")) == ((80, 0, 16, 0, 64), (80, 0, 16, 0, 64))


async def test_more_is_asked_for_when_half_is_used(leases: Leases, bank: Bank, supervisor: Supervisor):
    await leases.acquire(CALLER, Amount(10))
    for _ in range(4):
        leases.take(CALLER, Amount(10))
    await ticks(lambda: len(bank.asked) == 2)
    await ticks(lambda: not leases._requests)

    assert bank.asked == [(7, 10, 80), (7, 10, 100)]
    assert sums(leases) == (180, 0, 0, 50, 130)
    leases.take(CALLER, Amount(10))
    await asyncio.sleep(0)
    assert len(bank.asked) == 2


async def test_the_wish_follows_what_was_spent_lately(leases: Leases, bank: Bank):
    bank.available["user:1"] = 10_000
    await leases.acquire(CALLER, Amount(500))
    leases.give_back(hold(500), ZERO)
    await leases.recall(CALLER)

    await leases.acquire(CALLER, Amount(10))

    assert bank.asked == [(7, 500, 4000), (7, 10, 500)]


async def test_however_many_wait_one_loan_is_asked_for_at_a_time(leases: Leases, bank: Bank):
    bank.gate.clear()
    waiting = [asyncio.ensure_future(leases.acquire(CALLER, Amount(nano))) for nano in (10, 30, 20)]  # noqa: TID251
    await ticks(lambda: len(bank.asked) == 1)
    waiting.append(asyncio.ensure_future(leases.acquire(CALLER, Amount(5))))  # noqa: TID251
    await asyncio.sleep(0)
    bank.gate.set()

    assert await asyncio.gather(*waiting) == [FREE] * 4
    assert bank.asked == [(7, 30, 240)]
    assert sums(leases) == (240, 0, 0, 65, 175)


async def test_a_loan_is_handed_out_in_order_of_arrival(leases: Leases, bank: Bank):
    order: list[int] = []

    async def call(number: int, nano: int) -> None:
        await leases.acquire(CALLER, Amount(nano))
        order.append(number)

    bank.gate.clear()
    waiting = [asyncio.ensure_future(call(number, 60)) for number in range(12)]  # noqa: TID251
    await ticks(lambda: len(bank.asked) == 1)
    bank.gate.set()
    await asyncio.gather(*waiting)

    assert order == list(range(12))


async def test_exactly_what_the_balance_covers_is_admitted(leases: Leases, bank: Bank):
    """Ten calls of a thousand: in memory, and the rest by direct holds that see all that is left."""
    answers = await asyncio.gather(*(leases.acquire(CALLER, Amount(100)) for _ in range(50)), return_exceptions=True)
    held = answers.count(FREE)

    assert held + answers.count(Direct.DIRECT) == 50
    assert sums(leases) == (
        held * 100 + bank.returned.get("user:1", 0),
        bank.returned.get("user:1", 0),
        0,
        held * 100,
        0,
    )
    assert bank.available["user:1"] == 1000 - held * 100


async def test_a_poor_account_is_not_asked_for_a_moment_and_keeps_nothing_here(
    leases: Leases, bank: Bank, clock: Clock
):
    bank.available["user:1"] = 100
    assert await leases.acquire(CALLER, Amount(20)) == FREE
    assert sums(leases) == (25, 0, 0, 20, 5)

    assert await leases.acquire(CALLER, Amount(70)) is Direct.DIRECT
    assert (bank.repaid, bank.available["user:1"]) == ([("user:1", 5)], 80)
    leases.give_back(hold(20), Amount(8))
    assert await leases.acquire(CALLER, Amount(70)) is Direct.DIRECT
    assert (bank.repaid, bank.available["user:1"]) == ([("user:1", 5), ("user:1", 13)], 88)
    assert len(bank.asked) == 2

    clock.advance(POOR.total_seconds())
    assert await leases.acquire(CALLER, Amount(10)) == FREE
    assert len(bank.asked) == 3


async def test_a_direct_hold_waits_for_what_is_on_its_way_back(leases: Leases, bank: Bank):
    bank.available["user:1"] = 100
    await leases.acquire(CALLER, Amount(20))
    bank.gate.clear()
    waiting = [asyncio.ensure_future(leases.acquire(CALLER, Amount(70))) for _ in range(2)]  # noqa: TID251
    await ticks(lambda: len(bank.asked) == 2)
    bank.gate.set()
    await ticks(lambda: bool(bank.repaid))
    assert await asyncio.gather(*waiting) == [Direct.DIRECT] * 2
    assert bank.available["user:1"] == 80

    bank.gate.clear()
    leases.give_back(hold(20), Amount(20))
    late = [asyncio.ensure_future(leases.acquire(CALLER, Amount(70))) for _ in range(2)]  # noqa: TID251
    await ticks(lambda: len(bank.repaid) == 2)
    for _ in range(5):
        await asyncio.sleep(0)
    assert [call.done() for call in late] == [False, False]
    bank.gate.set()
    assert await asyncio.gather(*late) == [Direct.DIRECT] * 2
    assert len(bank.repaid) == 2


async def test_money_that_arrives_ends_being_poor(leases: Leases, bank: Bank):
    bank.available["user:1"] = 15
    assert await leases.acquire(CALLER, Amount(10)) is Direct.DIRECT
    bank.available["user:1"] = 1000

    leases.hear("funds", "user:2")
    assert await leases.acquire(CALLER, Amount(10)) is Direct.DIRECT
    leases.hear("funds", "user:1")
    assert await leases.acquire(CALLER, Amount(10)) == FREE


async def test_a_poor_token_does_not_make_its_user_poor(leases: Leases, bank: Bank):
    bank.available["token:8"] = 15

    assert await leases.acquire(CAPPED, Amount(10)) is Direct.DIRECT
    assert await leases.acquire(CALLER, Amount(10)) == FREE
    assert await leases.acquire(CAPPED, Amount(10)) is Direct.DIRECT
    assert len(bank.asked) == 2


async def test_too_much_is_refused_and_others_are_served(leases: Leases, bank: Bank):
    bank.available["user:1"] = 500
    bank.gate.clear()
    waiting = [asyncio.ensure_future(leases.acquire(CALLER, Amount(nano))) for nano in (700, 10, 600)]  # noqa: TID251
    await ticks(lambda: len(bank.asked) == 1)
    bank.gate.set()

    answers = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(answer) for answer in answers] == [InsufficientBalance, Taken, InsufficientBalance]
    assert isinstance(answers[0], InsufficientBalance)
    assert answers[0].available_nano == 500
    assert bank.asked == [(7, 700, 5600), (7, 10, 80)]
    assert sums(leases) == (80, 0, 0, 10, 70)


async def test_nothing_is_refused_while_something_is_left_here(leases: Leases, bank: Bank):
    bank.available["user:1"] = 100
    await leases.acquire(CALLER, Amount(3))
    assert (sums(leases), bank.available["user:1"]) == ((24, 0, 0, 3, 21), 76)

    assert await leases.acquire(CALLER, Amount(90)) is Direct.DIRECT
    assert bank.available["user:1"] == 97
    with pytest.raises(InsufficientBalance):
        await leases.acquire(CALLER, Amount(98))


async def test_a_revoked_token_is_refused(leases: Leases, bank: Bank):
    bank.failure = TokenDisabled("revoked")

    with pytest.raises(TokenDisabled):
        await leases.acquire(CALLER, Amount(1))
    assert sums(leases) == (0, 0, 0, 0, 0)


async def test_while_the_database_is_away_pockets_are_spent_and_then_calls_are_refused(
    leases: Leases, bank: Bank, clock: Clock
):
    await leases.acquire(CALLER, Amount(10))
    bank.failure = BillingUnavailable("away", retry_after=1)
    taken = 1
    while leases.take(CALLER, Amount(10)):
        taken += 1
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert taken == 8
    assert len(bank.asked) == 2  # Not again and again in the background.
    with pytest.raises(BillingUnavailable) as caught:
        await leases.acquire(CALLER, Amount(10))
    assert caught.value.retry_after == 1
    assert sums(leases) == (80, 0, 0, 80, 0)

    bank.failure = None
    clock.advance(QUIET.total_seconds())
    assert await leases.acquire(CALLER, Amount(10)) == FREE


async def test_a_loan_whose_answer_was_lost_is_found_with_the_next(leases: Leases, bank: Bank):
    bank.after = BillingUnavailable("no answer")
    with pytest.raises(BillingUnavailable):
        await leases.acquire(CALLER, Amount(10))
    assert (sums(leases), bank.granted) == ((0, 0, 0, 0, 0), {"user:1": 80})

    bank.after = None
    await leases.acquire(CALLER, Amount(10))
    assert sums(leases) == (160, 0, 0, 10, 150)
    await leases.recall(CALLER)
    assert bank.available["user:1"] == 990


async def test_a_repayment_that_could_not_be_written_is_said_again_with_the_next(leases: Leases, bank: Bank):
    await leases.acquire(CALLER, Amount(10))
    bank.failure = BillingUnavailable("away")
    assert await leases.recall(CALLER)
    assert (sums(leases), bank.returned) == ((80, 70, 0, 10, 0), {})

    bank.failure = None
    leases.give_back(hold(10), Amount(10))
    assert await leases.recall(CALLER)
    assert (bank.repaid, bank.available["user:1"]) == ([("user:1", 70), ("user:1", 80)], 1000)


async def test_a_running_exchange_holds_more(leases: Leases, bank: Bank):
    await leases.acquire(CAPPED, Amount(10))

    assert leases.extend(hold(10, CAPPED), Amount(30))
    assert (sums(leases), sums(leases, "token:8")) == ((80, 0, 0, 40, 40), (80, 0, 0, 40, 40))
    leases.give_back(hold(40, CAPPED), Amount(5))
    assert sums(leases, "token:8") == (80, 0, 35, 0, 45)
    assert len(bank.asked) == 1
    with pytest.raises(ValueError, match="lowered"):
        leases.extend(hold(40), Amount(-1))


async def test_what_is_not_there_for_an_extension_is_asked_for(leases: Leases, bank: Bank):
    bank.available["user:1"] = 10_000
    await leases.acquire(CALLER, Amount(10))
    leases.take(SIBLING, Amount(60))
    await ticks(lambda: len(bank.asked) == 2 and not leases._requests)
    before = sums(leases)
    bank.asked.clear()

    assert not leases.extend(hold(10), Amount(600))
    assert sums(leases) == before
    await ticks(lambda: len(bank.asked) == 1 and not leases._requests)

    assert leases.extend(hold(10), Amount(600))
    assert bank.asked[0] == (7, 600, 4800)


async def test_what_was_never_leased_here_cannot_be_extended(leases: Leases):
    assert not leases.extend(hold(10), Amount(1))
    await leases.acquire(CALLER, Amount(10))
    assert not leases.extend(hold(10, CAPPED), Amount(1))
    assert sums(leases) == (80, 0, 0, 10, 70)


async def test_whoever_is_cancelled_while_the_loan_arrives_holds_nothing(leases: Leases, bank: Bank):
    bank.gate.clear()
    call = asyncio.ensure_future(leases.acquire(CAPPED, Amount(10)))  # noqa: TID251  (to cancel)
    other = asyncio.ensure_future(leases.acquire(CAPPED, Amount(10)))  # noqa: TID251
    await ticks(lambda: len(bank.asked) == 1)
    bank.before_answer = lambda: asyncio.get_running_loop().call_soon(call.cancel)
    bank.gate.set()

    assert await other == CAPPED_TAKEN
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (sums(leases), sums(leases, "token:8")) == ((80, 0, 0, 10, 70), (80, 0, 0, 10, 70))


async def test_whoever_left_before_is_not_served(leases: Leases, bank: Bank):
    bank.gate.clear()
    call = asyncio.ensure_future(leases.acquire(CALLER, Amount(10)))  # noqa: TID251  (to cancel)
    await ticks(lambda: len(bank.asked) == 1)
    call.cancel()
    bank.gate.set()
    await ticks(lambda: not leases._requests)

    assert sums(leases) == (80, 0, 0, 0, 80)


async def test_a_refusal_that_nobody_hears_is_no_noise(leases: Leases, bank: Bank):
    bank.gate.clear()
    bank.failure = TokenDisabled("revoked")
    call = asyncio.ensure_future(leases.acquire(CALLER, Amount(10)))  # noqa: TID251  (to cancel)
    await ticks(lambda: len(bank.asked) == 1)
    bank.before_answer = lambda: asyncio.get_running_loop().call_soon(call.cancel)
    bank.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await call
    await ticks(lambda: not leases._requests)
    gc.collect()  # An exception nobody looked at would be reported here.


async def test_a_defect_of_the_lender_leaves_nobody_waiting(
    leases: Leases, bank: Bank, caplog: pytest.LogCaptureFixture
):
    bank.failure = ZeroDivisionError()

    with pytest.raises(BillingUnavailable):
        await leases.acquire(CALLER, Amount(10))
    await ticks(lambda: bool(caplog.records))
    assert [record.message for record in caplog.records] == ["task.failed"]


async def test_idle_money_goes_back_and_the_memory_with_it(leases: Leases, bank: Bank, clock: Clock):
    await leases.acquire(CAPPED, Amount(10))
    clock.advance(IDLE.total_seconds())
    leases.tidy()
    await asyncio.sleep(0)
    assert (bank.repaid, sums(leases)) == ([], (80, 0, 0, 10, 70))  # A call still runs.

    leases.give_back(hold(10, CAPPED), Amount(4))
    clock.advance(IDLE.total_seconds() - 1)
    leases.tidy()
    await asyncio.sleep(0)
    assert bank.repaid == []
    clock.advance(1)
    leases.tidy()
    await ticks(lambda: len(bank.repaid) == 2 and not leases._repayments._running)
    leases.tidy()

    assert bank.repaid == [("user:1", 74), ("token:8", 74)]
    assert bank.available == {"user:1": 994, "token:8": 994}
    assert leases.standings() == []

    await leases.acquire(CAPPED, Amount(10))
    assert (sums(leases), sums(leases, "token:8")) == ((160, 74, 6, 10, 70), (160, 74, 6, 10, 70))


async def test_money_on_its_way_back_is_not_forgotten(leases: Leases, bank: Bank, clock: Clock):
    await leases.acquire(CALLER, Amount(10))
    leases.give_back(hold(10), Amount(10))
    clock.advance(IDLE.total_seconds())
    bank.gate.clear()
    leases.tidy()
    await ticks(lambda: len(bank.repaid) == 1)
    leases.tidy()

    assert sums(leases) == (80, 80, 0, 0, 0)
    bank.gate.set()
    await ticks(lambda: not leases._repayments._running)
    leases.tidy()
    assert sums(leases) is None


async def test_what_another_process_needs_is_returned_at_once(leases: Leases, bank: Bank):
    await leases.acquire(CAPPED, Amount(10))

    leases.hear("recall", "token:8")
    leases.hear("recall", "user:2")
    leases.hear("recall", "nonsense")
    await ticks(lambda: not leases._repayments._running)

    assert bank.repaid == [("token:8", 70)]
    assert (sums(leases), sums(leases, "token:8")) == ((80, 0, 0, 10, 70), (80, 70, 0, 10, 0))


async def test_a_recall_says_whether_there_was_anything(leases: Leases, bank: Bank):
    assert not await leases.recall(CAPPED)
    await leases.acquire(CAPPED, Amount(10))

    assert await leases.recall(CAPPED)
    assert not await leases.recall(CAPPED)
    assert bank.repaid == [("user:1", 70), ("token:8", 70)]


async def test_whoever_waits_for_money_hears_of_it_or_goes_on(leases: Leases):
    waiting = asyncio.ensure_future(leases.heard_of(CAPPED, timedelta(seconds=20)))  # noqa: TID251
    await asyncio.sleep(0)
    leases.hear("recall", "token:8")
    leases.hear("funds", "token:8")
    leases.hear("funds", "user:1")

    assert await waiting
    assert not await leases.heard_of(CAPPED, timedelta(0))
    assert leases._listening == {}


async def test_closing_returns_everything_and_lends_no_more(leases: Leases, bank: Bank):
    await leases.acquire(CAPPED, Amount(10))
    leases.give_back(hold(10, CAPPED), Amount(10))

    await leases.close()

    assert bank.available == {"user:1": 1000, "token:8": 1000}
    assert leases.take(CAPPED, Amount(1)) is None
    with pytest.raises(BillingUnavailable):
        await leases.acquire(CAPPED, Amount(1))
    assert len(bank.asked) == 1


async def test_closing_does_not_wait_for_a_lender_that_says_nothing(leases: Leases, bank: Bank):
    await leases.acquire(CALLER, Amount(10))
    bank.gate.clear()

    async with asyncio.timeout(10):
        await leases.close(timedelta(milliseconds=1))

    assert bank.repaid == [("user:1", 70)]
    bank.gate.set()


async def test_every_lease_can_be_seen(leases: Leases):
    await leases.acquire(CAPPED, Amount(10))

    expected = (Amount(80), ZERO, ZERO, Amount(10), Amount(70))
    assert leases.standings() == [Standing("user:1", *expected), Standing("token:8", *expected)]
    assert leases.standing("user:2") is None


steps = st.lists(
    st.tuples(
        st.sampled_from(["take", "acquire", "extend", "settle", "recall", "idle", "fail", "doubt", "mend"]),
        st.sampled_from([CALLER, SIBLING, CAPPED]),
        st.integers(0, 150),
    ),
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(steps)
def test_nothing_is_lent_twice_or_lost_whatever_happens(steps: list[tuple[str, Principal, int]]):
    async def run() -> None:
        world = World()
        for step in steps:
            await world.go(*step)
            world.check()
        await world.end()

    asyncio.run(run())


class World:
    """A lender, the leases, and the holds that are open; what was spent is known beside them."""

    def __init__(self) -> None:
        self.bank, self.supervisor, self.clock = Bank(), Supervisor(), Clock()
        self.leases = Leases(self.bank, self.supervisor, monotonic_ns=lambda: int(self.clock.seconds * 1e9))
        self.open: list[Reservation] = []
        self.spent = {"user:1": 0, "token:8": 0}

    async def go(self, step: str, caller: Principal, nano: int) -> None:
        self.clock.advance(nano / 50)
        if self.open and step in {"extend", "settle"}:
            self._go_on(step, self.open.pop(nano % len(self.open)), nano)
        if step in {"fail", "doubt", "mend"}:
            self.bank.failure = BillingUnavailable("away") if step == "fail" else None
            self.bank.after = BillingUnavailable("no answer") if step == "doubt" else None
        match step:
            case "take":
                self._note(caller, nano, self.leases.take(caller, Amount(nano)))
            case "acquire":
                with contextlib.suppress(BillingUnavailable, InsufficientBalance, BudgetSpent):
                    self._note(caller, nano, await self.leases.acquire(caller, Amount(nano)))
            case "recall":
                await self.leases.recall(caller)
            case "idle":
                self.leases.tidy()
            case _:
                pass

    def _go_on(self, step: str, held: Reservation, nano: int) -> None:
        if step == "settle":
            self._settle(held, min(nano, held.amount.nano))
        else:
            more = nano if self.leases.extend(held, Amount(nano)) else 0
            self.open.append(replace(held, amount=held.amount + Amount(more)))

    def check(self) -> None:
        for found in self.leases.standings():
            amounts = (found.granted, found.returned, found.spent, found.outstanding, found.left)
            granted, returned, spent, outstanding, left = (amount.nano for amount in amounts)
            assert min(granted, returned, spent, outstanding, left) >= 0
            assert left + outstanding == granted - returned - spent
            assert granted <= self.bank.granted.get(found.scope, 0)
            assert returned >= self.bank.returned.get(found.scope, 0)
            assert spent == self.spent[found.scope]
            held = (r.amount.nano for r in self.open if r.capped or found.scope == "user:1")
            assert outstanding == sum(held)  # Of both scopes or of none.

    async def end(self) -> None:
        self.bank.failure = self.bank.after = None
        self.clock.advance(60)
        for caller in (CALLER, CAPPED):  # A loan whose answer was lost shows in the next.
            with contextlib.suppress(InsufficientBalance, BudgetSpent):
                self._note(caller, 1, await self.leases.acquire(caller, Amount(1)))
        for held in self.open:
            self._settle(held, 0)
        for found in self.leases.standings():  # And what could not be returned is said again.
            await self.bank.repay(found.scope, found.returned)
        await self.leases.close()
        await self.supervisor.close()
        for scope, available in self.bank.available.items():
            known = self.leases.standing(scope)
            unknown = self.bank.granted.get(scope, 0) - (known.granted.nano if known else self._dropped(scope))
            assert available + unknown == 1000 - self.spent[scope]

    def _dropped(self, scope: str) -> int:
        return self.leases._pockets._totals.get(scope, (0, 0))[0]

    def _note(self, caller: Principal, nano: int, answer: Taken | Direct | None) -> None:
        if isinstance(answer, Taken):
            assert answer.capped == (nano > 0 and caller is CAPPED) or nano == 0
            self.open.append(hold(nano, caller))

    def _settle(self, held: Reservation, charge: int) -> None:
        self.leases.give_back(held, held.amount - Amount(charge))
        self.spent["user:1"] += charge
        self.spent["token:8"] += charge if held.capped else 0


async def test_the_vault_lends_and_takes_back(database: Database, vault: Vault, supervisor: Supervisor, clock: Clock):
    caller = await make_caller(database, balance="100")
    leases = Leases(vault, supervisor, monotonic_ns=lambda: int(clock.seconds * 1e9))

    assert await leases.acquire(caller, Amount.parse("1")) == FREE
    scope = caller.user.account
    assert await database.fetch("SELECT leased FROM account WHERE name = $1", scope) == [(Amount.parse("8").nano,)]
    leases.give_back(
        Reservation("r", caller.user.id, caller.token.id, Amount.parse("1"), "r1", leased=True), Amount.parse("1")
    )
    await leases.close()

    assert await database.fetch("SELECT leased FROM account WHERE name = $1", scope) == [(0,)]
    assert await database.fetch("SELECT granted, returned, spent FROM lease") == [
        (Amount.parse("8").nano, Amount.parse("8").nano, 0)
    ]
