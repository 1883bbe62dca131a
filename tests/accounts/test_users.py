from dataclasses import replace

import pytest

from clinx.accounts import users
from clinx.accounts.failures import AccountError, NameInvalid, NotFound, ProfileInvalid, VersionConflict
from clinx.accounts.users import UserChanges
from clinx.domain.console import Language
from clinx.domain.identity import Role, Status, User
from clinx.storage.database import Database
from support.database import START


async def test_a_user_is_created_and_found(database: Database):
    user = await users.create(database, "ann@example.org", at=START, role=Role.ADMIN, group="vip")

    assert user == User(user.id, "ann@example.org", Role.ADMIN, Status.ACTIVE, "vip", START)
    assert await users.find(database, "ann@example.org") == user
    assert await users.everyone(database) == [user]


@pytest.mark.parametrize("name", ["", " ann", "a b", "-rf", "ann\n", "ann\x00", "ä", "a/b", "a" * 65, "<script>"])
async def test_what_is_no_name_is_refused(database: Database, name: str):
    with pytest.raises(AccountError, match="not a user name"):
        await users.create(database, name, at=START)
    with pytest.raises(AccountError, match="not a group name"):
        await users.create(database, "ann", at=START, group=name)

    assert await users.everyone(database) == []


async def test_names_are_taken_once(database: Database):
    await users.create(database, "ann", at=START)

    with pytest.raises(AccountError, match="there is a user 'ann' already"):
        await users.create(database, "ann", at=START)


async def test_only_what_is_given_changes(database: Database):
    user = await users.create(database, "ann", at=START)

    assert (await users.change(database, user, group="vip", at=START)).group == "vip"
    changed = await users.change(database, await users.find(database, "ann"), status=Status.DISABLED, at=START)

    assert changed == User(user.id, "ann", Role.USER, Status.DISABLED, "vip", START, epoch=2, version=3)
    assert await users.find(database, "ann") == changed


async def test_a_change_of_an_older_version_is_a_conflict(database: Database):
    user = await users.create(database, "ann", at=START)
    changed = await users.edit(database, user, UserChanges(display_name=" Ann "), at=START, expected=1)
    assert changed.display_name == "Ann"

    with pytest.raises(VersionConflict) as caught:
        await users.edit(database, user, UserChanges(group="vip"), at=START, expected=1)
    with pytest.raises(NotFound):
        await users.edit(database, replace(user, id=9), UserChanges(group="vip"), at=START, expected=1)

    assert caught.value.parameters == {"expected": 1}
    assert await users.find(database, "ann") == changed


async def test_a_language_is_chosen_and_forgotten(database: Database):
    user = await users.create(database, "ann", at=START)

    chosen = await users.edit(database, user, UserChanges(language=Language.CHINESE), at=START)
    assert chosen.language is Language.CHINESE
    assert (await users.edit(database, chosen, UserChanges(group="vip"), at=START)).language is Language.CHINESE
    assert (await users.edit(database, chosen, UserChanges(speaks_default=True), at=START)).language is None


@pytest.mark.parametrize("name", ["a" * 65, "a\x00", "a\nb", "\u202e"])
async def test_what_cannot_be_shown_is_no_display_name(database: Database, name: str):
    user = await users.create(database, "ann", at=START)

    with pytest.raises(ProfileInvalid):
        await users.edit(database, user, UserChanges(display_name=name), at=START)


async def test_a_change_of_a_user_is_announced(database: Database):
    user = await users.create(database, "ann", at=START)
    await users.change(database, user, group="vip", at=START)
    with pytest.raises(AccountError):
        await users.change(database, User(9, "bob", Role.USER, Status.ACTIVE, "default", START), at=START)

    assert await database.fetch("SELECT topic, subject FROM announcement") == [("user", str(user.id))]


async def test_an_id_is_as_good_as_a_name_unless_somebody_has_that_name(database: Database):
    ann = await users.create(database, "ann", at=START)
    assert await users.find(database, str(ann.id)) == ann

    named = await users.create(database, str(ann.id), at=START)
    assert await users.find(database, str(ann.id)) == named


@pytest.mark.parametrize("reference", ["999", "9" * 30, "-1", "1.0", "", "²"])
async def test_an_id_that_nobody_has_is_refused(database: Database, reference: str):
    await users.create(database, "ann", at=START)

    with pytest.raises(AccountError, match="there is no user"):
        await users.find(database, reference)


async def test_nobody_is_there(database: Database):
    with pytest.raises(AccountError, match="there is no user 'ann'"):
        await users.find(database, "ann")
    with pytest.raises(AccountError, match="any more"):
        await users.change(database, User(9, "ann", Role.USER, Status.ACTIVE, "default", START), group="vip", at=START)


async def test_what_is_no_name_is_not_repeated_at_length(database: Database):
    with pytest.raises(NameInvalid) as caught:
        await users.create(database, "x" * 100_000, at=START)

    assert len(str(caught.value)) < 200
