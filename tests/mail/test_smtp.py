import asyncio

import pytest

from clinx.domain.console import Mail, Security
from clinx.mail.envelope import Envelope
from clinx.mail.failures import MailFailed, Reason
from clinx.mail.smtp import Way, hand_over
from support.mail_server import USER, MailServer, authority

ENVELOPE = Envelope("no-reply@example.com", "ann@example.org", b"Subject: x\r\n\r\n.dot\r\nQUIT\r\n")
SOON = 0.2
"""Seconds after which a server that says nothing is given up."""


def way() -> Way:
    return Way(context=authority())


async def failing(mail: Mail, how: Way | None = None) -> MailFailed:
    with pytest.raises(MailFailed) as caught:
        await hand_over(mail, ENVELOPE, how or way())
    return caught.value


@pytest.mark.parametrize("security", Security)
async def test_an_envelope_arrives_as_it_is(security: Security):
    async with MailServer(security) as server:
        await hand_over(server.mail(), ENVELOPE, way())

    (received,) = server.received
    assert (received.sender, received.to) == ("no-reply@example.com", ["ann@example.org"])
    assert received.content == ENVELOPE.content
    assert received.is_protected is (security is not Security.NONE)
    assert server.asked[-1] == "QUIT"


async def test_the_user_signs_in_behind_starttls():
    async with MailServer(Security.STARTTLS, needs_login=True) as server:
        await hand_over(server.mail(), ENVELOPE, way())

    assert [(each.user, each.is_protected) for each in server.received] == [(USER, True)]


async def test_a_wrong_password_is_refused_and_not_repeated():
    async with MailServer(Security.STARTTLS, needs_login=True) as server:
        failure = await failing(server.mail(password="wrong"))

    assert (failure.reason, failure.code, failure.status, failure.is_temporary) == (
        Reason.REFUSED,
        535,
        "5.7.8",
        False,
    )
    assert server.received == []


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize("doubt", ["another name", "another authority"])
async def test_a_certificate_that_proves_nothing_gets_no_password_and_no_letter(security: Security, doubt: str):
    name = "elsewhere" if doubt == "another name" else "localhost"
    how = way() if doubt == "another name" else Way()
    async with MailServer(security, name=name, needs_login=security is Security.STARTTLS) as server:
        failure = await failing(server.mail(), how)

    assert (failure.reason, failure.is_temporary) == (Reason.UNPROTECTED, False)
    assert server.received == []


async def test_a_server_without_starttls_is_not_used_unprotected():
    async with MailServer(Security.NONE) as server:
        failure = await failing(server.mail(security=Security.STARTTLS))

    assert (failure.reason, failure.is_temporary) == (Reason.UNPROTECTED, False)
    assert "MAIL" not in server.asked


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("answer", "code", "status", "is_temporary"),
    [
        ("451 4.3.0 come back later", 451, "4.3.0", True),
        ("550 5.1.1 ann@example.org is unknown here", 550, "5.1.1", False),
        ("554 no", 554, None, False),
    ],
)
async def test_a_refusal_is_told_by_its_numbers(
    command: str, answer: str, code: int, status: str | None, is_temporary: bool
):
    async with MailServer() as server:
        server.answers[command] = [answer]
        failure = await failing(server.mail())

    assert (failure.reason, failure.code, failure.status) == (Reason.REFUSED, code, status)
    assert failure.is_temporary is is_temporary
    assert "ann" not in str(failure)
    assert server.received == []


async def test_nobody_at_the_address_may_be_there_later():
    async with MailServer() as server:
        mail = server.mail()
    failure = await failing(mail)

    assert (failure.reason, failure.code, failure.is_temporary) == (Reason.UNREACHABLE, None, True)


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "DATA"])
@pytest.mark.parametrize("how", [Way(step_seconds=SOON), Way(seconds=SOON)], ids=["a step", "the whole"])
async def test_a_server_that_says_nothing_is_given_up_and_not_asked_again(command: str, how: Way):
    async with MailServer() as server:
        server.silent_at = command
        failure = await failing(server.mail(), how)

    assert (failure.reason, failure.is_temporary) == (Reason.TIMEOUT, False)


async def test_a_server_that_never_greets_is_given_up():
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    mail = Mail("127.0.0.1", port, "no-reply@example.com", Security.NONE)
    failure = await failing(mail, Way(step_seconds=SOON))
    await gone.wait()
    listening.close()
    await listening.wait_closed()

    assert failure.reason is Reason.UNREACHABLE


async def test_a_server_that_hangs_up_in_the_middle_may_have_it():
    async with MailServer() as server:
        server.hangs_up_at = "DATA"
        failure = await failing(server.mail())

    assert (failure.reason, failure.is_temporary) == (Reason.BROKEN, False)


@pytest.mark.parametrize("command", ["silent_at", "hangs_up_at"])
async def test_what_happens_after_it_was_taken_does_not_matter(command: str):
    async with MailServer() as server:
        setattr(server, command, "QUIT")
        await hand_over(server.mail(), ENVELOPE, Way(step_seconds=SOON))

    assert len(server.received) == 1
