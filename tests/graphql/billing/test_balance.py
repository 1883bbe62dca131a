from __future__ import annotations

from clinx.domain.ledger import Balance
from clinx.domain.money import Amount
from clinx.graphql.billing.balance import BalanceNode, balance_now, balance_of
from support.database import fund


async def test_what_is_held_and_what_is_lent_are_told_apart():
    shown = BalanceNode.of(Balance(Amount(10), held=Amount(2), leased=Amount(3)))

    assert shown == BalanceNode(
        total=Amount(10), held=Amount(2), lent=Amount(3), available=Amount(5), spendable=Amount(8)
    )


async def test_lending_takes_nothing_from_whoever_watches():
    before = BalanceNode.of(Balance(Amount(10), held=Amount(0), leased=Amount(0)))
    lent = BalanceNode.of(Balance(Amount(10), held=Amount(0), leased=Amount(4)))

    assert (before.available, lent.available) == (Amount(10), Amount(6))
    assert before.spendable == lent.spendable == Amount(10)


async def test_who_never_had_anything_has_nothing(console):
    ann = await console.user("ann", balance="2.5")
    context = console.context(ann)

    assert str((await balance_of(context, ann.id)).total) == "2.5"
    assert str((await balance_of(context, 99)).total) == "0"


async def test_a_balance_is_read_again_after_it_was_changed(console):
    ann = await console.user("ann", balance="1")
    context = console.context(ann)
    await balance_of(context, ann.id)
    await fund(console.database, ann, "2")

    assert str((await balance_of(context, ann.id)).total) == "1", "one operation sees one balance"
    assert str((await balance_now(context, ann.id)).total) == "3"
