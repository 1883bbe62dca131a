from datetime import timedelta

import msgspec
import pytest

from clinx.domain.order import Order, OrderState, Outcome, PaymentEvent, PaymentProvider, order_id
from clinx.storage import orders
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from clinx.storage.orders import OrderFilter
from support.database import START
from support.orders import EPAY_ORDER

AFTER, UNTIL = timedelta(minutes=2), timedelta(days=3)


def order(number: int = 1, **changed: object) -> Order:
    return msgspec.structs.replace(EPAY_ORDER, id=order_id(number), **changed)


async def write(database: Database, *made: Order) -> None:
    for each in made:
        await database.atomically(orders.insert(each))


async def test_an_order_is_read_as_it_was_written(database: Database):
    whole = order(state=OrderState.PAID, reference="T1", settled_at=START, asked_at=START + timedelta(microseconds=1))
    await write(database, whole, order(2))

    assert await orders.get(database, whole.id) == whole
    assert await database.atomically(orders.lock(order_id(2))) == order(2)
    assert await orders.get(database, order_id(3)) is None
    assert await database.atomically(orders.lock(order_id(3))) is None


@pytest.mark.parametrize("state", OrderState)
async def test_an_order_moves_only_as_the_table_says(database: Database, state: OrderState):
    at = START + timedelta(hours=1)
    moved: set[OrderState] = set()
    for number, goal in enumerate(OrderState, 1):
        await write(database, order(number, state=state))
        if await database.atomically(orders.move(order_id(number), goal, at)):
            moved.add(goal)
            assert await orders.get(database, order_id(number)) == order(number, state=goal, settled_at=at)
        else:
            assert await orders.get(database, order_id(number)) == order(number, state=state)

    expected = {
        OrderState.PENDING: {OrderState.PAID, OrderState.EXPIRED, OrderState.CANCELLED},
        OrderState.EXPIRED: {OrderState.PAID},
    }
    assert moved == expected.get(state, set())


async def test_a_provider_s_own_id_is_written_once_and_belongs_to_one_order(database: Database):
    await write(database, order(1), order(2), order(3, provider=PaymentProvider.STRIPE))

    assert await database.atomically(orders.bind(order_id(1), "T1"))
    assert await database.atomically(orders.bind(order_id(1), "T1"))
    assert not await database.atomically(orders.bind(order_id(1), "T2"))
    assert await database.atomically(orders.bind(order_id(3), "T1")), "another provider counts for itself"
    with pytest.raises(StorageRefused):
        await database.atomically(orders.bind(order_id(2), "T1"))

    assert await database.atomically(orders.owner(PaymentProvider.EPAY, "T1")) == order_id(1)
    assert await database.atomically(orders.owner(PaymentProvider.STRIPE, "T1")) == order_id(3)
    assert await database.atomically(orders.owner(PaymentProvider.EPAY, "T2")) is None


async def test_what_was_said_is_kept_once_for_each_outcome(database: Database):
    said = PaymentEvent(PaymentProvider.EPAY, "e1", order_id(1), Outcome.CREDITED, "192.0.2.1", START, None)
    again = msgspec.structs.replace(said, at=START + timedelta(1))
    replay = msgspec.structs.replace(again, outcome=Outcome.REPEATED)
    bare = msgspec.structs.replace(said, event="e2", order=None, address=None)
    for each in (said, again, replay, replay, bare):
        await database.atomically(orders.note(each))

    assert await orders.events(database, order_id(1)) == [said, replay]
    assert await database.fetch("SELECT COUNT(*) FROM payment_event") == [(3,)]


async def test_what_strangers_write_is_cut_and_made_storable(database: Database):
    said = PaymentEvent(
        PaymentProvider.EPAY, "e\x00" * 200, "o\x00" * 40, Outcome.FORGED, "a" * 99, START, "d\ud800" * 999
    )
    await database.atomically(orders.note(said))

    (kept,) = await orders.events(database, "o�" * 32)
    assert (kept.event, kept.address, kept.detail) == (("e�" * 128)[:255], "a" * 64, "d?" * 500)


async def test_orders_of_an_age_are_claimed_once_and_then_less_and_less_often(database: Database):
    now = START + timedelta(minutes=2)
    await write(
        database,
        order(1),
        order(2, created_at=now - timedelta(minutes=1)),
        order(3, created_at=now - UNTIL),
        order(4, state=OrderState.EXPIRED),
    )

    async def claimed(after: timedelta) -> list[str]:
        program = orders.claim(START + after, after=AFTER, until=UNTIL, limit=10)
        return [each.id for each in await database.atomically(program)]

    assert await claimed(timedelta(minutes=2)) == [order_id(1)]
    assert (await orders.get(database, order_id(1))) == order(1, asked_at=now)
    assert await claimed(timedelta(minutes=3)) == [order_id(2)], "asked before, another may be due"
    assert await claimed(timedelta(minutes=4)) == [order_id(1)], "two minutes later at the soonest"
    await database.atomically(orders.claim(START + timedelta(hours=8), after=AFTER, until=UNTIL, limit=10))
    assert await claimed(timedelta(hours=9, minutes=59)) == []
    assert await claimed(timedelta(hours=10)) == [order_id(1), order_id(2)], "a quarter of the age it had"


