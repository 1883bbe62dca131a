import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from clinx.billing import codes, statement
from clinx.billing.codes import Offer, Own, Redeemed
from clinx.billing.failures import (
    CodeDisabled,
    CodeExpired,
    CodeMistyped,
    CodeRefused,
    CodeUnknown,
    CodeUsed,
    KeyReused,
    OfferInvalid,
)
from clinx.domain.ledger import EntryKind
from clinx.domain.money import MAX_NANO, ZERO, Amount
from clinx.storage import statements
from clinx.storage.codes import CodeState
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from support.database import START, make_user

FIVE = Amount.parse("5")
DAY = timedelta(days=1)
FOREIGN = "CLX-00000-00000-00000-00000-00000-00"
"""Well formed; nobody draws 130 zeros."""


async def make_code(database: Database, amount: Amount = FIVE, **more) -> str:
    printed = await codes.create(database, Offer("spring", amount, **more), actor="cli:root", at=START)
    return printed.codes[0]


async def states(database: Database) -> list[tuple[str, int | None]]:
    rows = await database.fetch("SELECT state, redeemed_by FROM code ORDER BY id")
    return [(state, user) for state, user in rows]


async def test_codes_are_shown_once_and_only_their_digests_are_kept(database: Database):
    printed = await codes.create(database, Offer("spring", FIVE, 3, START + DAY), actor="cli:root", at=START)

    assert len(set(printed.codes)) == 3
    assert all(re.fullmatch(r"CLX(-[0-9A-HJKMNP-TV-Z]{5}){5}-[0-9A-HJKMNP-TV-Z]{2}", code) for code in printed.codes)
    rows = await database.fetch("SELECT digest, hint, state, created_by FROM code ORDER BY id")
    assert [tuple(row) for row in rows] == [
        (sha256(code[4:].replace("-", "").encode()).hexdigest(), f"{code[:13]}…", "open", "cli:root")
        for code in printed.codes
    ]
    assert printed.codes[0] not in repr(printed)


async def test_a_code_gives_its_amount_out_of_promo(database: Database):
    user = await make_user(database)
    code = await make_code(database)

    assert await codes.redeem(database, user, code, at=START) == Redeemed(1, FIVE)

    assert (await statement.balance(database, user)).total == FIVE
    assert (await statements.balance(database, "promo")).total == -FIVE
    (entry,) = await statement.entries(database, user)
    batch = (await codes.batches(database, at=START))[0].id
    assert (entry.event, entry.kind, entry.amount, entry.detail) == (
        "redeem:1",
        EntryKind.REDEMPTION,
        FIVE,
        f'{{"code":"{code[:13]}…","batch":"{batch}","name":"spring"}}',
    )
    (shown,) = await codes.of_batch(database, batch)
    assert (shown.state, shown.redeemed_at, shown.redeemed_by) == (CodeState.REDEEMED, START, user.id)
    assert [tuple(row) for row in await database.fetch("SELECT topic, subject FROM announcement")] == [
        ("funds", user.account)
    ]


@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: code.removeprefix("CLX-"),
        lambda code: f"  {code.replace('-', ' ')} ",
        lambda code: "CLX-" + code[4:].replace("0", "o").replace("1", "l"),
    ],
)
async def test_a_code_is_read_however_it_is_typed(database: Database, typed):
    user = await make_user(database)
    code = await make_code(database)

    assert (await codes.redeem(database, user, typed(code), at=START)).amount == FIVE


async def test_of_fifty_at_once_one_gets_it(database: Database):
    users = [await make_user(database, f"user-{number}") for number in range(5)]
    code = await make_code(database)

    answers = await asyncio.gather(
        *(codes.redeem(database, users[number % 5], code, at=START) for number in range(50)), return_exceptions=True
    )

    assert [answer for answer in answers if not isinstance(answer, CodeUsed)] == [Redeemed(1, FIVE)]
    assert sum([(await statement.balance(database, user)).total.nano for user in users]) == FIVE.nano
    assert len(await database.fetch("SELECT id FROM entry")) == 2


async def test_different_codes_at_once_all_count(database: Database):
    user = await make_user(database)
    printed = await codes.create(database, Offer("spring", FIVE, 20), actor="cli:root", at=START)

    await asyncio.gather(*(codes.redeem(database, user, code, at=START) for code in printed.codes))

    assert (await statement.balance(database, user)).total == Amount.parse("100")
    assert await states(database) == [("redeemed", user.id)] * 20


