import asyncio
import logging
from datetime import timedelta

import msgspec
import pytest

from clinx.domain.money import Amount
from clinx.domain.order import Order, OrderState, Outcome
from clinx.payments.desk import Desk
from clinx.payments.reconcile import OLDEST, Reconciler, Report, Rules
from clinx.storage import orders, statements
from clinx.storage.database import Database
from clinx.telemetry.metrics import Metrics
from clinx.telemetry.tasks import Supervisor
from support.away import Away
from support.database import Clock, make_user
from support.fake_payments import FakePayments, payments
from support.orders import EPAY_ORDER, STRIPE_ORDER


@pytest.fixture
def reconciler(database: Database, site: FakePayments, clock: Clock) -> Reconciler:
    desk = Desk(database, Metrics(), now=clock.now, monotonic=clock.monotonic)
    return Reconciler(database, desk, lambda: Rules(payments(site.url), ()), now=clock.now)


async def place(database: Database, *placed: Order) -> None:
    await make_user(database)
    for order in placed:
        await database.atomically(orders.insert(order))


async def state(database: Database, order: Order) -> OrderState:
    found = await orders.get(database, order.id)
    assert found is not None
    return found.state


async def total(database: Database) -> Amount:
    return (await statements.balance(database, "user:1")).total


def session(**changed: object) -> dict[str, object]:
    made = {"id": "cs_test_1", "object": "checkout.session", "amount_total": 1000, "currency": "usd"}
    return {**made, "payment_status": "unpaid", "status": "open", **changed}


async def test_what_was_paid_unheard_of_is_credited(
    database: Database, reconciler: Reconciler, site: FakePayments, clock: Clock
):
    await place(database, EPAY_ORDER, msgspec.structs.replace(STRIPE_ORDER, reference="cs_test_1"))
    site.paid(EPAY_ORDER.id, "73.00")
    site.sessions.append(session(payment_status="paid"))
    clock.advance(120)

    assert await reconciler.round() == Report(asked=2, credited=2)
    assert await total(database) == Amount.parse("20")

    clock.advance(3600)
    assert await reconciler.round() == Report()
    assert await total(database) == Amount.parse("20")


async def test_an_order_is_left_alone_while_its_callback_may_be_under_way(
    database: Database, reconciler: Reconciler, site: FakePayments, clock: Clock
):
    await place(database, EPAY_ORDER)
    clock.advance(119)

    assert await reconciler.round() == Report()
    assert site.asked == []


async def test_the_callback_that_comes_after_all_credits_nothing(
    database: Database, reconciler: Reconciler, site: FakePayments, clock: Clock
):
    await place(database, EPAY_ORDER)
    site.paid(EPAY_ORDER.id, "73.00")
    order = await orders.get(database, EPAY_ORDER.id)
    assert order is not None

    reports = [await reconciler.ask([order], Rules(payments(site.url), ())) for _ in range(2)]

    assert [report.credited for report in reports] == [1, 0]
    assert [event.outcome for event in await orders.events(database, order.id)] == [Outcome.CREDITED, Outcome.REPEATED]


async def test_another_amount_is_not_credited(
    database: Database, reconciler: Reconciler, site: FakePayments, clock: Clock
):
    await place(database, EPAY_ORDER)
    site.paid(EPAY_ORDER.id, "72.99")
    clock.advance(120)

    assert await reconciler.round() == Report(asked=1)
    assert (await total(database), await state(database, EPAY_ORDER)) == (Amount(0), OrderState.PENDING)
    assert [each.outcome for each in await orders.events(database, EPAY_ORDER.id)] == [Outcome.WRONG_AMOUNT]


async def test_an_order_expires_when_its_time_is_over_and_nobody_paid(
    database: Database, reconciler: Reconciler, clock: Clock
):
    await place(database, EPAY_ORDER)
    clock.advance(23 * 3600 - 1)
    assert await reconciler.round() == Report(asked=1)
    assert await state(database, EPAY_ORDER) is OrderState.PENDING

    clock.advance(6 * 3600)
    assert await reconciler.round() == Report(asked=1, expired=1)
    assert await state(database, EPAY_ORDER) is OrderState.EXPIRED


