from datetime import timedelta

from pyotp.totp import TOTP

from clinx.accounts import identities
from clinx.domain.identity import Role
from clinx.graphql.permissions import Permission
from clinx.graphql.sign_in.viewer import stepped_up_until
from support.database import START
from support.operations import RIGHT, Api

VIEWER = """
{ viewer {
    user { name } permissions balance { total held available } groups steppedUpUntil
    notifications { lowBalanceAt byEmail hasWebhook }
} }"""
PROOFS = """
{ viewer {
    hasPassword
    sessions { method isCurrent }
    secondFactors { factors { kind name usedAt } backupCodes kinds }
    identities { provider shown }
    accessKeys { name }
} }"""


async def test_strangers_are_nobody(api: Api):
    assert await api.ask(None, VIEWER) == {"viewer": None}


async def test_whoever_asks_sees_what_is_theirs(api: Api):
    ann = await api.user("ann", balance="2.50", group="vip")

    assert await api.ask(await api.visit(ann), VIEWER) == {
        "viewer": {
            "user": {"name": "ann"},
            "permissions": ["self:read", "self:write"],
            "balance": {"total": "2.5", "held": "0", "available": "2.5"},
            "groups": ["vip"],
            "steppedUpUntil": "2030-01-01T00:10:00Z",
            "notifications": {"lowBalanceAt": None, "byEmail": True, "hasWebhook": False},
        }
    }


async def test_operators_may_give_a_token_any_group(api: Api):
    admin = await api.user("admin", role=Role.ADMIN, group="vip")

    assert (await api.ask(admin, "{ viewer { groups } }")) == {"viewer": {"groups": ["vip", "default"]}}


async def test_a_group_that_the_tree_does_not_declare_is_none(api: Api):
    ann = await api.user("ann", group="gone")

    assert (await api.ask(ann, "{ viewer { groups } }")) == {"viewer": {"groups": []}}


async def test_what_proves_who_they_are_is_listed_without_secrets(api: Api):
    ann = await api.user("ann", password=RIGHT)
    await identities.bind(api.database, ann, "github", "42", "ann-on-github", at=START)
    setup = await api.accounts.factors.begin_totp(ann, "Clinx", "phone")
    await api.accounts.factors.confirm_totp(ann, setup.factor.id, TOTP(setup.secret).at(START))
    await api.accounts.factors.make_backups(ann)
    context = await api.visit(ann)
    await api.visit(ann)

    assert await api.ask(context, PROOFS) == {
        "viewer": {
            "hasPassword": True,
            "sessions": [{"method": "password", "isCurrent": False}, {"method": "password", "isCurrent": True}],
            "secondFactors": {
                "factors": [{"kind": "TOTP", "name": "phone", "usedAt": "2030-01-01T00:00:00Z"}],
                "backupCodes": 10,
                "kinds": ["TOTP", "BACKUP"],
            },
            "identities": [{"provider": "github", "shown": "ann-on-github"}],
            "accessKeys": [],
        }
    }


async def test_an_access_key_does_not_see_what_proves_who_its_owner_is(api: Api):
    ann = await api.user("ann")
    key = api.by_key(ann, Permission.SELF_READ)

    assert (await api.ask(key, VIEWER))["viewer"]["steppedUpUntil"] is None
    for field in ("hasPassword", "sessions { id }", "secondFactors { kinds }", "identities { id }"):
        assert await api.refused(key, f"{{ viewer {{ {field} }} }}") == "session_required"
    assert await api.refused(api.by_key(ann, Permission.USAGE_READ), VIEWER) == "forbidden"


async def test_a_proof_counts_for_a_while(api: Api):
    context = await api.visit(await api.user("ann"))

    for seconds, until in ((599, START + timedelta(minutes=10)), (1, START + timedelta(minutes=10)), (1, None)):
        api.clock.advance(seconds)
        assert stepped_up_until(context, context.signed_in) == until
    stale = api.stale(context.signed_in.user)
    assert stepped_up_until(stale, stale.signed_in) is None
