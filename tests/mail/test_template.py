import pytest

from clinx.domain.console import Language
from clinx.mail.template import LONGEST_SUBJECT, Code, Lines, Link, Template, write

TEMPLATE = Template(
    "{service}: hello {name}",
    ("Dear {name} & all,", Link("Go there"), Code("Or type"), Lines("findings"), "Bye."),
)
VALUES = {"service": "Shop <1>", "name": "Ann"}


def test_both_bodies_say_the_same():
    values = {**VALUES, "link": "https://example.com/?a=1&b=2", "code": "123456", "findings": "one\n  two"}
    writing = write(TEMPLATE, Language.ENGLISH, values)

    assert writing.subject == "Shop <1>: hello Ann"
    assert writing.text == (
        "Dear Ann & all,\n\nGo there:\nhttps://example.com/?a=1&b=2\n\nOr type:\n\n    123456\n\n"
        "    one\n      two\n\nBye.\n\n-- \nShop <1>\n"
    )
    assert writing.html.splitlines()[1:3] == [
        '<html lang="en">',
        '<head><meta charset="utf-8"><title>Shop &lt;1&gt;: hello Ann</title></head>',
    ]
    assert "<p>Dear Ann &amp; all,</p>" in writing.html
    assert '<p><a href="https://example.com/?a=1&amp;b=2">Go there</a></p>' in writing.html
    assert ">123456</p>" in writing.html
    assert "<pre>one\n  two</pre>" in writing.html
    assert "Shop &lt;1&gt;</p>" in writing.html


def test_a_block_without_its_value_is_left_out():
    writing = write(TEMPLATE, Language.ENGLISH, {**VALUES, "link": "", "code": " \n"})

    assert writing.text == "Dear Ann & all,\n\nBye.\n\n-- \nShop <1>\n"
    assert "<a " not in writing.html
    assert "<pre>" not in writing.html


def test_a_missing_value_is_a_defect():
    with pytest.raises(ValueError, match=r"^values are missing: name, service$"):
        write(TEMPLATE, Language.ENGLISH, {"link": "https://example.com"})


@pytest.mark.parametrize("value", ['<script>alert("x")</script>', "<img src=x onerror=alert(1)>", "\"'><b>"])
def test_no_value_becomes_markup(value: str):
    values = {"service": value, "name": value, "link": f"https://example.com/{value}", "code": value, "findings": value}
    html = write(TEMPLATE, Language.ENGLISH, values).html

    assert value not in html
    for tag in ("<script", "<img", "<b>"):
        assert tag not in html


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//example.com", "https://e.com/ onclick=x", "http://[x"]
)
def test_what_is_no_address_of_a_page_leads_nowhere(address: str):
    html = write(TEMPLATE, Language.ENGLISH, {**VALUES, "link": address}).html

    assert "<a " not in html
    assert f"<p>Go there: {address}</p>" in html


def test_values_do_not_break_lines_or_turn_the_writing():
    writing = write(TEMPLATE, Language.CHINESE, {"service": "S", "name": "a\r\nBcc: b@example.com\x00\u202eevil\udc00"})

    assert writing.subject == "S: hello a Bcc: b@example.\u200bcom evil"
    assert writing.text.startswith("Dear a Bcc: b@example.\u200bcom evil & all,\n")
    assert '<html lang="zh">' in writing.html


def test_what_people_call_themselves_leads_nowhere():
    writing = write(
        TEMPLATE, Language.ENGLISH, {**VALUES, "name": "see http://evil.example/now", "link": "https://e.com"}
    )

    for body in (writing.subject, writing.text, writing.html):
        assert "see http:\u200b//evil.\u200bexample/now" in body
        assert "http://" not in body
    assert "https://e.com" in writing.text


def test_lines_keep_their_lines_and_nothing_else():
    text = write(TEMPLATE, Language.ENGLISH, {**VALUES, "findings": "a\r\nb\x1b[31m\u202ec\n"}).text

    assert "    a\n    b [31m c\n\nBye." in text


def test_braces_in_values_are_no_parameters():
    writing = write(TEMPLATE, Language.ENGLISH, {"service": "{name}", "name": "{service:__class__}"})

    assert writing.subject == "{name}: hello {service:__class__}"
    assert "<p>Dear {service:__class__} &amp; all,</p>" in writing.html


def test_a_subject_has_an_end():
    assert len(write(TEMPLATE, Language.ENGLISH, {**VALUES, "name": "n" * 1000}).subject) == LONGEST_SUBJECT


def test_a_template_knows_its_parameters():
    assert TEMPLATE.required == {"name"}
    assert TEMPLATE.optional == {"link", "code", "findings"}
