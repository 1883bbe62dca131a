import ipaddress
from dataclasses import replace
from datetime import timedelta

import pytest

from clinx.accounts import tokens
from clinx.accounts.failures import AccountError, NotFound, VersionConflict
from clinx.accounts.secret import digest, hint
from clinx.accounts.tokens import Limits, parse_networks
from clinx.domain.identity import Status, Token
from clinx.domain.money import Amount
from clinx.storage import tokens as stored
from clinx.storage.database import Database
from support.database import START, make_token, make_user

LIMITS = Limits(
    expires_at=START + timedelta(days=1),
    models=frozenset({"gpt-4o"}),
    group="vip",
    networks=(ipaddress.ip_network("10.0.0.0/8"),),
    budget=Amount(5),
    tags={"team": "a"},
)


async def test_a_token_is_issued_and_its_secret_is_stored_nowhere(database: Database):
    user = await make_user(database)
    issued = await tokens.issue(database, user, "laptop", at=START, limits=LIMITS)

    assert issued.token == Token(
        id=issued.token.id,
        user_id=user.id,
        name="laptop",
        hint=hint(issued.secret),
        status=Status.ACTIVE,
        expires_at=LIMITS.expires_at,
        models=LIMITS.models,
        group="vip",
        networks=LIMITS.networks,
        budget=Amount(5),
        tags={"team": "a"},
        created_at=START,
    )
    assert await tokens.of_user(database, user) == [issued.token]
    row = (await database.fetch("SELECT * FROM token"))[0]
    assert digest(issued.secret) in row
    assert all(issued.secret not in str(cell) for cell in row)
    assert issued.secret not in repr(issued)


@pytest.mark.parametrize(
    ("name", "limits", "why"),
    [
        ("", Limits(), "name"),
        ("x" * 65, Limits(), "name"),
        ("a\nb", Limits(), "name"),
        ("a", Limits(expires_at=START), "expire"),
        ("a", Limits(budget=Amount(-1)), "budget"),
        ("a", Limits(group="no group"), "group"),
        ("a", Limits(models=frozenset(map(str, range(1001)))), "at most 1000"),
    ],
)
async def test_limits_that_make_no_sense_are_refused(database: Database, name: str, limits: Limits, why: str):
    user = await make_user(database)

    with pytest.raises(AccountError, match=why):
        await tokens.issue(database, user, name, at=START, limits=limits)

    assert await tokens.of_user(database, user) == []


async def test_a_token_lives_through_its_changes(database: Database):
    user = await make_user(database)
    token = (await make_token(database, user)).token

    token = await tokens.restrict(database, token, LIMITS, at=START)
    assert (token.models, token.budget) == (LIMITS.models, Amount(5))
    token = await tokens.disable(database, token, at=START)
    assert token.status is Status.DISABLED
    token = await tokens.enable(database, token, at=START)
    assert await tokens.of_user(database, user) == [token]

    await tokens.delete(database, token, at=START)
    assert await tokens.of_user(database, user) == []
    with pytest.raises(AccountError, match="any more"):
        await tokens.delete(database, token, at=START)
    with pytest.raises(AccountError, match="any more"):
        await tokens.disable(database, token, at=START)


async def test_every_change_of_a_token_is_announced(database: Database):
    token = (await make_token(database, await make_user(database))).token
    before = await database.fetch("SELECT topic, subject FROM announcement")

    await tokens.restrict(database, token, LIMITS, at=START)
    await tokens.disable(database, token, at=START)
    await tokens.enable(database, token, at=START)
    await tokens.delete(database, token, at=START)
    with pytest.raises(AccountError):
        await tokens.delete(database, token, at=START)

    announced = await database.fetch("SELECT topic, subject FROM announcement")
    assert (before, announced) == ([], [("token", str(token.id))] * 4)


async def test_a_token_is_found_by_id_or_hint(database: Database):
    user = await make_user(database)
    token = (await make_token(database, user)).token

    for reference in (str(token.id), token.hint, token.hint.replace("…", "...")):
        found = await tokens.find(database, reference)
        assert (found.token, found.user) == (token, user)
    for reference in ("999", "sk-no…pe", "", "9" * 40, "-1"):
        with pytest.raises(AccountError, match="there is no token"):
            await tokens.find(database, reference)


def test_networks_are_read_strictly():
    assert parse_networks(["10.0.0.0/8", " 2001:db8::1 "]) == (
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_network("2001:db8::1/128"),
    )
    for text in ("", "10.0.0.1/8", "host", "10.0.0.0/33", "10.0.0.0-10.0.0.9"):
        with pytest.raises(AccountError, match="not an address or a CIDR range"):
            parse_networks([text])


async def test_every_change_raises_the_version_and_an_older_one_is_a_conflict(database: Database):
    user = await make_user(database)
    token = (await tokens.issue(database, user, at=START)).token

    renamed = await tokens.rename(database, token, "phone", at=START, expected=1)
    assert (renamed.name, renamed.version) == ("phone", 2)
    with pytest.raises(VersionConflict) as caught:
        await tokens.restrict(database, token, Limits(), at=START, expected=1)

    assert caught.value.parameters == {"expected": 1}
    assert await tokens.of_user(database, user) == [renamed]


async def test_a_rotated_token_has_another_secret_and_the_same_limits(database: Database):
    user = await make_user(database)
    issued = await tokens.issue(database, user, at=START, limits=Limits(models=frozenset({"o3"})))

    rotated = await tokens.rotate(database, issued.token, at=START)

    assert rotated.secret != issued.secret
    assert await tokens.of_user(database, user) == [rotated.token]
    assert (rotated.token.models, rotated.token.version) == (frozenset({"o3"}), 2)
    assert await stored.find(database, digest(issued.secret)) is None
    assert await stored.find(database, digest(rotated.secret)) is not None
    with pytest.raises(NotFound):
        await tokens.rotate(database, replace(issued.token, id=99), at=START)
