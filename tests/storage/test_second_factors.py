from dataclasses import replace
from datetime import timedelta

import pytest

from clinx.domain.session import FactorKind, SecondFactor
from clinx.storage import second_factors
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from clinx.storage.second_factors import NewFactor, StoredFactor
from support.database import START

APP = NewFactor(7, FactorKind.TOTP, "phone", "sealed", START)
PASSKEY = NewFactor(7, FactorKind.PASSKEY, "key", "public", START, public_id="id", confirmed_at=START)
LATER = START + timedelta(minutes=1)


async def test_a_factor_comes_back_as_it_was_written(database: Database):
    app = await database.atomically(second_factors.insert(APP))
    passkey = await database.atomically(second_factors.insert(PASSKEY))

    assert app == SecondFactor(app.id, 7, FactorKind.TOTP, "phone", None, None, START, None)
    assert await second_factors.of_user(database, 7) == [
        StoredFactor(app, "sealed", 0),
        StoredFactor(passkey, "public", 0),
    ]
    assert await second_factors.find_passkey(database, "id") == StoredFactor(passkey, "public", 0)
    assert await second_factors.find_passkey(database, "di") is None
    assert "sealed" not in repr(StoredFactor(app, "sealed", 0)) + repr(APP)


async def test_a_passkey_is_somebodys_once(database: Database):
    await database.atomically(second_factors.insert(PASSKEY))

    with pytest.raises(StorageRefused):
        await database.atomically(second_factors.insert(replace(PASSKEY, user_id=8)))


async def test_a_counter_only_grows_and_the_first_use_confirms(database: Database):
    app = await database.atomically(second_factors.insert(APP))

    assert await database.atomically(second_factors.advance(app.id, 5, LATER)) is True
    for counter in (5, 4):
        assert await database.atomically(second_factors.advance(app.id, counter, START)) is False
    assert await database.atomically(second_factors.advance(app.id, 6, LATER + timedelta(minutes=1))) is True

    (stored,) = await second_factors.of_user(database, 7)
    assert stored.factor == replace(app, confirmed_at=LATER, used_at=LATER + timedelta(minutes=1))
    assert stored.counter == 6
    assert await database.atomically(second_factors.note_uncounted(app.id, LATER)) is False


async def test_a_use_that_is_not_counted_is_noted(database: Database):
    passkey = await database.atomically(second_factors.insert(PASSKEY))

    assert await database.atomically(second_factors.note_uncounted(passkey.id, LATER)) is True
    assert (await second_factors.of_user(database, 7))[0].factor == replace(passkey, used_at=LATER)


async def test_codes_on_paper_are_replaced_and_used_once(database: Database):
    await database.atomically(second_factors.replace_backups(7, ["old"], START))
    await database.atomically(second_factors.replace_backups(7, ["a", "b"], START))

    assert await database.atomically(second_factors.use_backup(7, "old", START)) is False
    assert await database.atomically(second_factors.use_backup(8, "a", START)) is False
    assert [await database.atomically(second_factors.use_backup(7, "a", START)) for _ in range(2)] == [True, False]
    assert await database.atomically(second_factors.use_backup(7, "b", START)) is True


async def test_factors_are_removed_by_their_owner(database: Database):
    app = await database.atomically(second_factors.insert(APP))
    await database.atomically(second_factors.insert(PASSKEY))

    assert await database.atomically(second_factors.remove(8, app.id)) is False
    assert await database.atomically(second_factors.remove_unconfirmed(7, FactorKind.PASSKEY)) == 0
    assert await database.atomically(second_factors.remove_unconfirmed(7, FactorKind.TOTP)) == 1
    assert await database.atomically(second_factors.remove(7, app.id)) is False
    assert await database.atomically(second_factors.remove_all(7)) == 1


async def test_a_confirmed_factor_is_renamed_by_its_owner(database: Database):
    passkey = await database.atomically(second_factors.insert(PASSKEY))
    app = await database.atomically(second_factors.insert(APP))
    await database.atomically(second_factors.replace_backups(7, ["x"], START))
    paper = (await second_factors.of_user(database, 7))[-1].factor

    assert await database.atomically(second_factors.rename(8, passkey.id, "new")) is None
    assert await database.atomically(second_factors.rename(7, app.id, "new")) is None
    assert await database.atomically(second_factors.rename(7, paper.id, "new")) is None
    assert await database.atomically(second_factors.rename(7, passkey.id, "new")) == replace(passkey, name="new")

    assert [found.factor.name for found in await second_factors.of_user(database, 7)] == ["new", "phone", ""]
    assert await database.atomically(second_factors.count(7)) == 2
