import ipaddress
from dataclasses import replace
from datetime import timedelta

import pytest

from clinx.domain.identity import Status, Token
from clinx.domain.money import Amount
from clinx.storage import tokens
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from clinx.storage.tokens import StoredToken
from support.database import START, make_user

FULL = Token(
    id=0,
    user_id=0,
    name="laptop",
    hint="sk-ab…wxyz",
    status=Status.ACTIVE,
    expires_at=START + timedelta(days=1),
    models=frozenset({"gpt-4o", "claude"}),
    group="vip",
    networks=(ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32")),
    budget=Amount(2**62),
    tags={"team": "räd"},
    created_at=START,
)


async def test_a_token_comes_back_as_it_was_written(database: Database):
    user = await make_user(database)
    token = await database.atomically(tokens.insert(replace(FULL, user_id=user.id), "d" * 64))

    assert token == replace(FULL, id=token.id, user_id=user.id)
    assert await tokens.find(database, "d" * 64) == StoredToken(token, user, "d" * 64)
    assert await tokens.get(database, token.id) == StoredToken(token, user, "d" * 64)
    assert await tokens.find_by_hint(database, FULL.hint) == [StoredToken(token, user, "d" * 64)]
    assert await tokens.of_user(database, user.id) == [token]
    assert await tokens.find(database, "e" * 64) is None


async def test_a_digest_belongs_to_one_token_and_a_token_to_a_user(database: Database):
    user = await make_user(database)
    await database.atomically(tokens.insert(replace(FULL, user_id=user.id), "d"))

    for user_id, digest in ((user.id, "d"), (999, "e")):
        with pytest.raises(StorageRefused):
            await database.atomically(tokens.insert(replace(FULL, user_id=user_id), digest))

    assert len(await tokens.of_user(database, user.id)) == 1


async def test_an_update_touches_neither_the_digest_nor_what_was_spent(database: Database):
    user = await make_user(database)
    token = await database.atomically(tokens.insert(replace(FULL, user_id=user.id), "d"))
    changed = replace(token, name="phone", status=Status.DISABLED, models=frozenset[str](), networks=(), budget=None)

    assert await database.atomically(tokens.update(replace(changed, spent=Amount(5)))) == 2
    assert await tokens.find(database, "d") == StoredToken(replace(changed, version=2), user, "d")

    assert await database.atomically(tokens.delete(token.id)) is True
    assert await database.atomically(tokens.delete(token.id)) is False
    assert await database.atomically(tokens.update(changed)) is None


async def test_all_tokens_are_read_page_by_page(database: Database):
    ann = await make_user(database)
    issued = [await database.atomically(tokens.insert(replace(FULL, user_id=ann.id), f"digest-{n}")) for n in range(3)]

    assert [each.token.id for each in await tokens.after(database, 0, 2)] == [issued[0].id, issued[1].id]
    (last,) = await tokens.after(database, issued[1].id, 2)
    assert (last.token, last.user) == (issued[2], ann)
