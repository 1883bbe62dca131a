import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest

from clinx.domain.console import Webhook
from clinx.domain.identity import User
from clinx.domain.money import NANO, Amount
from clinx.notify.low_balance import EVERY, LowBalances
from clinx.storage.codec import micros
from clinx.storage.database import Database
from clinx.storage.program import Program, execute
from clinx.telemetry.tasks import Supervisor
from support.away import Away
from support.database import START, Clock, make_user
from support.mail_server import MailServer
from support.notifying import Posts
from support.webhook_site import WebhookSite, is_signed

ROUND = EVERY.total_seconds()
HOUR = timedelta(hours=1).total_seconds()


@pytest.fixture
def posts(clock: Clock, mail_server: MailServer) -> Posts:
    return Posts(clock, mail_server.mail())


async def watched(database: Database, name: str = "ann", **row: Any) -> User:
    """A user with 1 USD and a verified address who wants to be told below 2."""
    user = await make_user(database, name)
    values = {
        "email": f"{name}@example.org",
        "email_verified_at": micros(START),
        "low_balance_at": 2 * NANO,
        **row,
    }

    def program() -> Program[None]:
        for column, value in values.items():
            yield from execute(f'UPDATE "user" SET {column} = $2 WHERE id = $1', user.id, value)  # noqa: S608

    await database.atomically(program())
    await set_balance(database, user, "1")
    return user


async def set_balance(database: Database, user: User, balance: str) -> None:
    await database.atomically(
        execute("UPDATE account SET balance = $2 WHERE name = $1", user.account, Amount.parse(balance).nano)
    )


def watching(database: Any, posts: Posts, hook: Webhook | None = None) -> LowBalances:
    return LowBalances(
        cast("Database", database),
        posts.postman,
        posts.courier,
        posts.terms,
        lambda _id, _text: hook,
        now=posts.clock.now,
    )


async def told(database: Database, posts: Posts, hook: Webhook | None = None) -> int:
    """One round, with everything handed over."""
    async with posts.delivered():
        count = await watching(database, posts, hook).round()
    posts.clock.advance(ROUND)
    return count


async def test_who_has_little_left_is_told(database: Database, posts: Posts, mail_server: MailServer):
    await watched(database, display_name="Ann <b>")
    await watched(database, "bob", low_balance_at=NANO)

    assert await told(database, posts) == 1
    (received,) = mail_server.received
    assert received.to == ["ann@example.org"]
    plain, page = (part.get_content() for part in received.message.iter_parts())
    assert "Hello Ann <b>," in plain
    assert "your balance is 1 USD, which is less than the 2 USD" in plain
    assert "https://console.example.com" in plain
    assert "Hello Ann &lt;b&gt;," in page


async def test_in_their_language(database: Database, posts: Posts, mail_server: MailServer):
    await watched(database, language="zh")
    await told(database, posts)

    assert mail_server.received[0].message["Subject"] == "Example AI\uff1a您的余额不足"


async def test_by_their_webhook_as_well(database: Database, posts: Posts, mail_server: MailServer, site: WebhookSite):
    user = await watched(database, notify_webhook="sealed")
    opened: list[tuple[int, str]] = []

    def open_hook(user_id: int, text: str) -> Webhook:
        opened.append((user_id, text))
        return site.hook()

    async with posts.delivered():
        await LowBalances(database, posts.postman, posts.courier, posts.terms, open_hook, now=posts.clock.now).round()

    assert opened == [(user.id, "sealed")]
    assert len(mail_server.received) == 1
    (posted,) = site.received
    assert is_signed(posted)
    assert (posted.json["type"], posted.json["details"]["balance"]) == ("low_balance", "1 USD")


async def test_a_webhook_that_cannot_be_opened_is_a_line_in_the_log(
    database: Database, posts: Posts, caplog: pytest.LogCaptureFixture
):
    await watched(database, notify_email=False, notify_webhook="sealed")
    assert await told(database, posts) == 1

    assert [(each.message, each.__dict__["reason"]) for each in caplog.records] == [("webhook.failed", "sealed")]


async def test_once_for_each_crossing(database: Database, posts: Posts, mail_server: MailServer):
    user = await watched(database)
    assert [await told(database, posts) for _ in range(3)] == [1, 0, 0]

    posts.clock.advance(HOUR)
    assert await told(database, posts) == 0
    await set_balance(database, user, "10")
    assert await told(database, posts) == 0
    await set_balance(database, user, "1")
    assert await told(database, posts) == 1
    assert len(mail_server.received) == 2


async def test_but_not_more_often_than_the_tree_says(database: Database, posts: Posts, mail_server: MailServer):
    user = await watched(database)
    for _ in range(5):
        await set_balance(database, user, "1")
        await told(database, posts)
        await set_balance(database, user, "10")
        await told(database, posts)

    assert len(mail_server.received) == 1


async def test_one_process_does_a_round_for_all(
    database: Database, database_url: str, posts: Posts, mail_server: MailServer
):
    for name in ("ann", "bob", "cid"):
        await watched(database, name)
    other = await Database.connect(database_url)
    rounds = [watching(each, posts) for each in (database, other) for _ in range(2)]
    async with posts.delivered():
        counts = await asyncio.gather(*(each.round() for each in rounds))
    await other.close()

    assert sorted(counts) == [0, 0, 0, 3]
    assert sorted(each.to[0] for each in mail_server.received) == [
        "ann@example.org",
        "bob@example.org",
        "cid@example.org",
    ]


async def test_without_a_mail_server_people_are_told_when_there_is_one(
    database: Database, posts: Posts, mail_server: MailServer
):
    await watched(database)
    posts.mail = None
    assert await told(database, posts) == 0

    posts.mail = mail_server.mail()
    assert await told(database, posts) == 1


async def test_no_more_are_told_than_can_be_sent(database: Database, clock: Clock, mail_server: MailServer):
    posts = Posts(clock, mail_server.mail(), most=2)
    for name in ("ann", "bob", "cid"):
        await watched(database, name)

    assert [await told(database, posts) for _ in range(3)] == [2, 1, 0]
    assert len(mail_server.received) == 3


async def test_old_notes_go_and_those_of_low_balances_stay(database: Database, posts: Posts):
    await watched(database)
    await database.atomically(
        execute("INSERT INTO notice (receiver, kind, subject, at) VALUES ('mail:x', 'channel_opened', 'main', 0)")
    )
    await told(database, posts)

    kinds = [row[0] for row in await database.fetch("SELECT kind FROM notice ORDER BY kind")]
    assert kinds == ["low_balance", "low_balance.round"]


async def test_a_database_that_is_away_is_news_once(posts: Posts, caplog: pytest.LogCaptureFixture):
    away, supervisor = Away(), Supervisor()
    supervisor.start(watching(away, posts).keep(timedelta(0)), name="low balances", endless=True)
    await away.asked_twice.wait()
    await supervisor.close()

    assert [(each.message, each.__dict__["reason"]) for each in caplog.records] == [("notice.delayed", "away")]
