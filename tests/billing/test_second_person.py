from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from clinx.billing import codes, statement
from clinx.billing.codes import Offer, Own
from clinx.billing.failures import (
    AdjustmentDecided,
    AdjustmentExpired,
    AdjustmentUnknown,
    KeyReused,
    NotTheProposer,
    SecondPersonNeeded,
)
from clinx.billing.second_person import Outcome, Wish, adjust, approve, check_batch, reject
from clinx.billing.topup import Cause
from clinx.domain.adjustment import AdjustmentState
from clinx.domain.console import SecondPerson
from clinx.domain.identity import User
from clinx.domain.money import Amount
from clinx.storage import adjustments
from clinx.storage.database import Database
from support.books import contradictions
from support.database import START, make_user

DAY = timedelta(days=1)
RULE = SecondPerson(Amount.parse("100"), 2 * DAY)


@pytest.fixture
async def people(database: Database) -> tuple[User, User, User]:
    return await make_user(database, "ann"), await make_user(database, "ada"), await make_user(database, "bea")


def wish(user: User, proposer: User, by: str, key: str = "key-1") -> Wish:
    cause = Cause(f"user:{proposer.name}", "sorry", f"{proposer.id}:{key}")
    return Wish(user, Amount.parse(by), proposer, cause)


async def total(database: Database, user: User) -> str:
    return str((await statement.balance(database, user)).total)


async def proposed(database: Database, made: Wish) -> int:
    outcome = await adjust(database, made, RULE, at=START)
    assert outcome.is_new
    assert outcome.proposal is not None
    return outcome.proposal.id


async def test_up_to_the_limit_one_person_is_enough(database: Database, people: tuple[User, User, User]) -> None:
    ann, ada, _ = people

    assert await adjust(database, wish(ann, ada, "100"), RULE, at=START) == Outcome(is_new=True)
    assert await adjust(database, wish(ann, ada, "100"), RULE, at=START) == Outcome(is_new=False)
    assert await total(database, ann) == "100"


async def test_without_the_rule_there_is_no_limit(database: Database, people: tuple[User, User, User]) -> None:
    ann, ada, _ = people

    assert await adjust(database, wish(ann, ada, "1000000"), None, at=START) == Outcome(is_new=True)


async def test_what_is_more_is_proposed_and_moves_nothing(database: Database, people: tuple[User, User, User]) -> None:
    ann, ada, _ = people

    number = await proposed(database, wish(ann, ada, "100.01"))

    found = await adjustments.get(database, number)
    assert found is not None
    assert (found.state, found.proposed.amount, found.proposed.expires_at) == (
        AdjustmentState.PENDING,
        Amount.parse("100.01"),
        START + 2 * DAY,
    )
    assert await total(database, ann) == "0"
    again = await adjust(database, wish(ann, ada, "100.01"), None, at=START)
    assert (again.is_new, again.proposal) == (False, found), "also when the rule has changed"


async def test_what_one_person_gives_within_a_day_counts_together(
    database: Database, people: tuple[User, User, User]
) -> None:
    ann, ada, bea = people
    await adjust(database, wish(ann, ada, "60"), RULE, at=START)

    late = await adjust(database, wish(bea, ada, "60", "key-2"), RULE, at=START + DAY - timedelta(seconds=1))
    other = await adjust(database, wish(ann, bea, "60"), RULE, at=START + timedelta(hours=1))
    next_day = await adjust(database, wish(ann, ada, "60", "key-3"), RULE, at=START + DAY + timedelta(seconds=1))

    assert [each.proposal is None for each in (late, other, next_day)] == [False, True, True]
    assert await total(database, bea) == "0"


async def test_many_at_the_same_moment_count_together(database: Database, people: tuple[User, User, User]) -> None:
    ann, ada, _ = people

    told = await asyncio.gather(*(adjust(database, wish(ann, ada, "60", f"k{n}"), RULE, at=START) for n in range(5)))

    assert sorted(each.proposal is None for each in told) == [False] * 4 + [True]
    assert await total(database, ann) == "60"


async def test_what_is_taken_needs_nobody_else(database: Database, people: tuple[User, User, User]) -> None:
    ann, ada, _ = people

    assert await adjust(database, wish(ann, ada, "-500"), RULE, at=START) == Outcome(is_new=True)
    assert await total(database, ann) == "-500"


async def test_a_key_is_for_one_thing(database: Database, people: tuple[User, User, User]) -> None:
    ann, ada, bea = people
    await proposed(database, wish(ann, ada, "200"))
    await adjust(database, wish(ann, ada, "1", "key-2"), RULE, at=START)

    for other in (wish(ann, ada, "201"), wish(bea, ada, "200"), wish(ann, ada, "1"), wish(ann, ada, "2", "key-2")):
        with pytest.raises(KeyReused):
            await adjust(database, other, RULE, at=START)
    assert await total(database, ann) == "1"


async def test_a_key_that_booked_is_not_proposed_under_as_well(
    database: Database, people: tuple[User, User, User]
) -> None:
    ann, ada, _ = people
    await adjust(database, wish(ann, ada, "90"), RULE, at=START)
    await adjust(database, wish(ann, ada, "10", "key-2"), RULE, at=START)

    assert await adjust(database, wish(ann, ada, "90"), RULE, at=START) == Outcome(is_new=False)
    with pytest.raises(KeyReused):
        await adjust(database, wish(ann, ada, "91"), RULE, at=START)
    assert await database.fetch("SELECT id FROM adjustment") == []


