from dataclasses import replace
from datetime import timedelta

import pytest

from clinx.accounts import access_keys, users
from clinx.accounts.failures import AccessKeyInvalid, NotFound
from clinx.domain.identity import Role, Status
from support.accounts import Desk
from support.database import START

DAY = timedelta(days=1)


async def test_a_key_is_found_by_its_secret_with_its_user(desk: Desk):
    user = await desk.user()

    issued = await access_keys.issue(desk.database, user, "ci", ["user:read", "channel:read", "user:read"], at=START)

    key, found = await _found(desk, issued.secret)
    assert found == user
    assert key == issued.key
    assert (key.name, key.permissions, key.expires_at) == ("ci", ("channel:read", "user:read"), None)
    assert issued.secret.startswith("ck-")
    assert key.hint == f"{issued.secret[:5]}…{issued.secret[-4:]}"


async def _found(desk: Desk, secret: str):
    found = await access_keys.find(desk.database, secret, at=desk.clock.now())
    assert found is not None
    return found


async def test_only_the_digest_is_stored_and_the_secret_is_not_shown(desk: Desk):
    issued = await access_keys.issue(desk.database, await desk.user(), "ci", ["a:b"], at=START)

    assert issued.secret not in str(await desk.database.fetch("SELECT * FROM access_key")) + repr(issued)


@pytest.mark.parametrize("secret", ["", "ck-", "ck-x", "sk-x", "x" * 300, "ck-" + "x" * 300, "ck-\ud800"])
async def test_what_nobody_was_given_opens_nothing(desk: Desk, secret: str):
    await access_keys.issue(desk.database, await desk.user(), "ci", ["a:b"], at=START)

    assert await access_keys.find(desk.database, secret, at=START) is None


async def test_a_key_opens_nothing_when_its_time_is_over(desk: Desk):
    issued = await access_keys.issue(desk.database, await desk.user(), "ci", ["a:b"], at=START, expires_at=START + DAY)

    assert await access_keys.find(desk.database, issued.secret, at=START + DAY - timedelta(seconds=1)) is not None
    assert await access_keys.find(desk.database, issued.secret, at=START + DAY) is None


async def test_a_key_of_a_disabled_user_opens_nothing_and_a_demotion_is_seen_at_once(desk: Desk):
    user = await desk.user()
    issued = await access_keys.issue(desk.database, user, "ci", ["a:b"], at=START)

    user = await users.change(desk.database, user, role=Role.ADMIN, at=START)
    assert (await _found(desk, issued.secret))[1] == user
    await users.change(desk.database, user, status=Status.DISABLED, at=START)
    assert await access_keys.find(desk.database, issued.secret, at=START) is None


async def test_a_key_is_revoked_by_its_owner_once(desk: Desk):
    ann, bob = await desk.user(), await desk.user("bob")
    issued = await access_keys.issue(desk.database, ann, "ci", ["a:b"], at=START)

    with pytest.raises(NotFound):
        await access_keys.revoke(desk.database, bob, issued.key.id, at=START)
    assert await access_keys.find(desk.database, issued.secret, at=START) is not None
    revoked = await access_keys.revoke(desk.database, ann, issued.key.id, at=START)

    assert revoked.revoked_at == START
    assert await access_keys.find(desk.database, issued.secret, at=START) is None
    assert await access_keys.of_user(desk.database, ann) == [revoked]
    with pytest.raises(NotFound):
        await access_keys.revoke(desk.database, ann, issued.key.id, at=START)


async def test_all_keys_of_one_user_are_revoked(desk: Desk):
    ann, bob = await desk.user(), await desk.user("bob")
    secrets = [
        (await access_keys.issue(desk.database, user, "k", ["a:b"], at=START)).secret for user in (ann, ann, bob)
    ]

    assert await access_keys.revoke_all(desk.database, ann, at=START) == 2
    assert await access_keys.revoke_all(desk.database, ann, at=START) == 0

    opens = [await access_keys.find(desk.database, secret, at=START) is not None for secret in secrets]
    assert opens == [False, False, True]


async def test_when_it_was_used_is_written_once_a_minute(desk: Desk):
    user = await desk.user()
    issued = await access_keys.issue(desk.database, user, "ci", ["a:b"], at=START)

    for seconds, used in ((0, 0), (59, 0), (1, 60), (30, 60), (31, 121)):
        desk.clock.advance(seconds)
        await _found(desk, issued.secret)
        (key,) = await access_keys.of_user(desk.database, user)
        assert key == replace(issued.key, used_at=START + timedelta(seconds=used))


@pytest.mark.parametrize(
    ("name", "permissions", "lasts", "what"),
    [
        ("", ["a:b"], DAY, "name"),
        ("x" * 65, ["a:b"], DAY, "name"),
        ("a\n", ["a:b"], DAY, "name"),
        ("ci", [], DAY, "permissions"),
        ("ci", ["a:b"] * 101, DAY, "permissions"),
        ("ci", ["a:b"], timedelta(), "expires_at"),
    ],
)
async def test_a_key_that_makes_no_sense_is_not_issued(
    desk: Desk, name: str, permissions: list[str], lasts: timedelta, what: str
):
    user = await desk.user()

    with pytest.raises(AccessKeyInvalid) as caught:
        await access_keys.issue(desk.database, user, name, permissions, at=START, expires_at=START + lasts)

    assert caught.value.parameters == {"what": what}
    assert await access_keys.of_user(desk.database, user) == []
