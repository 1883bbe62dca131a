from __future__ import annotations

import asyncio

from clinx.domain.order import Outcome, PaymentEvent, PaymentProvider, order_id
from clinx.graphql.billing.loaders import Balances, Sayings
from clinx.storage import orders
from support.database import START


async def test_balances_of_many_are_read_at_once(console, counted: list[str]):
    people = [await console.user(f"user-{number}", balance=str(number)) for number in range(3)]
    balances = console.context(people[0]).loader(Balances)
    counted.clear()

    found = await asyncio.gather(*(balances.load(user.id) for user in people), balances.load(99))

    assert [str(each.total) for each in found] == ["0", "1", "2", "0"]
    assert len(counted) == 1


async def test_what_was_said_of_orders_is_read_at_once(console, counted: list[str]):
    said = PaymentEvent(PaymentProvider.EPAY, "e1", order_id(1), Outcome.REPEATED, None, START)
    await console.database.atomically(orders.note(said))
    sayings = console.context(None).loader(Sayings)
    counted.clear()

    assert await asyncio.gather(sayings.load(order_id(1)), sayings.load(order_id(2))) == [[said], []]
    assert [sql.split()[0] for sql in counted if sql != "tortoise"] == ["SELECT"]
