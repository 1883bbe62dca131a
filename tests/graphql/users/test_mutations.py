from typing import Any

import pytest

from clinx.accounts import access_keys
from clinx.accounts.sessions import Visitor
from clinx.domain.identity import Role, Status
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from clinx.storage import access_keys as stored_keys
from clinx.storage import users as stored_users
from support.database import START
from support.operations import RIGHT, Api

CREATE = """
mutation ($input: UserCreateInput!) {
  userCreate(input: $input) { user { name role group displayName version } errors { code path } }
}"""
UPDATE = """
mutation ($input: UserUpdateInput!) {
  userUpdate(input: $input) { user { role status group displayName version } errors { code } }
}"""
OUT = """
mutation ($input: UserSignOutEverywhereInput!) {
  userSignOutEverywhere(input: $input) { user { name } errors { code } }
}"""
FACTORS = """
mutation ($input: UserResetSecondFactorsInput!) {
  userResetSecondFactors(input: $input) { user { name } errors { code } }
}"""
RESET = (
    "mutation ($input: UserPasswordResetInput!) { userPasswordReset(input: $input) { secret link errors { code } } }"
)
SET = "mutation ($input: PasswordResetInput!) { passwordReset(input: $input) { done errors { code } } }"


def about(user: Any, **more: Any) -> dict[str, Any]:
    return {"id": to_id("User", user.id), **more}


async def test_an_admin_makes_a_user(api: Api):
    admin = await api.user("admin", role=Role.ADMIN)

    made = await api.do(admin, CREATE, input={"name": "ann", "group": "vip", "displayName": " Ann B. "})

    assert made["user"] == {"name": "ann", "role": "USER", "group": "vip", "displayName": "Ann B.", "version": 2}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"name": "a b"}, "name_invalid"),
        ({"name": "taken"}, "name_taken"),
        ({"name": "ann", "group": "gone"}, "group_unknown"),
        ({"name": "ann", "displayName": "x" * 65}, "profile_invalid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "asked",
)
async def test_a_user_that_makes_no_sense_is_not_made(api: Api, asked: dict[str, Any], code: str):
    admin, _ = await api.user("admin", role=Role.ADMIN), await api.user("taken")

    assert await api.failed(admin, CREATE, input=asked) == code
    assert await stored_users.find(api.database, "ann") is None


async def test_only_root_says_what_roles_users_have(api: Api):
    admin, root, ann = (
        await api.user("admin", role=Role.ADMIN),
        await api.user("root", role=Role.ROOT),
        await api.user("ann"),
    )

    assert await api.refused(admin, CREATE, input={"name": "eve", "role": "ADMIN"}) == "forbidden"
    assert await api.refused(admin, UPDATE, input=about(ann, role="ADMIN")) == "forbidden"
    assert await api.failed(api.stale(root), UPDATE, input=about(ann, role="ADMIN")) == "step_up_required"
    assert (await api.current(ann)).role is Role.USER
    made = await api.do(root, CREATE, input={"name": "eve", "role": "ADMIN"})
    assert made["user"]["role"] == "ADMIN"
    assert (await api.do(root, UPDATE, input=about(ann, role="ADMIN")))["user"]["role"] == "ADMIN"


async def test_a_user_is_changed_where_something_is_said(api: Api):
    admin, ann = await api.user("admin", role=Role.ADMIN), await api.user("ann")

    one = await api.do(admin, UPDATE, input=about(ann, group="vip", displayName="Ann", expectedVersion=1))
    two = await api.do(admin, UPDATE, input=about(ann, displayName=None))

    assert one["user"] == {"role": "USER", "status": "ACTIVE", "group": "vip", "displayName": "Ann", "version": 2}
    assert two["user"] == {"role": "USER", "status": "ACTIVE", "group": "vip", "displayName": "", "version": 3}


async def test_a_change_of_what_was_changed_since_is_refused(api: Api):
    admin, ann = await api.user("admin", role=Role.ADMIN), await api.user("ann")
    await api.do(admin, UPDATE, input=about(ann, group="vip"))

    for version in (1, 3):
        code = await api.failed(admin, UPDATE, input=about(ann, group="default", expectedVersion=version))
        assert code == "version_conflict"
    assert (await api.current(ann)).group == "vip"


async def test_a_disabled_user_s_sessions_end(api: Api):
    admin, ann = await api.user("admin", role=Role.ADMIN), await api.user("ann")
    lasts = api.snapshot.console.sign_in.session
    opened = await api.accounts.sessions.open(ann, "password", Visitor(), lifetime=lasts)

    await api.do(admin, UPDATE, input=about(ann, status="DISABLED"))
    await api.do(admin, UPDATE, input=about(ann, status="ACTIVE"))

    assert await api.accounts.sessions.find(opened.secret) is None