async def refusal(database: Database, user, code: str, *, at=START) -> tuple[type[CodeRefused], str, str]:
    with pytest.raises(CodeRefused) as caught:
        await codes.redeem(database, user, code, at=at)
    assert (await statement.balance(database, user)).total == ZERO
    return type(caught.value), caught.value.code, str(caught.value)


async def test_each_refusal_has_its_code_and_changes_nothing(database: Database):
    ann, bob = await make_user(database, "ann"), await make_user(database, "bob")
    used, expired, disabled = [await make_code(database, expires_at=START + DAY) for _ in range(3)]
    await codes.redeem(database, bob, used, at=START)
    await codes.disable(database, disabled)
    before = await states(database)

    assert await refusal(database, ann, FOREIGN) == (CodeUnknown, "code_unknown", "there is no such code")
    assert await refusal(database, ann, used) == (CodeUsed, "code_used", "this code was redeemed before")
    assert await refusal(database, ann, expired, at=START + DAY) == (
        CodeExpired,
        "code_expired",
        "this code has expired",
    )
    assert await refusal(database, ann, disabled) == (CodeDisabled, "code_disabled", "this code was withdrawn")

    assert await states(database) == before == [("redeemed", bob.id), ("open", None), ("disabled", None)]


async def test_who_redeems_again_hears_that_it_was_they(database: Database):
    user = await make_user(database)
    code = await make_code(database)
    await codes.redeem(database, user, code, at=START)

    with pytest.raises(CodeUsed, match="this code was redeemed before, by you"):
        await codes.redeem(database, user, code, at=START)

    assert (await statement.balance(database, user)).total == FIVE


async def test_a_code_is_good_until_the_last_moment(database: Database):
    user = await make_user(database)
    code = await make_code(database, expires_at=START + DAY)

    await codes.redeem(database, user, code, at=START + DAY - timedelta(microseconds=1))

    assert (await statement.balance(database, user)).total == FIVE


@pytest.mark.parametrize("typed", ["", "CLX", "x" * 10_000, "CLX-é", FOREIGN[:-1], f"{FOREIGN}0", f"{FOREIGN[:-1]}1"])
async def test_a_slip_is_told_from_an_unknown_code(database: Database, typed: str):
    user = await make_user(database)

    assert await refusal(database, user, typed) == (
        CodeMistyped,
        "code_mistyped",
        "this is not a code: look for a wrong or missing character",
    )


async def test_a_code_that_the_balance_cannot_take_stays_open(database: Database):
    user = await make_user(database, balance=str(Amount(MAX_NANO)))
    code = await make_code(database)

    with pytest.raises(StorageRefused):
        await codes.redeem(database, user, code, at=START)

    assert await states(database) == [("open", None)]
    assert (await statement.balance(database, user)).total == Amount(MAX_NANO)


async def test_batches_are_counted_by_state(database: Database):
    user = await make_user(database)
    spring = await codes.create(database, Offer("spring", FIVE, 4, START + DAY), actor="cli:root", at=START)
    autumn = await codes.create(database, Offer("autumn", Amount(1), 2), actor="cli:eve", at=START)
    await codes.redeem(database, user, spring.codes[0], at=START)
    await codes.disable(database, spring.codes[1])

    early, late = await codes.batches(database, at=START), await codes.batches(database, at=START + DAY)

    assert [(b.id, b.name, b.amount, b.created_by, b.created_at, b.expires_at) for b in early] == [
        (spring.batch, "spring", FIVE, "cli:root", START, START + DAY),
        (autumn.batch, "autumn", Amount(1), "cli:eve", START, None),
    ]
    assert [(b.open, b.redeemed, b.disabled, b.expired) for b in early] == [(2, 1, 1, 0), (2, 0, 0, 0)]
    assert [(b.open, b.redeemed, b.disabled, b.expired) for b in late] == [(0, 1, 1, 2), (2, 0, 0, 0)]
    assert [code.state_at(START + DAY) for code in await codes.of_batch(database, spring.batch)] == [
        CodeState.REDEEMED,
        CodeState.DISABLED,
        CodeState.EXPIRED,
        CodeState.EXPIRED,
    ]


