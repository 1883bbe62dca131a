from __future__ import annotations

import pytest

from clinx.domain.identity import Role
from clinx.graphql.revisions import subscriptions
from support.station import Station

CHANGED = "subscription { revisionChanged { revision lastLook { ok } } }"


async def test_a_change_of_what_is_served_is_told(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "LOOK_SECONDS", 0)
    looks = iter([("old",), ("old",), ("new",)])
    monkeypatch.setattr(subscriptions, "_state", lambda _: next(looks))
    changes = station.follow(CHANGED, await station.viewer())

    told = await anext(changes)
    await changes.aclose()

    revision = station.current.snapshot.revision.id
    assert told == ({"revisionChanged": {"revision": revision, "lastLook": {"ok": True}}}, [])
    assert next(looks, None) is None


async def test_what_is_served_is_followed_by_operators(station: Station) -> None:
    [(_, errors)] = [answer async for answer in station.follow(CHANGED, await station.viewer(Role.USER))]

    assert [error["code"] for error in errors] == ["forbidden"]
