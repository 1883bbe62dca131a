from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from clinx.accounts import access_keys, users
from clinx.accounts.users import UserChanges
from clinx.domain.identity import Role, Status
from clinx.graphql.context import Viewer
from clinx.graphql.errors import Refusal, SignInFirst
from clinx.graphql.following import seats as rooms
from clinx.graphql.following.seats import MOST_OF_ONE, Seat, Seats
from clinx.graphql.permissions import permissions_of
from clinx.telemetry.tasks import Supervisor
from support.database import START
from support.operations import Api

NEVER = 3600.0


async def endless(ended: list[str]) -> AsyncGenerator[int]:
    """One event, and then silence."""
    try:
        yield 1
        await asyncio.Event().wait()
    finally:
        ended.append("ended")


async def next_of(events: AsyncGenerator[int]) -> int | None:
    """The next event; None when the seat was lost."""
    try:
        return await anext(events)
    except SignInFirst:
        return None


@pytest.fixture
def seats(api: Api, supervisor: Supervisor) -> Seats:
    return Seats(api.database, supervisor, now=api.clock.now, every=NEVER)


async def visitor(api: Api, role: Role = Role.USER) -> Viewer:
    found = (await api.visit(await api.user("ann", role=role))).viewer
    assert found is not None
    return found


async def stays(seats: Seats, seat: Seat) -> bool:
    await seats.look()
    return not seat._is_over


async def test_events_come_until_there_are_no_more(api: Api, seats: Seats):
    async def two() -> AsyncGenerator[int]:
        yield 1
        yield 2

    with seats.take(await visitor(api)) as seat:
        assert [event async for event in seat.while_taken(two())] == [1, 2]


async def test_what_fails_fails_as_it_did(api: Api, seats: Seats):
    async def late() -> AsyncGenerator[int]:
        yield 1
        raise TimeoutError

    with seats.take(await visitor(api)) as seat:
        events = seat.while_taken(late())
        await anext(events)
        with pytest.raises(TimeoutError):
            await anext(events)


async def test_silence_ends_with_the_seat(api: Api, seats: Seats, supervisor: Supervisor):
    ended: list[str] = []
    with seats.take(await visitor(api)) as seat:
        events = seat.while_taken(endless(ended))
        assert await anext(events) == 1
        waiting = supervisor.start(next_of(events), name="waiting")
        await asyncio.sleep(0)
        seat.end()

        assert await waiting is None

    assert ended == ["ended"]


async def test_a_seat_that_was_lost_gives_nothing_more(api: Api, seats: Seats):
    ended: list[str] = []
    with seats.take(await visitor(api)) as seat:
        events = seat.while_taken(endless(ended))
        await anext(events)
        seat.end()

        with pytest.raises(SignInFirst):
            await anext(events)

    assert ended == ["ended"]


async def test_whoever_is_signed_in_stays(api: Api, seats: Seats):
    viewer = await visitor(api)
    issued = await access_keys.issue(api.database, viewer.user, "key", ("self:read",), at=START, expires_at=None)
    by_key = Viewer(viewer.user, viewer.permissions, access_key=issued.key.id)

    with seats.take(viewer) as one, seats.take(by_key) as other:
        assert (await stays(seats, one), await stays(seats, other)) == (True, True)


@pytest.mark.parametrize("what", ["session", "all", "status", "role", "time", "user"])
async def test_whoever_is_not_any_more_goes(api: Api, seats: Seats, what: str):
    viewer = await visitor(api, Role.ADMIN)
    user, session = viewer.user, viewer.session
    assert session is not None
    if what == "user":
        viewer = replace(viewer, user=replace(user, id=99))

    with seats.take(viewer) as seat:
        if what == "session":
            await api.accounts.sessions.end(user, session)
        elif what == "all":
            await api.accounts.sessions.end_all(user)
        elif what == "status":
            await users.edit(api.database, user, UserChanges(status=Status.DISABLED), at=START)
        elif what == "role":
            await users.edit(api.database, user, UserChanges(role=Role.USER), at=START)
        elif what == "time":
            api.clock.advance(10**8)

        assert not await stays(seats, seat)


@pytest.mark.parametrize("what", ["revoked", "expired"])
async def test_a_key_that_is_none_any_more_goes(api: Api, seats: Seats, what: str):
    user = await api.user("ann")
    until = START.replace(month=2)
    issued = await access_keys.issue(api.database, user, "key", ("self:read",), at=START, expires_at=until)
    viewer = Viewer(user, permissions_of(user.role), access_key=issued.key.id)

    with seats.take(viewer) as seat:
        if what == "revoked":
            await access_keys.revoke_all(api.database, user, at=START)
        else:
            api.clock.advance(40 * 86_400)

        assert not await stays(seats, seat)


async def test_an_announcement_spares_the_wait(api: Api, seats: Seats):
    viewer = await visitor(api)
    with seats.take(viewer) as seat:
        await seats.look()
        await asyncio.sleep(0)
        events = seat.while_taken(endless([]))
        await anext(events)
        await api.accounts.sessions.end_all(viewer.user)
        seats.disturb("99")
        seats.disturb(str(viewer.user.id))

        with pytest.raises(SignInFirst):
            await anext(events)


async def test_a_session_follows_so_much(api: Api, seats: Seats):
    viewer = await visitor(api)
    other = replace(viewer, session=99)
    taken = [seats.take(viewer) for _ in range(MOST_OF_ONE)]
    for each in taken:
        each.__enter__()

    with pytest.raises(Refusal, match="Too much") as caught, seats.take(viewer):
        pass
    with seats.take(other):
        pass
    taken.pop().__exit__(None, None, None)
    with seats.take(viewer):
        pass
    for each in taken:
        each.__exit__(None, None, None)

    assert (caught.value.extensions or {})["code"] == "too_many_subscriptions"
    assert seats._count == {}


async def test_a_process_bears_so_many(api: Api, seats: Seats, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rooms, "MOST", 1)
    viewer = await visitor(api)

    with seats.take(viewer), pytest.raises(Refusal), seats.take(replace(viewer, session=99)):
        pass