async def test_a_code_is_withdrawn_by_id_by_hint_and_by_itself(database: Database):
    made = [await make_code(database) for _ in range(6)]

    assert await codes.disable(database, "1") == 1
    assert await codes.disable(database, f"{made[1][:13].lower()}...") == 1
    assert await codes.disable(database, f"{made[3][:13]}…") == 1
    assert await codes.disable(database, made[4][:13]) == 1
    assert await codes.disable(database, made[2]) == 1
    assert await codes.disable(database, made[2]) == 0

    assert await states(database) == [("disabled", None)] * 5 + [("open", None)]


async def test_a_batch_is_withdrawn_but_for_what_was_redeemed(database: Database):
    user = await make_user(database)
    printed = await codes.create(database, Offer("spring", FIVE, 3), actor="cli:root", at=START)
    await make_code(database)
    await codes.redeem(database, user, printed.codes[0], at=START)

    assert await codes.disable(database, printed.batch) == 2
    assert await codes.disable(database, printed.batch) == 0

    assert await states(database) == [("redeemed", user.id), ("disabled", None), ("disabled", None), ("open", None)]


async def test_what_is_not_there_cannot_be_withdrawn(database: Database):
    for reference in ("7", "batch_0", "CLX-AAAAA-AAA…"):
        with pytest.raises(CodeUnknown, match=f"there is no .*{reference}"):
            await codes.disable(database, reference)
    with pytest.raises(CodeUnknown) as caught:
        await codes.disable(database, FOREIGN)
    assert FOREIGN not in str(caught.value)


async def test_a_hint_of_several_is_ambiguous(database: Database):
    draws = iter([1, 37 * 3, 37 * 4])
    await codes.create(database, Offer("twins", FIVE, 2), actor="a", at=START, draw=lambda _: next(draws))

    with pytest.raises(CodeUnknown, match="several codes look like 'CLX-00000-000…': use the id"):
        await codes.disable(database, "CLX-00000-000…")

    assert await states(database) == [("open", None)] * 2


async def test_a_draw_without_a_check_character_is_drawn_again(database: Database):
    draws = iter([1, 32, 36, 37])

    printed = await codes.create(database, Offer("one", FIVE), actor="a", at=START, draw=lambda _: next(draws))

    assert printed == codes.Printed("batch_0000000000000001", ("CLX-00000-00000-00000-00000-00001-50",))


@pytest.mark.parametrize(
    "offer",
    [
        Offer("x", FIVE, 0),
        Offer("x", FIVE, 10_001),
        Offer("x", ZERO),
        Offer("x", -FIVE),
        Offer("x", FIVE, 1, START),
        Offer("", FIVE),
        Offer("x" * 65, FIVE),
        Offer("a\nb", FIVE),
    ],
)
async def test_senseless_batches_are_not_made(database: Database, offer: Offer):
    with pytest.raises(OfferInvalid):
        await codes.create(database, offer, actor="cli:root", at=START)

    assert await states(database) == []


async def test_the_largest_batch_is_made(database: Database):
    printed = await codes.create(database, Offer("many", FIVE, codes.MOST), actor="cli:root", at=START)

    assert len(set(printed.codes)) == codes.MOST
    assert [batch.open for batch in await codes.batches(database, at=START)] == [codes.MOST]


async def test_a_batch_is_made_once_for_a_key(database: Database):
    own, offer = Own(1, "key-1"), Offer("spring", FIVE, 3)

    first = await codes.create(database, offer, actor="user:root", at=START, own=own)
    again = await codes.create(database, offer, actor="user:root", at=START + DAY, own=own)
    with pytest.raises(KeyReused):
        await codes.create(database, replace(offer, count=4), actor="user:root", at=START, own=own)

    assert (again.batch, again.codes) == (first.batch, ())
    assert await states(database) == [("open", None)] * 3
    assert len(first.codes) == 3


async def test_a_redemption_under_a_key_tells_again_what_it_gave(database: Database):
    user, one, other = await make_user(database), await make_code(database), await make_code(database)

    first = await codes.redeem(database, user, one, at=START, key="key-1")
    again = await codes.redeem(database, user, one, at=START + DAY, key="key-1")
    with pytest.raises(KeyReused):
        await codes.redeem(database, user, other, at=START, key="key-1")

    assert first == again == Redeemed(1, FIVE)
    assert (await statement.balance(database, user)).total == FIVE
    assert await states(database) == [("redeemed", user.id), ("open", None)]
