from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from clinx.accounts import tokens
from clinx.accounts.tokens import Limits
from clinx.domain.console import Console, Registration
from clinx.domain.identity import Role
from clinx.graphql.catalog.sight import group_seen, groups_seen, offered_models
from clinx.graphql.context import Context
from clinx.graphql.errors import Forbidden, Refusal, SignInFirst
from clinx.graphql.permissions import Permission
from support.station import Station


def with_console(context: Context, console: Console) -> Context:
    context.snapshot = replace(context.snapshot, console=console)
    return context


async def test_strangers_see_nothing_unless_prices_are_public(station: Station) -> None:
    with pytest.raises(SignInFirst):
        await groups_seen(station.context())

    public = Console(public_prices=True, registration=Registration(group="vip"))
    assert await groups_seen(with_console(station.context(), public)) == ["vip"]


async def test_users_see_their_own_group_and_those_of_their_tokens(station: Station) -> None:
    viewer = await station.viewer(Role.USER)
    assert await groups_seen(station.context(viewer)) == ["default"]

    now = station.clock.now()
    await tokens.issue(station.database, viewer.user, at=now, limits=Limits(group="vip"))
    assert await groups_seen(station.context(viewer)) == ["default", "vip"]


async def test_a_token_that_is_over_shows_nothing(station: Station) -> None:
    viewer = await station.viewer(Role.USER)
    ends = station.clock.now() + timedelta(seconds=1)
    await tokens.issue(
        station.database, viewer.user, at=station.clock.now(), limits=Limits(group="vip", expires_at=ends)
    )
    station.clock.advance(2)

    assert await groups_seen(station.context(viewer)) == ["default"]


async def test_operators_see_all_groups_their_own_first(station: Station) -> None:
    assert await groups_seen(station.context(await station.viewer(group="vip"))) == ["vip", "default"]


async def test_a_key_that_may_not_see_what_is_its_owner_s_sees_nothing(station: Station) -> None:
    with pytest.raises(Forbidden):
        await groups_seen(station.context(await station.key(Permission.TASK_READ)))


async def test_nobody_looks_as_a_group_that_they_do_not_see(station: Station) -> None:
    context = station.context(await station.viewer(Role.USER))

    with pytest.raises(Refusal) as refused:
        await group_seen(context, "vip")

    assert refused.value.extensions == {"code": "not_found", "parameters": {"kind": "group"}}
    own = await group_seen(context, None)
    assert own is not None
    assert own.name == "default"


async def test_a_group_that_the_tree_lost_offers_nothing(station: Station) -> None:
    viewer = await station.viewer(Role.USER, group="lost")

    assert await group_seen(station.context(viewer), None) is None


async def test_models_are_offered_under_the_names_that_are_asked_for(station: Station) -> None:
    context = station.context()

    names = [each.model.name for each in offered_models(context, context.snapshot.groups["default"])]

    assert names == ["fake-model", "free-model", "per-call"]
