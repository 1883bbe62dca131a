from __future__ import annotations

from clinx.domain.ledger import Balance
from clinx.domain.money import Amount
from clinx.graphql.billing.balance import BalanceNode, balance_now, balance_of
from support.database import fund


async def test_what_is_held_and_what_is_lent_is_bound():
    shown = BalanceNode.of(Balance(Amount(10), held=Amount(2), leased=Amount(3)))

    assert shown == BalanceNode(total=Amount(10), held=Amount(5), available=Amount(5))


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
