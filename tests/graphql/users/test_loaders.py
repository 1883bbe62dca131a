import asyncio

from clinx.domain.money import Amount
from clinx.graphql.users.loaders import Available, UserLoader
from support.operations import Api


async def test_many_are_read_at_once(api: Api, monkeypatch):
    ann, bob = await api.user("ann", balance="2.50"), await api.user("bob")
    context = await api.visit(ann)

    users = await asyncio.gather(*(context.loader(UserLoader).load(each) for each in (bob.id, ann.id, 999)))
    sums = await asyncio.gather(*(context.loader(Available).load(each) for each in (bob.id, ann.id, 999)))

    assert users == [bob, ann, None]
    assert sums == [Amount(0), Amount.parse("2.50"), Amount(0)]
