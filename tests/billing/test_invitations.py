import asyncio
import re
from datetime import timedelta

import pytest

from clinx.accounts import users
from clinx.billing import invitations, statement
from clinx.billing.failures import (
    InvitationAccepted,
    InvitationFromLater,
    InvitationTooLate,
    InvitationUnknown,
    KeyReused,
    RewardsTooFew,
    TransferTooSmall,
)
from clinx.billing.invitations import LEAST, PERIOD, Standing
from clinx.billing.transfer import Cause
from clinx.domain.identity import Status, User
from clinx.domain.invitation import Rewards
from clinx.domain.ledger import EntryKind
from clinx.domain.money import ZERO, Amount
from clinx.storage import statements
from clinx.storage.database import Database
from support.database import START, make_user

ONE, HALF = Amount.parse("1"), Amount.parse("0.5")
REWARDS = Rewards(inviter=ONE, invitee=HALF)
CAUSE = Cause("user", "transfer", "key-1")


async def code_of(database: Database, user: User) -> str:
    return (await invitations.show(database, user)).code


async def pair(database: Database) -> tuple[User, User, str]:
    ann, bob = await make_user(database, "ann"), await make_user(database, "bob")
    return ann, bob, await code_of(database, ann)


async def money(database: Database) -> dict[str, Amount]:
    rows = await database.fetch("SELECT name, balance FROM account WHERE balance <> 0 ORDER BY name")
    return {name: Amount(balance) for name, balance in rows}


async def test_a_code_is_made_when_it_is_first_asked_for(database: Database):
    ann, bob = await make_user(database, "ann"), await make_user(database, "bob")

    standings = await asyncio.gather(*(invitations.show(database, ann) for _ in range(10)))
    other = await code_of(database, bob)

    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{8}", standings[0].code)
    assert standings == [Standing(standings[0].code, 0, ZERO, ZERO, None)] * 10
    assert other != standings[0].code
    assert len(await database.fetch("SELECT user_id FROM invitation")) == 2


async def test_a_code_of_somebody_else_is_drawn_again(database: Database):
    ann, bob = await make_user(database, "ann"), await make_user(database, "bob")
    draws = iter([5, 5, 6])

    assert (await invitations.show(database, ann, draw=lambda _: next(draws))).code == "00000005"
    assert (await invitations.show(database, bob, draw=lambda _: next(draws))).code == "00000006"


async def test_both_sides_are_rewarded_out_of_promo(database: Database):
    ann, bob, code = await pair(database)

    assert await invitations.accept(database, bob, code, REWARDS, at=START) == ann.id

    assert await money(database) == {"invite:1": ONE, "promo": Amount.parse("-1.5"), "user:2": HALF}
    assert await invitations.show(database, ann) == Standing(code, 1, ONE, ONE, None)
    assert (await invitations.show(database, bob)).inviter_id == ann.id
    (entry,) = await statement.entries(database, bob)
    assert (entry.event, entry.kind, entry.amount, entry.detail) == (
        "reward:invitee:2",
        EntryKind.REWARD,
        HALF,
        '{"invited":"2","inviter":"1"}',
    )
    (waiting,) = await statements.entries(database, "invite:1")
    assert (waiting.event, waiting.kind, waiting.amount) == ("reward:inviter:2", EntryKind.REWARD, ONE)


async def test_a_code_is_read_however_it_is_typed(database: Database):
    ann, bob = await make_user(database, "ann"), await make_user(database, "bob")
    await invitations.show(database, ann, draw=lambda _: 0b00000_00001_01010_00000_00000_00000_00000_00000)

    await invitations.accept(database, bob, " oia-oooo0", REWARDS, at=START)

    assert (await invitations.show(database, ann)).invited == 1


async def test_an_invitation_is_accepted_once_however_parallel(database: Database):
    ann, eve = await make_user(database, "ann"), await make_user(database, "eve")
    bob = await make_user(database, "bob")
    offered = [await code_of(database, ann), await code_of(database, eve)] * 10

    answers = await asyncio.gather(
        *(invitations.accept(database, bob, code, REWARDS, at=START) for code in offered), return_exceptions=True
    )

    (inviter,) = [answer for answer in answers if not isinstance(answer, InvitationAccepted)]
    assert await money(database) == {f"invite:{inviter}": ONE, "promo": Amount.parse("-1.5"), "user:3": HALF}
    invited = {user.id: (await invitations.show(database, user)).invited for user in (ann, eve)}
    assert invited == {ann.id: int(inviter == ann.id), eve.id: int(inviter == eve.id)}


async def test_many_may_be_invited(database: Database):
    ann = await make_user(database, "ann")
    code = await code_of(database, ann)
    invited = [await make_user(database, f"user-{number}") for number in range(10)]

    await asyncio.gather(*(invitations.accept(database, user, code, REWARDS, at=START) for user in invited))

    assert await invitations.show(database, ann) == Standing(code, 10, Amount.parse("10"), Amount.parse("10"), None)


async def test_without_rewards_only_the_invitation_is_written(database: Database):
    ann, bob, code = await pair(database)

    await invitations.accept(database, bob, code, Rewards(), at=START)

    assert await money(database) == {}
    assert await database.fetch("SELECT id FROM entry") == []
    assert (await invitations.show(database, ann)).invited == 1


