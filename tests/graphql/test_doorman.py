from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from multidict import CIMultiDict

from clinx.accounts import access_keys
from clinx.accounts.sessions import Visitor
from clinx.domain.identity import Role, Status
from clinx.graphql.doorman import Doorman
from clinx.graphql.permissions import Permission, permissions_of
from clinx.graphql.refused import Refused
from support.operations import Api


@dataclass
class Edge:
    """The edge of a browser that brings a cookie as it is."""

    secret: str | None = None

    def address(self, request: web.BaseRequest) -> str | None:
        del request
        return "192.0.2.9"

    def is_secure(self, request: web.BaseRequest) -> bool:
        del request
        return True

    def session_of(self, request: web.BaseRequest) -> str | None:
        del request
        return self.secret

    def set_session(self, response: web.StreamResponse, secret: str, *, secure: bool, seconds: int) -> None:
        raise AssertionError((response, secret, secure, seconds))


def request(**headers: str) -> Any:
    """A request as far as a doorman looks: headers need not be text."""
    return SimpleNamespace(headers=CIMultiDict({name.replace("_", "-"): each for name, each in headers.items()}))


def doorman(api: Api, secret: str | None = None) -> Doorman:
    return Doorman(api.services, Edge(secret))


async def opened(api: Api, **fields: Any) -> Any:
    user = await api.user(**fields)
    return await api.accounts.sessions.open(user, "password", Visitor(), lifetime=timedelta(days=1))


async def test_a_stranger_is_nobody(api: Api) -> None:
    assert await doorman(api).viewer(request()) is None
    assert await doorman(api, "none").viewer(request()) is None


async def test_a_session_is_its_user_s_with_all_that_the_role_brings(api: Api) -> None:
    session = await opened(api, role=Role.ADMIN)

    viewer = await doorman(api, session.secret).viewer(request())

    assert viewer is not None
    assert (viewer.user.name, viewer.session, viewer.access_key) == ("ann", session.session.id, None)
    assert viewer.permissions == permissions_of(Role.ADMIN)
    assert viewer.stepped_up_at == session.session.stepped_up_at
    assert viewer.actor == "user:ann"


async def test_a_demotion_counts_at_once(api: Api) -> None:
    session = await opened(api, role=Role.ADMIN)
    demoted = replace(session.user, role=Role.USER)
    await api.database.fetch('UPDATE "user" SET role = $1 WHERE id = $2', demoted.role.value, demoted.id)

    viewer = await doorman(api, session.secret).viewer(request())

    assert viewer is not None
    assert viewer.permissions == permissions_of(Role.USER)


async def test_who_is_disabled_is_nobody(api: Api) -> None:
    session = await opened(api)
    await api.database.fetch('UPDATE "user" SET status = $1 WHERE id = $2', Status.DISABLED.value, session.user.id)

    assert await doorman(api, session.secret).viewer(request()) is None


async def test_a_key_may_do_what_it_holds_of_what_its_owner_may(api: Api) -> None:
    user = await api.user(role=Role.USER)
    names = (Permission.SELF_READ, Permission.USER_READ, "no:such_thing")
    issued = await access_keys.issue(api.database, user, "robot", [str(each) for each in names], at=api.clock.now())

    viewer = await doorman(api, "cookie").viewer(request(Authorization=f"bEaReR  {issued.secret} "))

    assert viewer is not None
    assert (viewer.session, viewer.access_key, viewer.stepped_up_at) == (None, issued.key.id, None)
    assert viewer.permissions == {Permission.SELF_READ}
    assert viewer.actor == f"key:{issued.key.id}:ann"


@pytest.mark.parametrize("sent", ["ck-none", "sk-none", "\udcff", "x" * 10_000])
async def test_a_key_that_is_none_is_refused_whatever_else_is_sent(api: Api, sent: str) -> None:
    session = await opened(api)

    with pytest.raises(Refused) as caught:
        await doorman(api, session.secret).viewer(request(Authorization=f"Bearer {sent}"))

    assert (caught.value.status, caught.value.code) == (401, "unauthenticated")


async def test_another_scheme_says_nothing(api: Api) -> None:
    session = await opened(api)

    viewer = await doorman(api, session.secret).viewer(request(Authorization="Basic YTpi"))

    assert viewer is not None


@pytest.mark.parametrize(
    ("agent", "kept"), [("a browser", "a browser"), ("x" * 999, "x" * 255), ("\udcff\udcfe", "??")]
)
async def test_a_context_knows_where_somebody_comes_from(api: Api, agent: str, kept: str) -> None:
    context = await _context(api, request(User_Agent=agent))

    assert (context.address, context.agent, context.secure, context.request_id) == ("192.0.2.9", kept, True, "req-7")


@pytest.mark.parametrize(("secret", "told"), [(None, (False, None)), ("over", (True, ""))])
async def test_the_cookie_of_a_session_that_is_over_is_taken_away(api: Api, secret: str | None, told: Any) -> None:
    context = await _context(api, request(), secret)

    assert (context.viewer, context.session_ended, context.session_secret) == (None, *told)


async def test_that_of_a_session_that_lasts_is_not(api: Api) -> None:
    context = await _context(api, request(), (await opened(api)).secret)

    assert (context.signed_in.user.name, context.session_ended, context.session_secret) == ("ann", False, None)


async def _context(api: Api, sent: Any, secret: str | None = None) -> Any:
    class Served:
        snapshot = api.snapshot

    class Now:
        generation = Served()

    services = replace(api.services, current=Now())  # type: ignore[arg-type]
    return await Doorman(services, Edge(secret)).context(sent, "req-7", secure=True)
