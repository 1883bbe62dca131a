import ipaddress
from dataclasses import replace
from typing import Any

import pytest

from clinx.accounts import identities, notification_settings
from clinx.domain.console import Webhook
from clinx.domain.identity import Role
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from support.database import START
from support.operations import RIGHT, Api

PROFILE = """
mutation ($input: ProfileUpdateInput!) {
  profileUpdate(input: $input) { user { displayName language version } errors { code } }
}"""
SETTINGS = """
mutation ($input: NotificationSettingsUpdateInput!) {
  notificationSettingsUpdate(input: $input) {
    notifications { lowBalanceAt byEmail hasWebhook } errors { code path parameters { name value } }
  }
}"""
UNBIND = "mutation ($input: IdentityUnbindInput!) { identityUnbind(input: $input) { done errors { code } } }"
ADDRESS = ("webhook_invalid", ["webhook", "url"], {"what": "url", "reason": "address"})
FORBIDDEN = ("webhook_invalid", ["webhook", "url"], {"what": "url", "reason": "forbidden"})
HOOK = {"url": "https://hooks.example.org/x", "secret": "hidden"}


async def test_a_profile_is_changed_where_something_is_said(api: Api):
    ann = await api.user("ann")

    async def update(**said: Any) -> Any:
        return (await api.do(ann, PROFILE, input=said))["user"]

    assert await update(displayName=" Ann ", language="CHINESE") == {
        "displayName": "Ann",
        "language": "CHINESE",
        "version": 2,
    }
    assert await update(displayName=None) == {"displayName": "", "language": "CHINESE", "version": 3}
    assert await update(language=None, expectedVersion=3) == {"displayName": "", "language": None, "version": 4}
    assert await api.failed(ann, PROFILE, input={"language": "ENGLISH", "expectedVersion": 3}) == "version_conflict"
    assert await api.failed(ann, PROFILE, input={"displayName": "x" * 65}) == "profile_invalid"
    assert (await api.current(ann)).language is None


async def test_nobody_is_called_like_the_house_or_like_a_link(api: Api):
    ann, admin = await api.user("ann"), await api.user("ada", role=Role.ADMIN)

    for name in ("Admin", "s.u.p.p.o.r.t", "\uff52\uff4f\uff4f\uff54"):
        assert await api.failed(ann, PROFILE, input={"displayName": name}) == "name_reserved"
    assert await api.failed(ann, PROFILE, input={"displayName": "http://evil.example"}) == "profile_invalid"
    assert (await api.current(ann)).display_name == ""
    assert (await api.do(admin, PROFILE, input={"displayName": "Support"}))["user"]["displayName"] == "Support"
    assert await api.failed(admin, PROFILE, input={"displayName": "evil.example"}) == "profile_invalid"


async def test_an_access_key_that_may_changes_a_profile(api: Api):
    ann = await api.user("ann")

    assert await api.refused(api.by_key(ann, Permission.SELF_READ), PROFILE, input={}) == "forbidden"
    both = api.by_key(ann, Permission.SELF_READ, Permission.SELF_WRITE)
    assert (await api.do(both, PROFILE, input={"displayName": "Ann"}))["user"]["displayName"] == "Ann"
    assert await api.refused(None, PROFILE, input={}) == "unauthenticated"


async def test_settings_are_changed_where_something_is_said(api: Api):
    ann = await api.user("ann")

    async def update(**said: Any) -> Any:
        return (await api.do(ann, SETTINGS, input=said))["notifications"]

    assert await update(lowBalanceAt="2.50") == {"lowBalanceAt": "2.5", "byEmail": True, "hasWebhook": False}
    assert await update(byEmail=False, webhook=HOOK) == {"lowBalanceAt": "2.5", "byEmail": False, "hasWebhook": True}
    kept = (await notification_settings.load(api.database, ann)).sealed_webhook
    assert kept is not None
    assert notification_settings.open_webhook(api.accounts.sealer, ann.id, kept) == Webhook(HOOK["url"], "hidden")
    assert await update(lowBalanceAt=None) == {"lowBalanceAt": None, "byEmail": False, "hasWebhook": True}
    assert await update(webhook=None) == {"lowBalanceAt": None, "byEmail": False, "hasWebhook": False}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"lowBalanceAt": "-1"}, ("profile_invalid", ["lowBalanceAt"], {"what": "low_balance_at"})),
        ({"webhook": {**HOOK, "url": "ftp://x"}}, ADDRESS),
        ({"webhook": {**HOOK, "url": "http://example.com/x"}}, ADDRESS),
        ({"webhook": {**HOOK, "url": "http://127.0.0.1:9000/x"}}, FORBIDDEN),
        ({"webhook": {**HOOK, "url": "https://10.0.0.1/x"}}, FORBIDDEN),
        (
            {"webhook": {**HOOK, "secret": "s" * 257}},
            ("webhook_invalid", ["webhook", "secret"], {"what": "secret", "most": "256"}),
        ),
    ],
    ids=["threshold", "scheme", "http", "loopback", "private", "secret"],
)
async def test_settings_that_make_no_sense_are_not_written(api: Api, said: dict[str, Any], told: Any):
    ann = await api.user("ann")
    before = await notification_settings.load(api.database, ann)

    payload = (await api.ask(ann, SETTINGS, input=said))["notificationSettingsUpdate"]

    assert payload["notifications"] is None
    assert [
        (each["code"], each["path"], {one["name"]: one["value"] for one in each["parameters"]})
        for each in payload["errors"]
    ] == [told]
    assert await notification_settings.load(api.database, ann) == before


async def test_the_tree_may_open_where_notices_go(api: Api):
    server = replace(api.snapshot.server, egress_allow=(ipaddress.ip_network("10.0.0.0/8"),))
    api.snapshot = replace(api.snapshot, server=server)

    payload = await api.do(await api.user("ann"), SETTINGS, input={"webhook": {**HOOK, "url": "https://10.0.0.1/x"}})

    assert payload["notifications"]["hasWebhook"] is True


async def test_no_secret_of_a_webhook_is_in_the_audit_log(api: Api):
    ann = await api.user("ann")

    await api.do(ann, SETTINGS, input={"webhook": HOOK})

    ((asked,),) = await api.database.fetch("SELECT input FROM audit_log")
    assert asked == '{"webhook":{"url":"[secret]","secret":"[secret]"}}'


async def test_an_identity_is_unbound_unless_it_is_the_last_way_in(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    bound = await identities.bind(api.database, ann, "github", "42", "ann", at=START)
    which = {"id": to_id("Identity", bound.id)}

    assert await api.failed(ann, UNBIND, input=which) == "last_way_in"
    await api.accounts.passwords.set(ann, RIGHT, at=START)
    assert await api.failed(bob, UNBIND, input=which) == "not_found"
    assert await api.failed(api.stale(ann), UNBIND, input=which) == "step_up_required"
    assert await api.refused(api.by_key(ann, Permission.SELF_WRITE), UNBIND, input=which) == "session_required"
    assert await identities.of_user(api.database, ann) == [bound]
    await api.do(ann, UNBIND, input=which)
    assert await identities.of_user(api.database, ann) == []
