from datetime import timedelta

import pytest

from clinx.domain.identity import Role
from clinx.graphql import step_up
from clinx.graphql.context import Context, Viewer
from clinx.graphql.errors import Problem
from clinx.graphql.permissions import permissions_of
from support.operations import Api


async def context(api: Api, ago: timedelta | None, *, session: int | None = 1) -> Context:
    user = await api.user("ann")
    proved = None if ago is None else api.services.now() - ago
    viewer = Viewer(user, permissions_of(Role.USER), session=session, stepped_up_at=proved)
    return api.context(viewer)


async def test_a_fresh_proof_lets_pass(api: Api) -> None:
    step_up.require(await context(api, timedelta(minutes=10)))


@pytest.mark.parametrize("ago", [timedelta(minutes=10, microseconds=1), None], ids=["late", "never"])
async def test_an_old_proof_does_not(api: Api, ago: timedelta | None) -> None:
    with pytest.raises(Problem) as caught:
        step_up.require(await context(api, ago))

    assert caught.value.code == "step_up_required"


async def test_an_access_key_was_made_by_somebody_who_had_proved_it(api: Api) -> None:
    step_up.require(await context(api, None, session=None))