async def test_nobody_changes_their_own_role_or_status(api: Api):
    root = await api.user("root", role=Role.ROOT)

    for asked in ({"role": "USER"}, {"status": "DISABLED"}):
        assert await api.failed(root, UPDATE, input=about(root, **asked)) == "not_yourself"
    assert (await api.do(root, UPDATE, input=about(root, group="vip", role="ROOT")))["user"]["group"] == "vip"


@pytest.mark.parametrize("text", [UPDATE, OUT, FACTORS, RESET], ids=["update", "sign out", "factors", "password"])
async def test_an_admin_acts_on_no_other_admin_and_a_user_on_nobody(api: Api, text: str):
    admin, other = await api.user("admin", role=Role.ADMIN), await api.user("other", role=Role.ADMIN)
    root, ann = await api.user("root", role=Role.ROOT), await api.user("ann")

    for whom in (other, root, admin):
        assert await api.failed(admin, text, input=about(whom)) == "role_too_low"
    assert await api.failed(admin, text, input={"id": to_id("User", 999)}) == "not_found"
    assert await api.failed(admin, text, input={"id": "nonsense"}) == "invalid_id"
    assert await api.refused(ann, text, input=about(ann)) == "forbidden"
    assert await api.refused(None, text, input=about(ann)) == "unauthenticated"


async def test_a_user_is_signed_out_everywhere(api: Api):
    admin, ann = await api.user("admin", role=Role.ADMIN), await api.user("ann")
    lasts = api.snapshot.console.sign_in.session
    opened = await api.accounts.sessions.open(ann, "password", Visitor(), lifetime=lasts)
    key = await access_keys.issue(api.database, ann, "key", ["self:read"], at=START)

    await api.do(admin, OUT, input=about(ann))
    assert await api.accounts.sessions.find(opened.secret) is None
    assert await access_keys.find(api.database, key.secret, at=START) is not None

    await api.do(admin, OUT, input=about(ann, accessKeys=True))
    assert await access_keys.find(api.database, key.secret, at=START) is None
    assert [each.revoked_at for each in await stored_keys.of_user(api.database, ann.id)] == [START]


async def test_second_factors_are_reset_for_somebody_who_lost_theirs(api: Api):
    admin, ann = await api.user("admin", role=Role.ADMIN), await api.user("ann")
    await api.accounts.factors.make_backups(ann)

    assert await api.failed(api.stale(admin), FACTORS, input=about(ann)) == "step_up_required"
    assert (await api.accounts.factors.held(ann)).backups == 10
    await api.do(admin, FACTORS, input=about(ann))
    assert (await api.accounts.factors.held(ann)).backups == 0


async def test_a_user_chooses_a_password_by_what_an_admin_hands_over(api: Api):
    admin, ann = await api.user("admin", role=Role.ADMIN), await api.user("ann")

    made = await api.do(admin, RESET, input=about(ann))

    assert made["link"] == f"https://console.example.org/reset-password#token={made['secret']}"
    await api.do(None, SET, input={"secret": made["secret"], "password": RIGHT})
    assert await api.accounts.passwords.is_right(await api.current(ann), RIGHT)
    assert await api.failed(api.stale(admin), RESET, input=about(ann)) == "step_up_required"


async def test_without_a_frontend_there_is_only_the_secret(api: Api):
    admin, ann = await api.user("admin", role=Role.ADMIN), await api.user("ann")
    api.set(url=None, address=None)

    made = await api.do(admin, RESET, input=about(ann))

    assert (made["link"], len(made["secret"])) == (None, 43)


async def test_credentials_take_a_person(api: Api):
    root, ann = await api.user("root", role=Role.ROOT), await api.user("ann")
    key = api.by_key(root, Permission.USER_WRITE, Permission.USER_READ)

    assert (await api.do(key, UPDATE, input=about(ann, group="vip")))["user"]["group"] == "vip"
    for text in (FACTORS, RESET):
        assert await api.refused(key, text, input=about(ann)) == "session_required"
    assert await api.refused(key, UPDATE, input=about(ann, role="ADMIN")) == "forbidden"
    assert (await api.current(ann)).status is Status.ACTIVE


async def test_what_was_changed_is_written_into_the_audit_log(api: Api):
    admin, ann = await api.user("admin", role=Role.ADMIN), await api.user("ann")

    await api.do(admin, UPDATE, input=about(ann, group="vip"))

    rows = await api.database.fetch("SELECT actor, operation, before_json, after_json FROM audit_log")
    assert [tuple(row) for row in rows] == [("user:admin", "userUpdate", '{"group":"default"}', '{"group":"vip"}')]
