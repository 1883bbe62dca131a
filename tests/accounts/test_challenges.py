import asyncio
from datetime import timedelta

import pytest

from clinx.accounts import challenges
from clinx.accounts.challenges import TRIES, Purpose
from clinx.accounts.failures import ChallengeRefused
from clinx.domain.session import Challenge
from clinx.storage import challenges as stored
from clinx.storage.database import Database
from support.database import Clock

PURPOSE = Purpose("verify", timedelta(minutes=10), 7, "a@example.org", {"next": "/"})


def _wrong(code: str | None) -> str:
    return f"{(int(code or 0) + 1) % 1_000_000:06}"


async def test_a_secret_is_claimed_once(database: Database, clock: Clock):
    made = await challenges.make(database, PURPOSE, at=clock.now())

    claimed = await challenges.claim(database, "verify", made.secret, at=clock.now())

    assert claimed == made.challenge
    assert (claimed.user_id, claimed.subject, claimed.data) == (7, "a@example.org", {"next": "/"})
    with pytest.raises(ChallengeRefused):
        await challenges.claim(database, "verify", made.secret, at=clock.now())


async def test_of_many_who_claim_at_once_one_gets_it(database: Database, clock: Clock):
    for with_code in (False, True):
        made = await challenges.make(database, PURPOSE, at=clock.now(), with_code=with_code)
        claims = [
            challenges.claim(database, "verify", made.secret, at=clock.now())
            if index % 2 or made.code is None
            else challenges.claim_code(database, "verify", "a@example.org", made.code, at=clock.now())
            for index in range(8)
        ]

        results = await asyncio.gather(*claims, return_exceptions=True)

        claimed = [result for result in results if not isinstance(result, ChallengeRefused)]
        assert [result.id for result in claimed if isinstance(result, Challenge)] == [made.challenge.id]
        assert len(claimed) == 1


@pytest.mark.parametrize("secret", ["", "x", "x" * 300, "\ud800"])
async def test_what_nobody_was_given_is_refused(database: Database, clock: Clock, secret: str):
    await challenges.make(database, PURPOSE, at=clock.now())

    with pytest.raises(ChallengeRefused):
        await challenges.claim(database, "verify", secret, at=clock.now())
    with pytest.raises(ChallengeRefused):
        await challenges.attempt(database, "verify", secret, at=clock.now())


async def test_a_secret_of_one_kind_is_nothing_for_another(database: Database, clock: Clock):
    made = await challenges.make(database, PURPOSE, at=clock.now())

    with pytest.raises(ChallengeRefused):
        await challenges.claim(database, "reset", made.secret, at=clock.now())
    assert await challenges.claim(database, "verify", made.secret, at=clock.now()) == made.challenge


async def test_a_secret_lives_as_long_as_it_was_made_for(database: Database, clock: Clock):
    made = await challenges.make(database, PURPOSE, at=clock.now(), with_code=True)
    clock.advance(600)

    with pytest.raises(ChallengeRefused):
        await challenges.claim(database, "verify", made.secret, at=clock.now())
    with pytest.raises(ChallengeRefused):
        await challenges.claim_code(database, "verify", "a@example.org", made.code or "", at=clock.now())
    assert await database.atomically(stored.prune(clock.now())) == 1


async def test_digits_do_the_same_for_their_subject_alone(database: Database, clock: Clock):
    made = await challenges.make(database, PURPOSE, at=clock.now(), with_code=True)
    assert made.code is not None

    with pytest.raises(ChallengeRefused):
        await challenges.claim_code(database, "verify", "b@example.org", made.code, at=clock.now())
    claimed = await challenges.claim_code(
        database, "verify", "a@example.org", f" {made.code[:3]} {made.code[3:]}", at=clock.now()
    )

    assert claimed.id == made.challenge.id
    with pytest.raises(ChallengeRefused):
        await challenges.claim(database, "verify", made.secret, at=clock.now())


async def test_wrong_digits_are_counted_and_then_the_right_ones_are_nothing(database: Database, clock: Clock):
    made = await challenges.make(database, PURPOSE, at=clock.now(), with_code=True)
    assert made.code is not None

    for _ in range(TRIES):
        with pytest.raises(ChallengeRefused):
            await challenges.claim_code(database, "verify", "a@example.org", _wrong(made.code), at=clock.now())
    with pytest.raises(ChallengeRefused):
        await challenges.claim_code(database, "verify", "a@example.org", made.code, at=clock.now())

    claimed = await challenges.claim(database, "verify", made.secret, at=clock.now())
    assert (claimed.id, claimed.tries) == (made.challenge.id, TRIES)


async def test_new_digits_take_the_place_of_the_old(database: Database, clock: Clock):
    old = await challenges.make(database, PURPOSE, at=clock.now(), with_code=True)
    new = await challenges.make(database, PURPOSE, at=clock.now(), with_code=True)

    with pytest.raises(ChallengeRefused):
        await challenges.claim(database, "verify", old.secret, at=clock.now())
    assert await challenges.claim(database, "verify", new.secret, at=clock.now()) == new.challenge


@pytest.mark.parametrize("subject", ["", "a\x00", "\ud800", "x" * 10_000])
async def test_what_no_code_was_made_for_is_refused(database: Database, clock: Clock, subject: str):
    with pytest.raises(ChallengeRefused):
        await challenges.claim_code(database, "verify", subject, "123456", at=clock.now())


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
async def test_what_is_no_code_costs_no_try(database: Database, clock: Clock, code: str):
    await challenges.make(database, PURPOSE, at=clock.now(), with_code=True)

    with pytest.raises(ChallengeRefused):
        await challenges.claim_code(database, "verify", "a@example.org", code, at=clock.now())

    assert await database.fetch("SELECT tries FROM challenge") == [(0,)]


async def test_looking_is_counted_and_uses_nothing_up(database: Database, clock: Clock):
    made = await challenges.make(database, PURPOSE, at=clock.now())

    for count in range(1, TRIES + 1):
        assert (await challenges.attempt(database, "verify", made.secret, at=clock.now())).tries == count
    with pytest.raises(ChallengeRefused):
        await challenges.attempt(database, "verify", made.secret, at=clock.now())


async def test_nothing_that_could_be_used_is_stored_or_shown(database: Database, clock: Clock):
    made = await challenges.make(database, PURPOSE, at=clock.now(), with_code=True)
    assert made.code is not None

    rows = str(await database.fetch("SELECT * FROM challenge"))

    assert made.secret not in rows + repr(made)
    assert f"'{made.code}'" not in rows + repr(made)
