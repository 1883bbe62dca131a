import asyncio
import threading
from dataclasses import replace

import argon2
import bcrypt
import pytest

from clinx.accounts import passwords
from clinx.accounts.failures import PasswordInvalid, TooManyAttempts
from clinx.accounts.passwords import AT_ONCE, NOBODY, WAITING, Argon2, Passwords
from clinx.storage import passwords as stored
from clinx.storage.database import Database
from support.accounts import RIGHT, Desk, QuickHasher
from support.database import START, make_user


async def test_a_password_is_known_by_its_argon2_hash(database: Database):
    user, checker = await make_user(database), Passwords(database)

    await checker.set(user, RIGHT, at=START)

    hash_ = await stored.hash_of(database, user.id)
    assert hash_ is not None
    assert hash_.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await checker.is_right(user, RIGHT) is True
    assert await checker.is_right(user, "wrong horse") is False
    assert await checker.has_one(user) is True


async def test_signs_that_look_alike_are_alike(database: Database):
    user, checker = await make_user(database), Passwords(database)

    await checker.set(user, "pässword", at=START)

    assert await checker.is_right(user, "pa\u0308ssword") is True
    assert await checker.is_right(user, "password") is False


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
async def test_a_bcrypt_hash_verifies_and_is_replaced(database: Database, prefix: str):
    user, checker = await make_user(database), Passwords(database)
    password = "long " * 20  # More than bcrypt looks at.
    old = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4, b"2b")).decode().replace("$2b$", prefix, 1)
    await database.atomically(stored.save(user.id, old, START))

    assert await checker.is_right(user, "wrong horse") is False
    assert await stored.hash_of(database, user.id) == old
    assert await checker.is_right(user, password) is True

    new = await stored.hash_of(database, user.id)
    assert new is not None
    assert new.startswith("$argon2id$")
    assert await checker.is_right(user, password) is True


async def test_a_hash_is_replaced_only_if_the_password_is_still_the_same(desk: Desk):
    user = await desk.user()

    assert await desk.database.atomically(stored.upgrade(user.id, "quick:another", "x")) is False
    assert await stored.hash_of(desk.database, user.id) == f"quick:{RIGHT}"


def test_nobodys_hash_is_made_like_all_others():
    made, nobodys = argon2.extract_parameters(Argon2().hash("x")), argon2.extract_parameters(NOBODY)

    assert made == nobodys
    assert Argon2().is_outdated(NOBODY) is False


async def test_nobody_and_who_has_no_password_cost_as_much_as_everybody(desk: Desk):
    known, without = await desk.user(), await desk.user("bob", password=None)
    desk.hasher.made = 0

    for user in (known, without, None):
        assert await desk.passwords.is_right(user, "wrong horse") is False
    assert await desk.passwords.is_right(None, "nobody") is False

    assert desk.hasher.verified == [f"quick:{RIGHT}", NOBODY, NOBODY, NOBODY]
    assert desk.hasher.made == 0


async def test_an_outdated_hash_is_replaced_after_a_right_password_only(desk: Desk):
    user = await desk.user()
    await desk.database.atomically(stored.save(user.id, f"old:quick:{RIGHT}", START))

    await desk.passwords.is_right(user, "wrong horse")
    assert await stored.hash_of(desk.database, user.id) == f"old:quick:{RIGHT}"
    await desk.passwords.is_right(user, RIGHT)
    assert await stored.hash_of(desk.database, user.id) == f"quick:{RIGHT}"


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "too_short"),
        ("1234567", "too_short"),
        ("e\u0301" * 4, "too_short"),
        ("x" * 257, "too_long"),
        ("Ann@Example.org", "like_name"),
        ("annannann", "like_name"),
    ],
)
def test_what_nobody_should_have_is_refused(password: str, reason: str):
    with pytest.raises(PasswordInvalid) as caught:
        passwords.check(password, ("AnnAnnAnn", "ann@example.org", ""))

    assert caught.value.parameters["reason"] == reason


def test_a_password_of_a_megabyte_is_refused_without_being_looked_at():
    # Marks that have to be put into order: to normalise so many takes minutes.
    with pytest.raises(PasswordInvalid) as caught:
        passwords.check("a" + "\u0301\u0316" * 250_000)

    assert caught.value.parameters["reason"] == "too_long"


@pytest.mark.parametrize("password", ["12345678", "x" * 256, "密码密码密码密码", "\x00\ud800 \n tab\t"])
async def test_anything_else_is_a_password(database: Database, password: str):
    user, checker = await make_user(database), Passwords(database)

    await checker.set(user, password, at=START)

    assert await checker.is_right(user, password) is True
    assert await checker.is_right(user, password[:-1]) is False


async def test_a_password_that_is_too_long_is_never_right(desk: Desk):
    user = await desk.user(password="x" * 256)

    assert await desk.passwords.is_right(user, "x" * 257) is False
    assert await desk.passwords.is_right(user, "x" * 256) is True


@pytest.mark.parametrize("hash_", ["", "plain", "$2b$nonsense", "$argon2id$nonsense", "$2b$04$" + "x" * 53])
def test_what_is_no_hash_is_of_no_password(hash_: str):
    assert Argon2().verify(hash_, "x") is False


class SlowHasher(QuickHasher):
    """Says how many hash at the same time, and waits until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.at_once = 0
        self.most = 0
        self._lock = threading.Lock()

    def verify(self, hash_: str, password: str) -> bool:
        assert threading.current_thread() is not threading.main_thread()
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self.go.wait(10)
        with self._lock:
            self.at_once -= 1
        return super().verify(hash_, password)


async def test_few_hash_at_once_some_wait_and_the_rest_is_refused(desk: Desk):
    hasher = SlowHasher()
    checker = Passwords(desk.database, hasher)

    asked = [asyncio.ensure_future(checker.is_right(None, "x")) for _ in range(AT_ONCE + WAITING + 3)]  # noqa: TID251  (a test waits for them)
    done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_EXCEPTION)
    refused = [task for task in done if isinstance(task.exception(), TooManyAttempts)]
    hasher.go.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert 1 <= len(refused) <= 3
    assert hasher.most == AT_ONCE
    assert len([result for result in results if result is False]) == AT_ONCE + WAITING


async def test_a_user_who_is_gone_has_no_password(desk: Desk):
    assert await desk.passwords.has_one(replace(await desk.user(), id=99)) is False
