from clinx.storage import lookups, tokens
from clinx.storage.database import Database
from support.database import make_caller


async def test_users_are_found_by_their_ids_and_missing_ones_left_out(database: Database):
    ann, bob = await make_caller(database, "ann"), await make_caller(database, "bob")

    assert await lookups.users_by_ids(database, [bob.user.id, 999, ann.user.id]) == {
        ann.user.id: ann.user,
        bob.user.id: bob.user,
    }
    assert await lookups.users_by_ids(database, []) == {}


async def test_tokens_too(database: Database):
    ann, bob = await make_caller(database, "ann"), await make_caller(database, "bob")

    assert await tokens.by_ids(database, [bob.token.id, 999, ann.token.id]) == {
        ann.token.id: ann.token,
        bob.token.id: bob.token,
    }
    assert await tokens.by_ids(database, []) == {}
