from __future__ import annotations

import pytest

from clinx.config.console_addresses import (
    chat_link_problem,
    email_problem,
    is_domain,
    is_loopback,
    origin,
    origin_problem,
    page_problem,
    picture_problem,
    sender_problem,
)

NOT_SAFE = "must start with https:// (http:// is for this machine)"
NO_EMAIL = "is not an e-mail address"
NO_SCHEME = "must start with https:// or with the scheme of an app, such as app://"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "::1", "[::1]"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "example.com", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "0.0.0.0"]
)
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("https://console.example.com", None),
        ("https://example.com/console/", None),
        ("http://localhost:3000", None),
        ("http://[::1]:3000", None),
        ("http://example.com", NOT_SAFE),
        ("http://localhost@example.com", "must not hold a user name or password"),
        ("https://example.com/?a=b", "must not have a query or fragment"),
        ("console.example.com", "must start with http:// or https:// and name a host"),
    ],
)
def test_pages(text: str, problem: str | None) -> None:
    assert page_problem(text) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("https://example.com/qr.png?size=200&of=a?b", None),
        ("https://example.com?size=200", None),
        ("http://example.com?x=localhost", NOT_SAFE),
        ("https://example.com/qr.png#a", "must not have a query or fragment"),
        ("https://example.com/qr.png?a b", "must not contain spaces"),
    ],
)
def test_pictures_may_have_a_query(text: str, problem: str | None) -> None:
    assert picture_problem(text) == problem


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("https://admin.example.com", "https://admin.example.com"),
        ("HTTPS://Admin.Example.com:443", "https://admin.example.com"),
        ("https://admin.example.com:8443", "https://admin.example.com:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_origin_is_written_as_browsers_do(text: str, written: str) -> None:
    assert origin_problem(text) is None
    assert origin(text) == written


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("https://example.com/", "must end after the host or its port"),
        ("https://example.com/path", "must end after the host or its port"),
        ("https://example.com?", "must end after the host or its port"),
        ("https://example.com#", "must end after the host or its port"),
        ("https://example.com?a", "must not have a query or fragment"),
        ("http://example.com", NOT_SAFE),
        ("https://*.example.com", "is not an address"),
        ("*", "must start with http:// or https:// and name a host"),
        ("null", "must start with http:// or https:// and name a host"),
    ],
)
def test_what_is_no_origin(text: str, problem: str) -> None:
    assert origin_problem(text) == problem


@pytest.mark.parametrize("text", ["example.com", "a-b.example", "xn--bcher-kva.example", "EXAMPLE.com", "a.b.c.d"])
def test_domains(text: str) -> None:
    assert is_domain(text)


@pytest.mark.parametrize(
    "text",
    ["", "example", "-a.example", "a-.example", "a..example", ".example.com", "example.com.", "a b.example",
     "@example.com", "bücher.example", "example.com\n", f"{'a' * 64}.example", ".".join(["a" * 60] * 5)],
)  # fmt: skip
def test_what_is_no_domain(text: str) -> None:
    assert not is_domain(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ops@example.com", None),
        ("first.last+tag@mail.example.com", None),
        ("root@localhost", None),
        (f"{'a' * 64}@example.com", None),
        (f"{'a' * 65}@example.com", "is too long for an e-mail address"),
        (f"a@{'.'.join(['a' * 60] * 5)}", "is too long for an e-mail address"),
        ("ops", NO_EMAIL),
        ("@example.com", NO_EMAIL),
        ("ops@", NO_EMAIL),
        ("ops@example", NO_EMAIL),
        (".ops@example.com", NO_EMAIL),
        ("o..ps@example.com", NO_EMAIL),
        ("o ps@example.com", NO_EMAIL),
        ("a@b@example.com", NO_EMAIL),
        ("ops@example.com\nBcc: x@example.com", NO_EMAIL),
        ("<ops@example.com>", NO_EMAIL),
        ("ops@[127.0.0.1]", NO_EMAIL),
    ],
)
def test_emails(text: str, problem: str | None) -> None:
    assert email_problem(text) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no-reply@example.com", None),
        ("Example <no-reply@example.com>", None),
        ("Example AI, Inc. <no-reply@example.com>", None),
        ("示例<no-reply@example.com>", None),
        ("Example <no-reply>", NO_EMAIL),
        ("Example no-reply@example.com", NO_EMAIL),
        ("<no-reply@example.com>", NO_EMAIL),
        ('"Example" <no-reply@example.com>', NO_EMAIL),
        ("Example\r\nBcc: x <no-reply@example.com>", NO_EMAIL),
        ("Example <no-reply@example.com> ", NO_EMAIL),
        ("A <a@example.com> <b@example.com>", NO_EMAIL),
    ],
)
def test_senders(text: str, problem: str | None) -> None:
    assert sender_problem(text) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("https://chat.example.com/#/?settings={key}&url={address}", None),
        ('https://chat.example.com/#/?settings={"key":"{key}","url":"{address}"}', None),
        ("http://192.168.1.2:3000/?key={key}", None),
        ("opencat://team/join?domain={address}&token={key}", None),
        ("ama.app+v1.2-x:set?key={key}", None),
        ("https://chat.example.com/", "must hold {key}, where the key belongs"),
        ("https://chat.example.com/{ key }", "must not contain spaces"),
        ("https:///{key}", "must name a host"),
        ("https:{key}", "must name a host"),
        ("https://[{key}", "must name a host"),
        ("javascript:alert('{key}')", "must not start with javascript:"),
        ("data:text/html,{key}", "must not start with data:"),
        ("vbscript:{key}", "must not start with vbscript:"),
        ("file:///{key}", "must not start with file:"),
        ("JavaScript:alert('{key}')", NO_SCHEME),
        ("java\tscript:alert('{key}')", "must not contain spaces"),
        ("\x01javascript:alert('{key}')", "must not contain spaces"),
        ("//chat.example.com/{key}", NO_SCHEME),
        ("chat.example.com/{key}", NO_SCHEME),
        ("{address}/chat?key={key}", NO_SCHEME),
    ],
)
def test_chat_links(text: str, problem: str | None) -> None:
    assert chat_link_problem(text) == problem
