import pytest

from clinx.mail.address import Mailbox, sender, wire_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann@example.com", "ann@example.com"),
        ("Ann.B+c_d@sub.example.com", "Ann.B+c_d@sub.example.com"),
        ("root@localhost", "root@localhost"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
    ],
)
def test_usual_addresses_pass(text: str, expected: str):
    assert wire_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "@example.com",
        "ann@",
        "a b@example.com",
        "ann@example.com\r\nRCPT TO:<bob@example.com>",
        "ann@example.com>\n",
        "ann@example.com, bob@example.com",
        "Ann <ann@example.com>",
        ".ann@example.com",
        "ann.@example.com",
        "a..b@example.com",
        "änn@example.com",
        '"ann"@example.com',
        "ann@-example.com",
        "ann@example..com",
        "ann@[127.0.0.1]",
        "ann@exa_mple.com",
        "ann@\u2028.example",
        "a" * 65 + "@example.com",
        "ann@" + ".".join(["a" * 60] * 5),
    ],
)
def test_anything_else_does_not(text: str):
    with pytest.raises(ValueError, match=r"^not an e-mail address$"):
        wire_address(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no-reply@example.com", Mailbox("", "no-reply@example.com")),
        ("Example AI <no-reply@example.com>", Mailbox("Example AI", "no-reply@example.com")),
        ('"Example, Inc." <no-reply@example.com>', Mailbox("Example, Inc.", "no-reply@example.com")),
        ("示例 <no-reply@example.com>", Mailbox("示例", "no-reply@example.com")),
    ],
)
def test_a_sender_may_have_a_name(text: str, expected: Mailbox):
    assert sender(text) == expected
    assert sender(text).domain == "example.com"


@pytest.mark.parametrize("text", ["", "Example AI", "<>", "Example <a b@example.com>"])
def test_a_sender_without_an_address_is_refused(text: str):
    with pytest.raises(ValueError, match=r"^not an e-mail address$"):
        sender(text)
