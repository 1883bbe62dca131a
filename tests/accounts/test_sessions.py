from dataclasses import replace
from datetime import timedelta

import pytest

from clinx.accounts import sessions, users
from clinx.accounts.failures import AccountDisabled, NotFound, StepUpRequired
from clinx.accounts.sessions import Visitor
from clinx.domain.identity import Role, Status
from support.accounts import ELSEWHERE, VISITOR, Desk
from support.database import START


async def test_a_session_is_found_by_its_secret_with_its_user(desk: Desk):
    user = await desk.user()

    opened = await desk.opened(user)

    assert await desk.sessions.find(opened.secret) == (opened.session, user)
    assert await sessions.find(desk.database, opened.secret, at=START) == (opened.session, user)
    assert (opened.session.address, opened.session.agent, opened.session.method) == (*_of(VISITOR), "password")
    assert opened.session.expires_at == START + timedelta(days=30)


def _of(visitor: Visitor) -> tuple[str | None, str]:
    return visitor.address, visitor.agent


@pytest.mark.parametrize("secret", [None, "", "x", "x" * 300, "\ud800", "\x00"])
async def test_what_nobody_was_given_signs_nobody_in(desk: Desk, secret: str | None):
    await desk.opened(await desk.user())

    assert await desk.sessions.find(secret) is None


async def test_every_session_has_a_secret_of_its_own_and_only_its_digest_is_stored(desk: Desk):
    user = await desk.user()
    secrets = {(await desk.opened(user)).secret for _ in range(3)}

    rows = str(await desk.database.fetch("SELECT * FROM session"))

    assert len(secrets) == 3
    assert not [secret for secret in secrets if secret in rows]
    assert (await desk.opened(user)).secret not in repr(await desk.opened(user))


async def test_a_session_ends_when_its_time_is_over(desk: Desk):
    opened = await desk.opened(await desk.user())

    desk.clock.advance(30 * 24 * 3600)

    assert await desk.sessions.find(opened.secret) is None
    assert await desk.sessions.prune() == 1
    assert await desk.database.fetch("SELECT id FROM session") == []


@pytest.mark.parametrize(
    "change", [{"role": Role.ADMIN}, {"status": Status.DISABLED}], ids=["another role", "disabled"]
)
async def test_a_session_ends_with_the_rights_it_was_opened_with(desk: Desk, change: dict[str, Role]):
    user = await desk.user()
    opened = await desk.opened(user)

    changed = await users.edit(desk.database, user, users.UserChanges(**change), at=START)  # pyright: ignore[reportArgumentType]  (by name)

    assert await desk.sessions.find(opened.secret) is None
    assert await desk.sessions.of_user(changed) == []


async def test_another_group_ends_no_session_and_is_seen_at_once(desk: Desk):
    user = await desk.user()
    opened = await desk.opened(user)

    changed = await users.change(desk.database, user, group="vip", at=START)

    assert await desk.sessions.find(opened.secret) == (opened.session, changed)


async def test_signing_out_everywhere_ends_all_sessions_of_one_user(desk: Desk):
    ann, bob = await desk.user(), await desk.user("bob")
    first, second, other = await desk.opened(ann), await desk.opened(ann), await desk.opened(bob)

    changed = await desk.sessions.end_all(ann)

    assert changed == replace(ann, epoch=2, version=ann.version + 1)
    assert [await desk.sessions.find(opened.secret) for opened in (first, second)] == [None, None]
    assert await desk.sessions.find(other.secret) == (other.session, bob)
    assert ("user", str(ann.id)) in await desk.database.fetch("SELECT topic, subject FROM announcement")
    reopened = await desk.opened(changed)
    assert await desk.sessions.find(reopened.secret) == (reopened.session, changed)
    with pytest.raises(NotFound):
        await desk.sessions.end_all(replace(ann, id=99))


async def test_one_session_is_ended_by_its_owner_alone(desk: Desk):
    ann, bob = await desk.user(), await desk.user("bob")
    mine, kept = await desk.opened(ann), await desk.opened(ann)

    with pytest.raises(NotFound):
        await desk.sessions.end(bob, mine.session.id)
    await desk.sessions.end(ann, mine.session.id)

    assert await desk.sessions.find(mine.secret) is None
    assert await desk.sessions.of_user(ann) == [kept.session]
    with pytest.raises(NotFound):
        await desk.sessions.end(ann, mine.session.id)


async def test_all_but_one_are_ended(desk: Desk):
    user = await desk.user()
    kept, gone = await desk.opened(user), await desk.opened(user, ELSEWHERE)

    assert await desk.sessions.end_others(user, kept.session) == 1

    assert await desk.sessions.find(gone.secret) is None
    assert await desk.sessions.find(kept.secret) == (kept.session, user)


async def test_when_it_was_used_is_written_once_a_minute(desk: Desk):
    user = await desk.user()
    opened = await desk.opened(user)

    for seconds, seen in ((59, 0), (1, 60), (59, 60), (2, 121)):
        desk.clock.advance(seconds)
        assert await desk.sessions.find(opened.secret) is not None
        assert [session.seen_at for session in await desk.sessions.of_user(user)] == [START + timedelta(seconds=seen)]


async def test_a_disabled_user_opens_none(desk: Desk):
    user = await users.change(desk.database, await desk.user(), status=Status.DISABLED, at=START)

    with pytest.raises(AccountDisabled):
        await desk.opened(user)
    assert await desk.database.fetch("SELECT id FROM session") == []


async def test_a_proof_counts_for_a_while_and_is_renewed(desk: Desk):
    user = await desk.user()
    opened = await desk.opened(user)
    within = timedelta(minutes=10)

    desk.clock.advance(599)
    desk.sessions.check_step_up(opened.session, within)
    desk.clock.advance(1)
    with pytest.raises(StepUpRequired):
        desk.sessions.check_step_up(opened.session, within)
    await desk.sessions.step_up(opened.session)

    found = await desk.sessions.find(opened.secret)
    assert found is not None
    desk.sessions.check_step_up(found[0], within)
    with pytest.raises(NotFound):
        await desk.sessions.step_up(replace(opened.session, id=99))


async def test_what_browsers_say_of_themselves_is_cut(desk: Desk):
    opened = await desk.opened(await desk.user(), Visitor("fe80::1" * 20, "x\x00\ud800" * 200))

    assert len(opened.session.agent) == 255
    assert opened.session.agent[:3] == "x�?"
    assert len(opened.session.address or "") == 64
