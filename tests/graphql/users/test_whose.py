import pytest

from clinx.accounts.failures import VersionConflict
from clinx.domain.identity import Role
from clinx.graphql.errors import Forbidden, InPerson, Problem
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from clinx.graphql.users import whose
from support.operations import Api


async def test_without_a_name_it_is_oneself(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    context = await api.visit(ann)

    assert whose.whose(context, None, Permission.TOKEN_READ) == ann.id
    assert whose.whose(context, to_id("User", ann.id), Permission.TOKEN_READ) == ann.id
    with pytest.raises(Forbidden):
        whose.whose(context, to_id("User", bob.id), Permission.TOKEN_READ)


async def test_operators_may_ask_about_others(api: Api):
    ann, admin = await api.user("ann"), await api.user("admin", role=Role.ADMIN)

    assert whose.whose(await api.visit(admin), to_id("User", ann.id), Permission.TOKEN_READ) == ann.id


@pytest.mark.parametrize(
    ("asking", "about", "code"),
    [
        (Role.ADMIN, Role.USER, None),
        (Role.ADMIN, Role.ADMIN, "role_too_low"),
        (Role.ADMIN, Role.ROOT, "role_too_low"),
        (Role.ROOT, Role.ADMIN, None),
        (Role.ROOT, Role.ROOT, None),
    ],
)
async def test_nobody_acts_on_those_who_are_not_below_them(api: Api, asking: Role, about: Role, code: str | None):
    one, other = await api.user("one", role=asking), await api.user("other", role=about)
    context = await api.visit(one)

    if code is None:
        assert await whose.subject(context, other.id) == other
        assert await whose.owner(context, other.id) == other
        return
    with pytest.raises(Problem) as caught:
        await whose.subject(context, other.id)
    assert (caught.value.code, caught.value.parameters) == (code, {"role": about.value})


async def test_one_s_own_things_are_one_s_own_whatever_the_role(api: Api):
    admin = await api.user("admin", role=Role.ADMIN)

    assert await whose.owner(await api.visit(admin), admin.id) == admin


async def test_who_is_not_there_is_not_found(api: Api):
    admin = await api.user("admin", role=Role.ADMIN)

    with pytest.raises(Problem) as caught:
        await whose.subject(await api.visit(admin), 999)
    assert caught.value.code == "not_found"


async def test_everyone_is_asked_about_by_operators_where_nobody_is_named(api: Api):
    ann, admin = await api.user("ann"), await api.user("admin", role=Role.ADMIN)
    wanted, of_ann = Permission.USAGE_READ, to_id("User", ann.id)

    assert whose.whose_or_everyones(await api.visit(admin), None, wanted, everyone=True) is None
    assert whose.whose_or_everyones(await api.visit(admin), of_ann, wanted, everyone=True) == ann.id
    assert whose.whose_or_everyones(await api.visit(ann), None, wanted, everyone=False) == ann.id
    with pytest.raises(Forbidden):
        whose.whose_or_everyones(await api.visit(ann), None, wanted, everyone=True)


async def test_access_keys_are_no_persons(api: Api):
    ann = await api.user("ann")

    whose.in_person(await api.visit(ann))
    with pytest.raises(InPerson):
        whose.in_person(api.by_key(ann, Permission.SELF_WRITE))


def test_a_change_finds_the_version_that_was_read():
    assert whose.checked_version(3, None) == 3
    assert whose.checked_version(3, 3) == 3
    for other in (2, 4):
        with pytest.raises(VersionConflict) as caught:
            whose.checked_version(3, other)
        assert caught.value.parameters == {"expected": other, "current": 3}


@pytest.mark.parametrize(("key", "number"), [("7", 7), ("x", None), ("", None), ("٣", None), ("9" * 19, None)])
def test_only_numbers_are_rows(key: str, number: int | None):
    assert whose.row_of(key) == number


def test_what_belongs_to_somebody_says_what_others_need():
    assert whose.either(Permission.TOKEN_READ).shown == (
        "For whoever has signed in; what is others' needs `token:read`."
    )
