from dataclasses import replace

import pytest

from clinx.accounts import notification_settings, users
from clinx.accounts.failures import NotFound, ProfileInvalid, Unsealable, WebhookInvalid
from clinx.domain.console import Webhook
from clinx.domain.identity import NotificationSettings
from clinx.domain.money import Amount
from support.accounts import Desk
from support.database import START

WEBHOOK = Webhook("https://hooks.example.org/x?y=1", "s3cret")


async def test_settings_come_back_as_they_were_saved(desk: Desk):
    user = await desk.user()
    assert await notification_settings.load(desk.database, user) == NotificationSettings(None, by_email=True)
    sealed = notification_settings.seal_webhook(desk.sealer, user, WEBHOOK)
    settings = NotificationSettings(Amount.parse("2.5"), by_email=False, sealed_webhook=sealed)

    await notification_settings.save(desk.database, user, settings, at=START)

    assert await notification_settings.load(desk.database, user) == settings
    assert notification_settings.open_webhook(desk.sealer, user.id, sealed) == WEBHOOK
    assert (await users.find(desk.database, "ann")).version == user.version + 1


async def test_a_webhook_is_sealed_for_its_user(desk: Desk):
    user = await desk.user()
    sealed = notification_settings.seal_webhook(desk.sealer, user, WEBHOOK)

    assert "hooks" not in sealed + repr(NotificationSettings(sealed_webhook=sealed))
    with pytest.raises(Unsealable):
        notification_settings.open_webhook(desk.sealer, user.id + 1, sealed)


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://x.org", "https://", "https://u:p@x.org", "https://[", "https://x.org/" + "x" * 2048]
)
async def test_what_is_no_webhook_is_refused(desk: Desk, url: str):
    user = await desk.user()

    with pytest.raises(WebhookInvalid) as caught:
        notification_settings.seal_webhook(desk.sealer, user, Webhook(url, "s"))
    assert caught.value.parameters == {"what": "url", "reason": "address"}


async def test_a_secret_is_not_too_long(desk: Desk):
    user = await desk.user()

    with pytest.raises(WebhookInvalid) as caught:
        notification_settings.seal_webhook(desk.sealer, user, Webhook(WEBHOOK.url, "s" * 257))
    assert caught.value.parameters == {"what": "secret", "most": 256}


async def test_a_threshold_is_not_negative(desk: Desk):
    user = await desk.user()

    with pytest.raises(ProfileInvalid) as caught:
        await notification_settings.save(desk.database, user, NotificationSettings(Amount(-1)), at=START)
    assert caught.value.parameters == {"what": "low_balance_at"}
    assert (await notification_settings.load(desk.database, user)).low_balance_at is None


async def test_a_user_who_is_gone_has_none(desk: Desk):
    gone = replace(await desk.user(), id=99)

    with pytest.raises(NotFound):
        await notification_settings.load(desk.database, gone)
    with pytest.raises(NotFound):
        await notification_settings.save(desk.database, gone, NotificationSettings(), at=START)
