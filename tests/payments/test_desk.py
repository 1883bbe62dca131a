import logging
from fractions import Fraction

import pytest

from clinx.billing import orders as booked
from clinx.domain.money import Amount
from clinx.domain.order import OrderState, Outcome, Payment, PaymentProvider, order_id
from clinx.payments.desk import MOST_FORGED, Allowance, Desk
from clinx.payments.notice import Irrelevant, Lapsed, Refused
from clinx.storage import orders, statements
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.telemetry.metrics import Metrics
from support.away import Away
from support.database import Clock, make_user
from support.orders import EPAY_ORDER

EPAY = PaymentProvider.EPAY
PAYMENT = Payment(EPAY, EPAY_ORDER.id, Fraction(73), None, "T1", "e1")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def desk(database: Database, metrics: Metrics, clock: Clock) -> Desk:
    return Desk(database, metrics, now=clock.now, monotonic=clock.monotonic)


async def placed(database: Database) -> str:
    user = await make_user(database)
    assert user.id == EPAY_ORDER.user_id
    await database.atomically(orders.insert(EPAY_ORDER))
    return user.account


def counted(metrics: Metrics) -> dict[str, int]:
    samples = [sample for family in metrics.payments.collect() for sample in family.samples]
    assert {sample.labels["provider"] for sample in samples} <= {"epay"}
    return {sample.labels["outcome"]: int(sample.value) for sample in samples}


async def test_a_payment_is_booked_counted_and_logged(
    database: Database, desk: Desk, metrics: Metrics, caplog: pytest.LogCaptureFixture
):
    account = await placed(database)
    with caplog.at_level(logging.INFO, "clinx.payments"):
        assert await desk.take(EPAY, PAYMENT, address="192.0.2.1") is Outcome.CREDITED
        assert await desk.take(EPAY, PAYMENT, address="192.0.2.1") is Outcome.REPEATED

    assert (await statements.balance(database, account)).total == Amount.parse("10")
    assert counted(metrics) == {"credited": 1, "repeated": 1}
    (record,) = caplog.records
    assert (record.message, record.levelname) == ("payment.credited", "INFO")
    assert record.__dict__["order"] == EPAY_ORDER.id
    assert record.__dict__["address"] == "192.0.2.1"


async def test_a_refused_payment_is_logged_with_its_reason(
    database: Database, desk: Desk, metrics: Metrics, caplog: pytest.LogCaptureFixture
):
    assert await desk.take(EPAY, PAYMENT) is Outcome.UNKNOWN_ORDER

    assert counted(metrics) == {"unknown_order": 1}
    (record,) = caplog.records
    assert (record.message, record.levelname) == ("payment.refused", "WARNING")
    assert record.__dict__["reason"] == "unknown_order"
    assert [each.outcome for each in await orders.events(database, EPAY_ORDER.id)] == [Outcome.UNKNOWN_ORDER]


async def test_an_order_that_lapsed_expires_once(database: Database, desk: Desk, clock: Clock):
    await placed(database)

    assert await desk.take(EPAY, Lapsed(EPAY_ORDER.id)) is Outcome.EXPIRED
    assert await desk.take(EPAY, Lapsed(EPAY_ORDER.id)) is Outcome.IGNORED
    assert await desk.take(EPAY, Lapsed(order_id(99))) is Outcome.IGNORED

    found = await orders.get(database, EPAY_ORDER.id)
    assert found is not None
    assert (found.state, found.settled_at) == (OrderState.EXPIRED, clock.now())


async def test_what_is_irrelevant_leaves_no_trace_but_a_count(database: Database, desk: Desk, metrics: Metrics):
    assert await desk.take(EPAY, Irrelevant()) is Outcome.IGNORED

    assert counted(metrics) == {"ignored": 1}
    assert await database.fetch("SELECT COUNT(*) FROM payment_event") == [(0,)]


def forged(number: int) -> Refused:
    return Refused(Outcome.FORGED, f"e{number}", "o", "why")


async def test_of_what_is_forged_a_minute_s_worth_is_kept_and_all_is_counted(
    database: Database, desk: Desk, metrics: Metrics, clock: Clock, caplog: pytest.LogCaptureFixture
):
    for number in range(MOST_FORGED + 30):
        assert await desk.take(EPAY, forged(number)) is Outcome.FORGED

    assert len(await orders.events(database, "o")) == len(caplog.records) == MOST_FORGED
    assert counted(metrics) == {"forged": MOST_FORGED + 30}

    clock.advance(60)
    await desk.take(EPAY, forged(999))
    assert len(await orders.events(database, "o")) == MOST_FORGED + 1


async def test_what_is_genuine_is_kept_however_much_is_forged(database: Database, desk: Desk):
    for number in range(MOST_FORGED + 1):
        await desk.take(EPAY, forged(number))

    await desk.take(EPAY, Refused(Outcome.WRONG_MERCHANT, "e", "mine", "another merchant's"))

    assert [each.detail for each in await orders.events(database, "mine")] == ["another merchant's"]


async def test_while_the_database_is_away_nothing_is_said_to_be_booked(clock: Clock):
    desk = Desk(Away(), None, now=clock.now, monotonic=clock.monotonic)  # pyright: ignore[reportArgumentType]  (a stand-in)

    for notice in (PAYMENT, Lapsed(EPAY_ORDER.id), forged(1)):
        with pytest.raises(StorageUnavailable):
            await desk.take(EPAY, notice)


async def test_without_metrics_all_goes_on(database: Database, clock: Clock):
    await placed(database)
    desk = Desk(database, None, now=clock.now, monotonic=clock.monotonic)

    assert await desk.take(EPAY, PAYMENT) is Outcome.CREDITED
    assert not await booked.expire(database, EPAY_ORDER.id, at=clock.now())


def test_an_allowance_is_for_a_minute(clock: Clock):
    allowance = Allowance(2, clock.monotonic)

    assert [allowance.take() for _ in range(3)] == [True, True, False]
    clock.advance(59.9)
    assert not allowance.take()
    clock.advance(0.1)
    assert [allowance.take() for _ in range(3)] == [True, True, False]
