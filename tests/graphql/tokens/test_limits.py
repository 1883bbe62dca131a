import ipaddress
from datetime import timedelta
from typing import Any

import pytest

from clinx.accounts.failures import Several, TokenInvalid
from clinx.accounts.tokens import Limits
from clinx.domain.identity import Role
from clinx.domain.money import Amount
from clinx.graphql.errors import Problem
from clinx.graphql.tokens.limits import TagInput, TokenLimitsInput, limits_of, wanted
from support.database import START, make_token
from support.operations import Api

WHOLE = Limits(
    START + timedelta(days=1),
    frozenset({"small"}),
    "vip",
    (ipaddress.ip_network("10.0.0.0/8"),),
    Amount.parse("2"),
    {"team": "red"},
)


async def test_what_is_absent_stays(api: Api):
    ann = await api.user("ann")
    token = (await make_token(api.database, ann, limits=WHOLE)).token

    assert wanted(await api.visit(ann), ann, "default", TokenLimitsInput(), limits_of(token)) == WHOLE


async def test_what_is_null_or_empty_is_no_limit(api: Api):
    ann = await api.user("ann")
    asked = TokenLimitsInput(expires_at=None, models=None, group=None, networks=[], budget=None, tags=None)

    assert wanted(await api.visit(ann), ann, "default", asked, WHOLE) == Limits()


async def test_what_is_said_is_read(api: Api):
    admin = await api.user("admin", role=Role.ADMIN)
    asked = TokenLimitsInput(
        expires_at=WHOLE.expires_at,
        models=["small", "small"],
        group="vip",
        networks=["10.0.0.0/8", " 10.0.0.0/8"],
        budget=Amount.parse("2"),
        tags=[TagInput(name="team", value="red")],
    )

    assert wanted(await api.visit(admin), admin, "default", asked, Limits()) == WHOLE


async def test_a_group_is_given_by_operators(api: Api):
    ann, admin = await api.user("ann"), await api.user("admin", role=Role.ADMIN)
    vip, given = TokenLimitsInput(group="vip"), Limits(group="vip")

    with pytest.raises(Problem) as caught:
        wanted(await api.visit(ann), ann, "default", vip, Limits())
    assert (caught.value.code, caught.value.path) == ("group_not_yours", ("group",))
    assert wanted(await api.visit(admin), ann, "default", vip, Limits()) == given
    assert wanted(await api.visit(ann), ann, "default", vip, given) == given
    with pytest.raises(Problem) as caught:
        wanted(await api.visit(admin), ann, "default", TokenLimitsInput(group="gone"), Limits())
    assert caught.value.code == "group_unknown"


async def test_one_s_own_group_is_none_so_that_the_token_follows_its_owner(api: Api):
    vip = await api.user("vip", group="vip")

    assert (
        wanted(await api.visit(vip), vip, "default", TokenLimitsInput(group="vip"), Limits(group="default")) == Limits()
    )


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"models": [""]}, "models"),
        ({"models": ["x" * 256]}, "models"),
        ({"models": ["a\x00b"]}, "models"),
        ({"models": ["small"] * 1001}, "models"),
        ({"networks": ["10.0.0.1/8"]}, "networks"),
        ({"networks": ["10.0.0.0/8"] * 1001}, "networks"),
        ({"tags": [TagInput(name="", value="x")]}, "tags"),
        ({"tags": [TagInput(name="x", value="\ud800")]}, "tags"),
        ({"tags": [TagInput(name="x", value="1"), TagInput(name="x", value="2")]}, "tags"),
    ],
    ids=lambda value: value if isinstance(value, str) else "asked",
)
async def test_what_makes_no_sense_is_refused(api: Api, asked: dict[str, Any], what: str):
    ann = await api.user("ann")

    with pytest.raises(TokenInvalid) as caught:
        wanted(await api.visit(ann), ann, "default", TokenLimitsInput(**asked), Limits())
    assert caught.value.parameters["what"] == what


async def test_whatever_is_wrong_is_told_at_once(api: Api):
    ann = await api.user("ann")
    asked = TokenLimitsInput(networks=["x"], models=[""], expires_at=START, budget=Amount.parse("-1"))

    with pytest.raises(Several) as caught:
        wanted(await api.visit(ann), ann, "\n", asked, Limits())
    assert [each.parameters["what"] for each in caught.value.found] == [
        *("models", "networks"),
        *("name", "expires_at", "budget"),
    ]
