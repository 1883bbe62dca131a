from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.domain.console import Language
from clinx.mail.address import Mailbox
from clinx.mail.envelope import Envelope, seal
from clinx.mail.template import Code, Lines, Template, Writing, write
from support.database import START

WRITING = Writing("示例: hello", "Hello 安,\n\n.\nbye " + "long " * 300 + "\n", "<p>Hello 安</p>\n")
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
]
SENDER = Mailbox("示例, Inc.", "no-reply@example.com")


def sealed(writing: Writing = WRITING, to: str = "ann@example.org") -> Envelope:
    return seal(writing, to, SENDER, at=START, id_="0123abcd")


def test_a_letter_is_what_any_server_takes_and_any_reader_reads():
    envelope = sealed()

    assert (envelope.sender, envelope.to) == ("no-reply@example.com", "ann@example.org")
    assert envelope.content.isascii()
    assert max(map(len, envelope.content.split(b"\r\n"))) <= 76
    assert b"\n" not in envelope.content.replace(b"\r\n", b"")
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert dict(message.items()) == {
        "From": '"示例, Inc." <no-reply@example.com>',
        "To": "ann@example.org",
        "Subject": "示例: hello",
        "Date": "Tue, 01 Jan 2030 00:00:00 +0000",
        "Message-ID": "<0123abcd@example.com>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "MIME-Version": "1.0",
        "Content-Type": message["Content-Type"],
    }
    parts = [(each.get_content_type(), each.get_content().replace("\r\n", "\n")) for each in message.iter_parts()]
    assert parts == [("text/plain", WRITING.text), ("text/html", WRITING.html)]


def test_a_value_adds_no_header():
    template = Template("About {name}", ("{name}",))
    values = {"service": "S", "name": "x\r\nBcc: bob@example.org\r\n\r\nbody"}
    message = message_from_bytes(sealed(write(template, Language.ENGLISH, values)).content, policy=policy.default)

    assert message["Bcc"] is None
    assert message["Subject"] == "About x Bcc: bob@example.\u200borg body"


def test_an_address_adds_no_header_and_no_recipient():
    with pytest.raises(ValueError, match="not an e-mail address"):
        sealed(to="ann@example.org\r\nBcc: bob@example.org")


def test_what_is_in_it_is_not_shown():
    assert "hello" not in repr(sealed()).lower()


@given(name=st.text(max_size=300), service=st.text(max_size=60))
def test_whatever_people_are_called_a_letter_has_the_same_headers(name: str, service: str):
    template = Template("{service}: {name}", ("Hello {name},", Lines("name"), Code("Code", "name")))
    writing = write(template, Language.ENGLISH, {"service": service, "name": name})
    content = sealed(writing).content
    message = message_from_bytes(content, policy=policy.default)

    assert content.isascii()
    assert message.keys() == HEADERS
    assert "\n" not in writing.subject
    assert [each.get_content_type() for each in message.iter_parts()] == ["text/plain", "text/html"]
    assert not message.defects
