from clinx.domain.identity import NotificationSettings
from clinx.domain.money import Amount
from clinx.storage import notification_settings
from clinx.storage.database import Database
from support.database import make_user


async def test_settings_come_back_as_they_were_written(database: Database):
    user = await make_user(database)
    assert await notification_settings.load(database, user.id) == NotificationSettings(None, by_email=True)

    for settings in (
        NotificationSettings(Amount(5), by_email=False, sealed_webhook="sealed"),
        NotificationSettings(None, by_email=True, sealed_webhook=None),
    ):
        assert await database.atomically(notification_settings.save(user.id, settings)) is True
        assert await notification_settings.load(database, user.id) == settings


async def test_nobody_has_none(database: Database):
    assert await notification_settings.load(database, 99) is None
    assert await database.atomically(notification_settings.save(99, NotificationSettings())) is False
