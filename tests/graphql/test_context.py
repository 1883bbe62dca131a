from dataclasses import replace

import pytest

from clinx.domain.identity import Role
from clinx.graphql.context import Context, Viewer
from clinx.graphql.permissions import Permission, permissions_of
from support.operations import Api


async def context(api: Api, role: Role | None = Role.USER) -> Context:
    viewer = None
    if role is not None:
        user = await api.user("ann", role=role)
        viewer = Viewer(user, permissions_of(role), session=1)
    return api.context(viewer)


async def test_an_operation_makes_each_loader_once(api: Api) -> None:
    one = await context(api, None)

    class Loader:
        def __init__(self, context: Context) -> None:
            self.context = context

    assert one.loader(Loader) is one.loader(Loader)
    assert one.loader(Loader).context is one


async def test_a_stranger_may_nothing(api: Api) -> None:
    one = await context(api, None)

    assert not one.may(Permission.SELF_READ)
    with pytest.raises(AssertionError):
        _ = one.signed_in


async def test_a_role_brings_what_one_may(api: Api) -> None:
    one = await context(api, Role.ADMIN)

    assert one.may(Permission.USER_READ)
    assert not one.may(Permission.USER_SET_ROLE)


async def test_history_tells_a_person_from_a_key(api: Api) -> None:
    viewer = (await context(api)).signed_in

    assert viewer.actor == "user:ann"
    assert replace(viewer, session=None, access_key=7).actor == "key:7:ann"


async def test_a_session_is_no_part_of_what_is_shown(api: Api) -> None:
    one = await context(api)
    one.session_secret = "s3cret"

    assert "s3cret" not in repr(one)
