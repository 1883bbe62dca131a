import logging
from datetime import timedelta
from typing import Any, cast

import pytest

from clinx.domain.console import Console, Language, Notifications
from clinx.notify.news import News, channel_opened
from clinx.notify.operators import MOST, Operators
from clinx.routing.circuit import Cause, State
from clinx.routing.way import Transition
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.telemetry.tasks import Supervisor
from support.away import Away
from support.database import Clock
from support.mail_server import MailServer
from support.notifying import Posts
from support.webhook_site import WebhookSite, is_signed

HOUR = timedelta(hours=1).total_seconds()


def opened(channel: str = "main", *, state: State = State.OPEN) -> Transition:
    return Transition(channel, "0123abcd", "gpt-4o", state, Cause.REFUSED, 30.0, held=True)


def operators(database: Any, posts: Posts) -> Operators:
    return Operators(cast("Database", database), posts.postman, posts.courier, posts.terms, now=posts.clock.now)


@pytest.fixture
def posts(clock: Clock, mail_server: MailServer) -> Posts:
    return Posts(clock, mail_server.mail())


async def told(database: Database, posts: Posts, news: News) -> int:
    async with posts.delivered():
        return await operators(database, posts).tell(news)


async def test_everybody_the_tree_names_is_told(
    database: Database, posts: Posts, mail_server: MailServer, site: WebhookSite
):
    posts.tell("ops@example.com", "boss@example.com", webhook=site.hook())
    assert await told(database, posts, channel_opened(opened())) == 3

    assert [each.to for each in mail_server.received] == [["ops@example.com"], ["boss@example.com"]]
    message = mail_server.received[0].message
    assert message["Subject"] == "Example AI: channel main is not used for now"
    (posted,) = site.received
    assert is_signed(posted)
    assert posted.json["details"] == {
        "channel": "main",
        "credential": "0123abcd",
        "model": "gpt-4o",
        "reason": "refused",
    }


async def test_nobody_is_told_where_nobody_is_named(database: Database, posts: Posts):
    assert await told(database, posts, channel_opened(opened())) == 0
    assert await database.fetch("SELECT * FROM notice") == []


async def test_the_language_is_the_consoles(database: Database, posts: Posts, site: WebhookSite):
    posts.console = Console(language=Language.CHINESE, notifications=Notifications(webhook=site.hook()))
    await told(database, posts, channel_opened(opened()))

    assert site.received[0].json["title"] == "Clinx\uff1a渠道 main 暂停使用"


async def test_the_same_is_told_now_and_then_only(database: Database, posts: Posts, clock: Clock):
    posts.tell("ops@example.com")
    news = channel_opened(opened())
    assert [await told(database, posts, each) for each in (news, news, channel_opened(opened("spare")))] == [1, 0, 1]

    clock.advance(HOUR - 1)
    assert await told(database, posts, news) == 0
    clock.advance(1)
    assert await told(database, posts, news) == 1


async def test_who_is_named_later_is_told_sooner(database: Database, posts: Posts, mail_server: MailServer):
    posts.tell("ops@example.com")
    await told(database, posts, channel_opened(opened()))
    posts.tell("ops@example.com", "new@example.com")
    assert await told(database, posts, channel_opened(opened())) == 1

    assert [each.to for each in mail_server.received] == [["ops@example.com"], ["new@example.com"]]


async def test_of_two_processes_one_tells(database: Database, database_url: str, posts: Posts, mail_server: MailServer):
    posts.tell("ops@example.com")
    other = await Database.connect(database_url)
    assert await told(database, posts, channel_opened(opened())) == 1
    assert await told(other, posts, channel_opened(opened())) == 0
    await other.close()

    assert len(mail_server.received) == 1


async def test_what_is_heard_in_passing_is_told_by_the_task(database: Database, posts: Posts, mail_server: MailServer):
    posts.tell("ops@example.com")
    hearing, supervisor = operators(database, posts), Supervisor()
    for _ in range(3):
        hearing.opened(opened())
    hearing.opened(opened("spare", state=State.CLOSED))
    hearing.opened(opened("spare", state=State.HALF_OPEN))
    hearing.reload_failed("r2", ["gateway.yaml:1:1 E101 broken YAML"])
    async with posts.delivered():
        supervisor.start(hearing.run(), name="operators", endless=True)
        await hearing.drain(10)
    await supervisor.close()

    assert [each.message["Subject"] for each in mail_server.received] == [
        "Example AI: channel main is not used for now",
        "Example AI: the configuration was not loaded",
    ]
    text = mail_server.received[1].content.decode()
    assert "Revision r2 of the configuration was not loaded." in text
    assert "    gateway.yaml:1:1 E101 broken YAML" in text


async def test_what_waits_is_heard_once_and_has_an_end(
    database: Database, posts: Posts, caplog: pytest.LogCaptureFixture
):
    hearing = operators(database, posts)
    for number in range(MOST):
        for _ in range(2):
            hearing.opened(opened(f"c{number}"))
    assert caplog.records == []

    hearing.opened(opened("one too many"))
    assert [(each.message, each.__dict__["kind"], each.__dict__["reason"]) for each in caplog.records] == [
        ("notice.dropped", "channel_opened", "full")
    ]


async def test_a_database_that_is_away_costs_a_line_and_no_more(posts: Posts, caplog: pytest.LogCaptureFixture):
    posts.tell("ops@example.com")
    hearing, supervisor = operators(Away(), posts), Supervisor()
    with pytest.raises(StorageUnavailable):
        await hearing.tell(channel_opened(opened()))
    hearing.opened(opened())
    hearing.opened(opened("spare"))
    with caplog.at_level(logging.INFO):
        supervisor.start(hearing.run(), name="operators", endless=True)
        await hearing.drain(10)
    await supervisor.close()

    assert [(each.message, each.__dict__["reason"]) for each in caplog.records] == [("notice.dropped", "away")] * 2
    assert posts.postman.room == posts.most
