import asyncio
import logging
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from clinx.domain.console import Language, Mail, Security
from clinx.domain.letter import Letter
from clinx.mail.failures import MailFailed, Reason
from clinx.mail.postman import Postman
from clinx.mail.smtp import Way
from clinx.telemetry.tasks import Supervisor
from support.database import START
from support.mail_server import MailServer, authority

LINK = "https://console.example.com/reset?secret=s3cr3t"
LETTER = Letter("ann@example.org", "reset_password", Language.ENGLISH, {"name": "Ann <b>&", "link": LINK})


@pytest_asyncio.fixture
async def server() -> AsyncGenerator[MailServer]:
    async with MailServer(Security.STARTTLS, needs_login=True) as opened:
        yield opened


def postman(mail: Mail | None, *, most: int = 10, counted: list[str] | None = None) -> Postman:
    way, count = Way(context=authority(), pause=0), ([] if counted is None else counted).append
    return Postman(lambda: mail, lambda: "Example AI", now=lambda: START, way=way, most=most, count=count)


def events(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, object]]]:
    names = ("template", "reason", "code", "status")
    records = [each for each in caplog.records if each.name == "clinx.mail"]
    return [(each.message, {name: vars(each)[name] for name in names if name in vars(each)}) for each in records]


async def test_a_letter_arrives_as_it_is_to_be_read(server: MailServer):
    await postman(server.mail()).deliver(LETTER)

    (received,) = server.received
    assert (received.sender, received.to, received.is_protected) == ("no-reply@example.com", ["ann@example.org"], True)
    message = received.message
    assert message["Subject"] == "Example AI: choose a new password"
    assert message["From"] == "Example AI <no-reply@example.com>"
    plain, page = (each.get_content() for each in message.iter_parts())
    assert "Hello Ann <b>&," in plain
    assert f"Choose a new password:\n{LINK}" in plain.replace("\r\n", "\n")
    assert "<p>Hello Ann &lt;b&gt;&amp;,</p>" in page
    assert f'<a href="{LINK}">' in page


async def test_it_is_written_in_the_language_of_the_letter(server: MailServer):
    chinese = Letter("ann@example.org", "reset_password", Language.CHINESE, LETTER.values)
    await postman(server.mail()).deliver(chinese)

    assert server.received[0].message["Subject"] == "Example AI\uff1a重置您的密码"


async def test_what_fails_for_the_moment_is_tried_once_more(server: MailServer):
    server.answers["RCPT"] = ["451 4.7.1 greylisted"]
    await postman(server.mail()).deliver(LETTER)

    assert len(server.received) == 1
    assert server.connections == 2


async def test_and_not_more_often(server: MailServer):
    server.answers["RCPT"] = ["451 4.7.1 greylisted", "450 4.2.0 still", "250 yes"]
    with pytest.raises(MailFailed, match=r"^refused \(450 4\.2\.0\)$"):
        await postman(server.mail()).deliver(LETTER)

    assert server.received == []


async def test_a_second_try_is_the_same_letter(server: MailServer):
    server.answers["DATA"] = ["451 4.3.0 disk full"]
    await postman(server.mail()).deliver(LETTER)

    first, second = server.offered
    assert first == second
    assert len(server.received) == 1


async def test_a_refusal_for_good_is_not_repeated(server: MailServer):
    server.answers["RCPT"] = ["550 5.1.1 unknown"]
    with pytest.raises(MailFailed, match=r"^refused \(550 5\.1\.1\)$"):
        await postman(server.mail()).deliver(LETTER)

    assert (server.connections, server.received) == (1, [])


@pytest.mark.parametrize("to", ["ann", "ann@example.org\r\nBcc: bob@example.org", "ann@example.org>, <bob@example.org"])
async def test_what_is_no_address_reaches_no_server(server: MailServer, to: str):
    with pytest.raises(MailFailed, match=r"^address$"):
        await postman(server.mail()).deliver(Letter(to, "reset_password", Language.ENGLISH, LETTER.values))

    assert server.connections == 0