async def test_an_order_that_was_paid_at_the_last_moment_is_credited_instead(
    database: Database, reconciler: Reconciler, site: FakePayments, clock: Clock
):
    await place(database, EPAY_ORDER)
    site.paid(EPAY_ORDER.id, "73")
    clock.advance(24 * 3600)

    assert await reconciler.round() == Report(asked=1, credited=1)


async def test_a_session_that_is_over_expires_the_order_at_once(
    database: Database, reconciler: Reconciler, site: FakePayments, clock: Clock
):
    await place(database, msgspec.structs.replace(STRIPE_ORDER, reference="cs_test_1"))
    site.sessions.append(session(status="expired"))
    clock.advance(120)

    assert await reconciler.round() == Report(asked=1, expired=1)


async def test_a_provider_that_is_away_expires_nothing_until_the_order_is_too_old(
    database: Database, reconciler: Reconciler, site: FakePayments, clock: Clock
):
    await place(database, EPAY_ORDER)
    site.status = 500
    clock.advance(24 * 3600)

    assert await reconciler.round() == Report(asked=1, failures=("epay: status 500",))
    assert await state(database, EPAY_ORDER) is OrderState.PENDING

    clock.advance(OLDEST.total_seconds())
    assert await reconciler.round() == Report()
    assert await state(database, EPAY_ORDER) is OrderState.EXPIRED


async def test_one_provider_that_is_away_does_not_keep_the_other(
    database: Database, reconciler: Reconciler, site: FakePayments, clock: Clock
):
    await place(database, EPAY_ORDER, msgspec.structs.replace(STRIPE_ORDER, reference="cs_unknown"))
    site.paid(EPAY_ORDER.id, "73.00")
    clock.advance(120)

    report = await reconciler.round()

    assert (report.asked, report.credited, report.failures) == (2, 1, ("stripe: no such session",))


async def test_without_payments_nobody_is_asked(database: Database, clock: Clock):
    await place(database, EPAY_ORDER)
    clock.advance(600)
    desk = Desk(database, None, now=clock.now, monotonic=clock.monotonic)

    assert await Reconciler(database, desk, lambda: None, now=clock.now).round() == Report()
    assert await orders.get(database, EPAY_ORDER.id) == EPAY_ORDER


async def test_rounds_follow_one_another_and_a_failure_is_told_once(
    database: Database,
    reconciler: Reconciler,
    site: FakePayments,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
):
    await place(database, EPAY_ORDER)
    site.status = 500
    clock.advance(120)
    rounds = asyncio.Event()

    def tick():
        clock.advance(3600)
        if len(site.asked) >= 3:
            rounds.set()
        return clock.instant

    reconciler._now = tick
    with caplog.at_level(logging.WARNING, "clinx.payments"):
        supervisor = Supervisor()
        supervisor.start(reconciler.keep(timedelta(0)), name="reconcile", endless=True)
        async with asyncio.timeout(10):
            await rounds.wait()
        await supervisor.close()

    assert [record.message for record in caplog.records] == ["payment.reconcile_failed"]
    assert caplog.records[0].__dict__["reason"] == "epay: status 500"


async def test_a_database_that_is_away_only_delays(clock: Clock, caplog: pytest.LogCaptureFixture):
    supervisor, away = Supervisor(), Away()
    desk = Desk(away, None, now=clock.now, monotonic=clock.monotonic)  # pyright: ignore[reportArgumentType]  (a stand-in)
    reconciler = Reconciler(away, desk, lambda: Rules(payments(), ()), now=clock.now)  # pyright: ignore[reportArgumentType]

    supervisor.start(reconciler.keep(timedelta(0)), name="reconcile", endless=True)
    async with asyncio.timeout(10):
        await away.asked_twice.wait()
    await supervisor.close()

    assert [(record.message, vars(record)["reason"]) for record in caplog.records] == [
        ("payment.reconcile_failed", "away")
    ]