async def test_another_person_approves_and_it_is_booked_once(
    database: Database, people: tuple[User, User, User]
) -> None:
    ann, ada, bea = people
    number = await proposed(database, wish(ann, ada, "200"))

    told = await asyncio.gather(*(approve(database, number, bea, "user:bea", at=START) for _ in range(5)))

    assert sorted(told) == [False] * 4 + [True]
    (entry,) = await statement.entries(database, ann)
    assert (entry.event, str(entry.amount), entry.detail) == (
        f"proposal:{number}",
        "200",
        '{"actor":"user:ada","reason":"sorry","approved_by":"user:bea"}',
    )
    assert await contradictions(database) == []
    again = await adjust(database, wish(ann, ada, "200"), RULE, at=START)
    assert (again.is_new, again.proposal and again.proposal.state) == (False, AdjustmentState.APPROVED)
    fresh = await adjust(database, wish(ann, ada, "100", "key-2"), RULE, at=START)
    assert fresh.proposal is None, "what two people gave does not count as given by one"


async def test_who_proposed_does_not_approve(database: Database, people: tuple[User, User, User]) -> None:
    ann, ada, _ = people
    number = await proposed(database, wish(ann, ada, "200"))

    with pytest.raises(NotTheProposer):
        await approve(database, number, ada, "key:1:ada", at=START)
    assert await total(database, ann) == "0"


async def test_what_is_rejected_is_not_approved_any_more(database: Database, people: tuple[User, User, User]) -> None:
    ann, ada, bea = people
    number = await proposed(database, wish(ann, ada, "200"))

    assert [await reject(database, number, ada, at=START) for _ in range(2)] == [True, False]
    with pytest.raises(AdjustmentDecided) as caught:
        await approve(database, number, bea, "user:bea", at=START)
    assert caught.value.parameters == {"state": "rejected"}
    with pytest.raises(AdjustmentDecided):
        await reject(database, number, bea, at=START)
    assert await total(database, ann) == "0"


async def test_approved_and_rejected_at_the_same_moment_it_is_one_of_them(
    database: Database, people: tuple[User, User, User]
) -> None:
    ann, ada, bea = people
    number = await proposed(database, wish(ann, ada, "200"))

    told = await asyncio.gather(
        approve(database, number, bea, "user:bea", at=START),
        reject(database, number, ada, at=START),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in told) == ["AdjustmentDecided", "bool"]
    assert await total(database, ann) == ("200" if told[0] is True else "0")


async def test_nobody_decides_about_what_has_expired_or_never_was(
    database: Database, people: tuple[User, User, User]
) -> None:
    ann, ada, bea = people
    number = await proposed(database, wish(ann, ada, "200"))

    for late in (
        approve(database, number, bea, "user:bea", at=START + 2 * DAY),
        reject(database, number, bea, at=START + 2 * DAY),
    ):
        with pytest.raises(AdjustmentExpired):
            await late
    with pytest.raises(AdjustmentUnknown):
        await approve(database, number + 1, bea, "user:bea", at=START)
    assert await total(database, ann) == "0"


async def test_codes_that_one_person_makes_within_a_day_count_together(
    database: Database, people: tuple[User, User, User]
) -> None:
    _, ada, bea = people

    async def make(maker: User, actor: str, worth: str, count: int = 1, at=START, key: str = "") -> int:
        own = Own(maker.id, key or f"{actor}{worth}{count}{at}", lambda sum_: check_batch(RULE, maker, sum_, at=at))
        printed = await codes.create(database, Offer("spring", Amount.parse(worth), count), actor=actor, at=at, own=own)
        return len(printed.codes)

    assert await make(ada, "user:ada", "10", 6, key="one") == 6
    with pytest.raises(SecondPersonNeeded) as caught:
        await make(ada, "key:1:ada", "10.01", 4)
    assert caught.value.parameters == {"above": "100"}
    assert await make(ada, "user:ada", "10", 6, key="one") == 0, "made before: asked again it is not refused"
    assert await make(bea, "user:bea", "10", 10) == 10
    assert await make(ada, "user:ada", "10", 10, at=START + DAY + timedelta(seconds=1)) == 10
    assert len(await database.fetch("SELECT id FROM code")) == 26


async def test_codes_and_grants_of_one_person_count_together(
    database: Database, people: tuple[User, User, User]
) -> None:
    ann, ada, bea = people

    async def make(maker: User, worth: str) -> None:
        own = Own(maker.id, f"codes-{worth}", lambda sum_: check_batch(RULE, maker, sum_, at=START))
        offer = Offer("spring", Amount.parse(worth), 1)
        await codes.create(database, offer, actor=f"user:{maker.name}", at=START, own=own)

    await make(ada, "60")
    assert (await adjust(database, wish(ann, ada, "40.01"), RULE, at=START)).proposal is not None
    assert (await adjust(database, wish(ann, ada, "40", "key-2"), RULE, at=START)).proposal is None
    with pytest.raises(SecondPersonNeeded):
        await make(ada, "0.01")
    await make(bea, "60")


async def test_any_key_that_a_caller_may_send_can_be_kept(database: Database, people: tuple[User, User, User]) -> None:
    ann, ada, _ = people

    await proposed(database, wish(ann, ada, "200", "k" * 64))


async def test_a_name_that_is_cut_in_history_is_known_all_the_same(database: Database) -> None:
    long, other = await make_user(database, "a" * 64), await make_user(database, "a" * 40)
    kept = {"user:" + "a" * 59: Amount.parse("90"), "key:1:" + "a" * 58: Amount.parse("5")}
    for actor, worth in kept.items():
        await codes.create(database, Offer("spring", worth), actor=actor, at=START)

    def asked(maker: User, worth: str):
        return check_batch(RULE, maker, Amount.parse(worth), at=START)

    with pytest.raises(SecondPersonNeeded):
        await database.atomically(asked(long, "5.01"))
    await database.atomically(asked(long, "5"))
    await database.atomically(asked(other, "100"))
