import asyncio

from clinx.graphql.tokens.loaders import LastUsed, TokenLoader
from clinx.storage import request_logs
from support.database import START, make_caller, request_log
from support.operations import Api


async def test_many_are_read_at_once(api: Api, counted: list[str]):
    ann, bob = await make_caller(api.database, "ann"), await make_caller(api.database, "bob")
    await api.database.atomically(request_logs.append([request_log("req-1", ann)]))
    context, ids = await api.visit(ann.user), (bob.token.id, ann.token.id, 999)
    counted.clear()

    tokens = await asyncio.gather(*(context.loader(TokenLoader).load(each) for each in ids))
    used = await asyncio.gather(*(context.loader(LastUsed).load(each) for each in ids))

    assert tokens == [bob.token, ann.token, None]
    assert used == [None, START, None]
    assert len(counted) == 2