async def test_no_more_are_claimed_than_asked_for_and_the_longest_unasked_come_first(database: Database):
    await write(database, order(1, asked_at=START), *(order(number) for number in (2, 3)))

    async def claimed(after: timedelta) -> list[str]:
        program = orders.claim(START + after, after=AFTER, until=UNTIL, limit=2)
        return [each.id for each in await database.atomically(program)]

    assert await claimed(timedelta(minutes=5)) == [order_id(2), order_id(3)]
    assert await claimed(timedelta(minutes=5)) == [order_id(1)]
    assert await claimed(timedelta(minutes=5)) == []


async def test_only_old_pending_orders_expire(database: Database):
    await write(
        database, order(1), order(2, created_at=START + timedelta(microseconds=1)), order(3, state=OrderState.CANCELLED)
    )

    assert await database.atomically(orders.expire_older(START, START + UNTIL)) == 1
    assert await orders.get(database, order_id(1)) == order(1, state=OrderState.EXPIRED, settled_at=START + UNTIL)
    assert [each.state for each in await orders.latest(database)] == [
        OrderState.PENDING,
        OrderState.EXPIRED,
        OrderState.CANCELLED,
    ]


async def test_the_latest_orders_are_found_by_user_and_state(database: Database):
    made = [
        order(1),
        order(2, user_id=2, created_at=START + timedelta(1)),
        order(3, state=OrderState.PAID, created_at=START + timedelta(2)),
    ]
    await write(database, *made)

    assert await orders.latest(database) == made[::-1]
    assert await orders.latest(database, limit=1) == [made[2]]
    assert await orders.latest(database, user_id=1) == [made[2], made[0]]
    assert await orders.latest(database, state=OrderState.PENDING) == [made[1], made[0]]
    assert await orders.latest(database, user_id=2, state=OrderState.PAID) == []


async def test_orders_are_paged_the_latest_first(database: Database):
    made = [
        order(1),
        order(2, created_at=START + timedelta(1)),
        order(3, created_at=START + timedelta(1)),
        order(4, created_at=START + timedelta(2)),
    ]
    await write(database, *made)

    first = await orders.page(database, OrderFilter(), after=None, limit=2)
    second = await orders.page(database, OrderFilter(), after=(first[-1].created_at, first[-1].id), limit=2)

    assert first == [made[3], made[2]]
    assert second == [made[1], made[0]]
    assert await orders.page(database, OrderFilter(), after=(made[0].created_at, made[0].id), limit=2) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (OrderFilter(), [3, 2, 1]),
        (OrderFilter(user_id=2), [2]),
        (OrderFilter(state=OrderState.PAID), [3]),
        (OrderFilter(provider=PaymentProvider.EPAY), [2, 1]),
        (OrderFilter(since=START + timedelta(1)), [3, 2]),
        (OrderFilter(until=START + timedelta(1)), [1]),
        (OrderFilter(user_id=2, state=OrderState.PAID), []),
    ],
    ids=["all", "user", "state", "provider", "since", "until", "both"],
)
async def test_orders_are_found_and_counted(database: Database, wanted: OrderFilter, found: list[int]):
    await write(
        database,
        order(1),
        order(2, user_id=2, created_at=START + timedelta(1)),
        order(3, state=OrderState.PAID, provider=PaymentProvider.STRIPE, created_at=START + timedelta(2)),
    )

    page = await orders.page(database, wanted, after=None, limit=10)

    assert [each.id for each in page] == [order_id(number) for number in found]
    assert await orders.count(database, wanted, most=10) == len(found)
    assert await orders.count(database, wanted, most=1) == min(len(found), 1)


async def test_what_was_said_is_found_for_several_orders_at_once(database: Database):
    said = [
        PaymentEvent(PaymentProvider.EPAY, f"e{number}", order_id(about), Outcome.REPEATED, None, START)
        for number, about in enumerate((1, 2, 1, 3))
    ]
    for each in said:
        await database.atomically(orders.note(each))

    found = await orders.events_of(database, [order_id(1), order_id(2), order_id(4)])

    assert found == {order_id(1): [said[0], said[2]], order_id(2): [said[1]]}