async def refused(database: Database, error: type[Exception], user: User, code: str, at=START) -> None:
    before = await database.fetch("SELECT user_id, inviter_id, rewarded_at FROM invitation WHERE inviter_id > 0")
    had = await money(database)
    with pytest.raises(error):
        await invitations.accept(database, user, code, REWARDS, at=at)
    assert (
        await database.fetch("SELECT user_id, inviter_id, rewarded_at FROM invitation WHERE inviter_id > 0") == before
    )
    assert await money(database) == had


@pytest.mark.parametrize("code", ["", "00000000", "0000000", "x" * 1000, "ÄÄÄÄÄÄÄÄ"])
async def test_a_code_of_nobody_is_refused(database: Database, code: str):
    await refused(database, InvitationUnknown, await make_user(database), code)


async def test_the_code_of_a_disabled_user_is_nobodys(database: Database):
    ann, bob, code = await pair(database)
    await users.change(database, ann, at=START, status=Status.DISABLED)

    await refused(database, InvitationUnknown, bob, code)


async def test_nobody_invites_themselves_or_who_came_before(database: Database):
    ann, bob, code = await pair(database)

    await refused(database, InvitationFromLater, ann, code)
    await refused(database, InvitationFromLater, ann, await code_of(database, bob))


async def test_a_second_invitation_is_refused(database: Database):
    _, bob, code = await pair(database)
    await invitations.accept(database, bob, code, REWARDS, at=START)

    await refused(database, InvitationAccepted, bob, code)


async def test_an_invitation_is_for_the_first_days(database: Database):
    _, bob, code = await pair(database)

    await refused(database, InvitationTooLate, bob, code, START + PERIOD + timedelta(microseconds=1))

    assert await invitations.accept(database, bob, code, REWARDS, at=START + PERIOD) == 1


async def rewarded(database: Database) -> tuple[User, str]:
    ann = await make_user(database, "ann")
    code = await code_of(database, ann)
    for name in ("bob", "eve"):
        await invitations.accept(database, await make_user(database, name), code, Rewards(inviter=ONE), at=START)
    return ann, code


async def test_waiting_rewards_are_transferred_to_the_balance(database: Database):
    ann, code = await rewarded(database)

    assert await invitations.withdraw(database, ann, Amount.parse("1.5"), CAUSE, at=START) is True

    assert await money(database) == {"invite:1": HALF, "promo": Amount.parse("-2"), "user:1": Amount.parse("1.5")}
    assert await invitations.show(database, ann) == Standing(code, 2, Amount.parse("2"), HALF, None)
    (entry,) = await statement.entries(database, ann)
    assert (entry.event, entry.kind, entry.detail) == (
        "transfer:1:key-1",
        EntryKind.TRANSFER,
        '{"actor":"user","reason":"transfer"}',
    )
    announced = [tuple(row) for row in await database.fetch("SELECT topic, subject FROM announcement")]
    assert announced == [("funds", "user:1")]


async def test_a_transfer_counts_once_under_its_key(database: Database):
    ann, _ = await rewarded(database)

    written = await asyncio.gather(*(invitations.withdraw(database, ann, ONE, CAUSE, at=START) for _ in range(10)))
    with pytest.raises(KeyReused):
        await invitations.withdraw(database, ann, Amount.parse("1.1"), CAUSE, at=START)

    assert sorted(written) == [False] * 9 + [True]
    assert await money(database) == {"invite:1": ONE, "promo": Amount.parse("-2"), "user:1": ONE}


async def test_a_key_is_the_users_own(database: Database):
    ann, _ = await rewarded(database)
    bob = await users.find(database, "bob")
    carl = await make_user(database, "carl")
    await invitations.accept(database, carl, await code_of(database, bob), REWARDS, at=START)

    assert await invitations.withdraw(database, ann, ONE, CAUSE, at=START) is True
    assert await invitations.withdraw(database, bob, ONE, CAUSE, at=START) is True


async def test_no_more_than_what_waits_is_transferred_however_parallel(database: Database):
    ann, _ = await rewarded(database)

    answers = await asyncio.gather(
        *(
            invitations.withdraw(database, ann, ONE, Cause("user", "", f"key-{number}"), at=START)
            for number in range(10)
        ),
        return_exceptions=True,
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["RewardsTooFew"] * 8 + ["bool"] * 2
    assert await money(database) == {"promo": Amount.parse("-2"), "user:1": Amount.parse("2")}


async def test_a_refused_transfer_changes_nothing(database: Database):
    ann, _ = await rewarded(database)
    had = await money(database)

    with pytest.raises(RewardsTooFew, match="only 2 waits to be transferred"):
        await invitations.withdraw(database, ann, Amount.parse("2.000000001"), CAUSE, at=START)
    for amount, least in ((LEAST - Amount(1), LEAST), (ZERO, ZERO), (-ONE, -ONE), (ONE, Amount.parse("2"))):
        with pytest.raises(TransferTooSmall):
            await invitations.withdraw(database, ann, amount, CAUSE, at=START, least=least)
    with pytest.raises(RewardsTooFew, match="only 0 waits"):
        await invitations.withdraw(database, await users.find(database, "bob"), ONE, CAUSE, at=START)

    assert await money(database) == had
    assert await statement.entries(database, ann) == []