async def test_a_sender_that_is_none_is_no_address_either(server: MailServer):
    with pytest.raises(MailFailed, match=r"^address$"):
        await postman(server.mail(sender="Example AI")).deliver(LETTER)


async def test_sending_returns_before_the_server_says_anything(server: MailServer, caplog: pytest.LogCaptureFixture):
    sending, supervisor = postman(server.mail()), Supervisor()
    with caplog.at_level(logging.INFO, "clinx.mail"):
        await sending.send(LETTER)
        assert server.connections == 0
        supervisor.start(sending.run(), name="post", endless=True)
        await sending.drain(10)
    await supervisor.close()

    assert len(server.received) == 1
    assert events(caplog) == [("mail.sent", {"template": "reset_password"})]
    assert "s3cr3t" not in caplog.text
    assert "ann@" not in caplog.text


async def test_a_failure_is_logged_and_the_next_letter_goes_on(server: MailServer, caplog: pytest.LogCaptureFixture):
    server.answers["RCPT"] = ["550 5.1.1 ann@example.org unknown"]
    counted: list[str] = []
    sending, supervisor = postman(server.mail(), counted=counted), Supervisor()
    with caplog.at_level(logging.INFO, "clinx.mail"):
        for _ in range(2):
            await sending.send(LETTER)
        supervisor.start(sending.run(), name="post", endless=True)
        await sending.drain(10)
    await supervisor.close()

    failed = {"template": "reset_password", "reason": "refused", "code": 550, "status": "5.1.1"}
    assert events(caplog) == [("mail.failed", failed), ("mail.sent", {"template": "reset_password"})]
    assert counted == ["failed", "sent"]
    assert "ann@" not in caplog.text


async def test_one_too_many_is_dropped_at_once(caplog: pytest.LogCaptureFixture):
    counted: list[str] = []
    sending = postman(None, most=2, counted=counted)
    for _ in range(3):
        await sending.send(LETTER)

    assert sending.room == 0
    assert counted == ["dropped"]
    assert events(caplog) == [("mail.dropped", {"template": "reset_password", "reason": "full"})]


async def test_without_a_server_nothing_is_offered_and_letters_are_dropped(caplog: pytest.LogCaptureFixture):
    sending, supervisor = postman(None), Supervisor()
    await sending.send(LETTER)
    supervisor.start(sending.run(), name="post", endless=True)
    await sending.drain(10)
    await supervisor.close()

    assert not sending.is_offered
    assert events(caplog) == [("mail.dropped", {"template": "reset_password", "reason": "not_configured"})]
    with pytest.raises(MailFailed) as caught:
        await sending.deliver(LETTER)
    assert caught.value.reason is Reason.NOT_CONFIGURED


async def test_the_server_is_the_one_that_is_configured_now(server: MailServer):
    configured: list[Mail | None] = [None]
    sending = Postman(lambda: configured[0], lambda: "Example AI", now=lambda: START, way=Way(context=authority()))
    assert not sending.is_offered

    configured[0] = server.mail()
    await sending.deliver(LETTER)

    assert sending.is_offered
    assert len(server.received) == 1


async def test_a_letter_that_nobody_wrote_is_refused_where_it_is_sent():
    with pytest.raises(ValueError, match="there is no letter 'love'"):
        await postman(None).send(Letter("ann@example.org", "love", Language.ENGLISH, {}))


async def test_a_server_that_hangs_does_not_keep_the_sender(server: MailServer):
    server.silent_at = "EHLO"
    way = Way(context=authority(), step_seconds=0.1, pause=0)
    sending = Postman(server.mail, lambda: "Example AI", now=lambda: START, way=way)
    supervisor = Supervisor()
    supervisor.start(sending.run(), name="post", endless=True)
    async with asyncio.timeout(10):
        await sending.send(LETTER)
        await sending.drain(10)
    await supervisor.close()

    assert server.received == []
