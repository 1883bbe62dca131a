from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clinx.config.compile import Compiled, compile_tree
from clinx.config.console import WAYS
from clinx.config.secrets import PLACEHOLDER, SecretResolver
from clinx.config.tree import default_tree, read_tree
from clinx.dialects.registry import DIALECTS
from clinx.domain.console import (
    Announcement,
    ChatLink,
    Console,
    EmailRule,
    Keep,
    Language,
    Mail,
    Notifications,
    OAuthApp,
    OidcIssuer,
    Registration,
    SecondPerson,
    Security,
    SignIn,
    TelegramBot,
    Webhook,
    WeChatServer,
)
from clinx.domain.money import Amount
from support.tree import AT, ENVIRON, SMALL, compile_files, findings

KEY = '"${env:UPSTREAM_KEY}"'
SECRET, SECRET_B = ENVIRON["UPSTREAM_KEY"], ENVIRON["UPSTREAM_KEY_B"]
ISSUER = f"{{issuer: https://id.example.com, client_id: x, client_secret: {KEY}}}"
REFERENCE = Path(__file__).parents[1] / "goldens" / "reference"


def tree(section: str) -> dict[str, str]:
    """A small tree with this console, and a group."""
    return {"gateway.yaml": f"{SMALL}groups: {{vip: {{}}}}\nconsole:\n{section}\n"}


def compiled(folder: Path, section: str) -> Console:
    return compile_files(folder, tree(section)).snapshot.console


def said(folder: Path, section: str) -> list[str]:
    """What was found about a console, with its lines counted from the one under ``console:``."""
    found = findings(folder, tree(section))
    return [f"{each.line - 7}:{each.column} {each.code} {each.message}" for each in found if each.code != "W208"]


@pytest.mark.parametrize("text", ["", "console:\n", "console: {}\n", "console: {sign_in: , keep: , mail: , url: ~}\n"])
def test_what_is_absent_has_a_default(tmp_path: Path, text: str) -> None:
    files = {"gateway.yaml": SMALL + text}

    assert compile_files(tmp_path, files).snapshot.console == Console()


def test_names_are_reserved_until_the_tree_reserves_none(tmp_path: Path) -> None:
    assert {"root", "admin", "support", "system"} < Console().reserved_names
    assert compiled(tmp_path, "  reserved_names: []").reserved_names == frozenset()


def test_a_second_person_waits_three_days_and_is_asked_above_an_amount(tmp_path: Path) -> None:
    assert compiled(tmp_path, '  second_person: {above: "0"}').second_person == SecondPerson(
        Amount(0), timedelta(days=3)
    )
    assert said(tmp_path / "none", "  second_person: {within: 1d}") == ['1:18 E302 missing key "above"']


def test_registration_is_closed_until_it_is_opened() -> None:
    assert not Console().registration.open


def test_everything_that_can_be_said_is_compiled(tmp_path: Path) -> None:
    section = f"""\
  name: Example AI
  language: zh
  url: https://console.example.com/
  address: https://api.example.com/
  origins: [https://Admin.example.com:443, http://localhost:3000, https://admin.example.com]
  public_prices: true
  registration: {{open: true, email: required, domains: [Example.com, example.com], group: vip}}
  sign_in:
    password: false
    passkeys: true
    session: 7d
    step_up: 5m
    github: {{client_id: Iv1.x, client_secret: {KEY}}}
    linuxdo: {{client_id: l, client_secret: {KEY}}}
    telegram: {{bot: example_bot, token: {KEY}}}
    wechat: {{url: https://wechat.example.com/, token: {KEY}, qrcode: "https://example.com/qr?a=b"}}
    oidc:
      corp: {{label: Corporate, issuer: https://id.example.com/, client_id: c, client_secret: {KEY}, scopes: [openid]}}
      other: {ISSUER}
  mail: {{host: smtp.example.com, port: 2525, security: tls, user: me, password: {KEY}, from: Example <a@b.example>}}
  notifications:
    operators: [ops@example.com, ops@example.com]
    webhook: {{url: https://hook.example.com/, secret: "${{env:UPSTREAM_KEY_B}}"}}
    every: 2h
  keep: {{request_logs: forever, minutes: 1d, hours: 30d, audit: 365d}}
  reserved_names: [Help Desk, boss, "..."]
  second_person: {{above: "100.50", within: 24h}}
  chat_links: [{{name: Lobe, url: "https://chat.example.com/#/?settings={{key}}&url={{address}}"}}]
  announcements:
    - {{id: old, at: 2026-01-01T00:00:00Z, title: Old}}
    - {{id: new, at: 2026-02-01T01:00:00+01:00, title: New, text: Longer}}
"""

    assert compiled(tmp_path, section) == Console(
        name="Example AI",
        language=Language.CHINESE,
        url="https://console.example.com",
        address="https://api.example.com",
        origins=("https://admin.example.com", "http://localhost:3000"),
        public_prices=True,
        registration=Registration(open=True, email=EmailRule.REQUIRED, domains=("example.com",), group="vip"),
        sign_in=SignIn(
            password=False,
            passkeys=True,
            session=timedelta(days=7),
            step_up=timedelta(minutes=5),
            github=OAuthApp("Iv1.x", SECRET),
            linuxdo=OAuthApp("l", SECRET),
            telegram=TelegramBot("example_bot", SECRET),
            wechat=WeChatServer("https://wechat.example.com", SECRET, "https://example.com/qr?a=b"),
            oidc={
                "corp": OidcIssuer("corp", "Corporate", "https://id.example.com/", "c", SECRET, ("openid",)),
                "other": OidcIssuer("other", "other", "https://id.example.com", "x", SECRET),
            },
        ),
        mail=Mail("smtp.example.com", 2525, "Example <a@b.example>", Security.TLS, "me", SECRET),
        notifications=Notifications(
            ("ops@example.com",), Webhook("https://hook.example.com/", SECRET_B), timedelta(hours=2)
        ),
        keep=Keep(None, timedelta(days=1), timedelta(days=30), timedelta(days=365)),
        reserved_names=frozenset({"helpdesk", "boss"}),
        second_person=SecondPerson(Amount.parse("100.5"), timedelta(days=1)),
        chat_links=(ChatLink("Lobe", "https://chat.example.com/#/?settings={key}&url={address}"),),
        announcements=(
            Announcement("new", datetime(2026, 2, 1, tzinfo=UTC), "New", "Longer"),
            Announcement("old", datetime(2026, 1, 1, tzinfo=UTC), "Old", ""),
        ),
    )


@pytest.mark.parametrize(
    ("host", "rest", "port", "security"),
    [
        ("mail.example", "", 587, Security.STARTTLS),
        ("mail.example", ", security: tls", 465, Security.TLS),
        ("mail.example", ", port: 465", 465, Security.TLS),
        ("mail.example", ", port: 2525", 2525, Security.STARTTLS),
        ("mail.example", ", port: 465, security: starttls", 465, Security.STARTTLS),
        ("localhost", ", security: none", 25, Security.NONE),
        ("127.0.0.1", ", port: 1025, security: none", 1025, Security.NONE),
        ("::1", ", security: none", 25, Security.NONE),
    ],
)
def test_the_port_and_the_protection_of_mail_go_together(
    tmp_path: Path, host: str, rest: str, port: int, security: Security
) -> None:
    mail = compiled(tmp_path, f'  mail: {{host: "{host}"{rest}, from: a@b.example}}').mail

    assert mail == Mail(host, port, "a@b.example", security)


def test_nothing_secret_is_shown(tmp_path: Path) -> None:
    section = f"""\
  address: https://api.example.com
  sign_in:
    github: {{client_id: x, client_secret: {KEY}}}
    telegram: {{bot: example_bot, token: {KEY}}}
    wechat: {{url: https://wechat.example.com, token: {KEY}}}
    oidc: {{corp: {ISSUER}}}
  mail: {{host: localhost, user: me, password: {KEY}, from: a@b.example}}
  notifications: {{webhook: {{url: https://hook.example.com, secret: {KEY}}}}}
"""

    assert SECRET not in repr(compiled(tmp_path, section))


@pytest.mark.parametrize(
    ("section", "found"),
    [
        ("  sign_in: {passkeys: true}", ['1:23 E302 missing key "url" of console']),
        ("  sign_in: {passkeys: false, github: ~, oidc: {}}", []),
        ("  {url: https://console.example.com, sign_in: {passkeys: true}}", []),
        ("  {address: https://api.example.com, sign_in: {passkeys: true}}", []),
        (
            f"  {{url: https://console.example.com, sign_in: {{oidc: {{corp: {ISSUER}}}}}}}",
            ['1:54 E302 missing key "address" of console'],
        ),
        (
            f"  sign_in: {{linuxdo: {{client_id: x, client_secret: {KEY}}}}}",
            ['1:22 E302 missing key "address" of console'],
        ),
        (f"  sign_in: {{telegram: {{bot: example_bot, token: {KEY}}}}}", []),
        ("  registration: {email: required}", ['1:25 E302 missing key "mail" of console']),
        ("  registration: {email: optional}", []),
        ("  registration: {email: required}\n  mail: {host: localhost, from: a@b.example}", []),
        ("  notifications: {operators: [a@b.example]}", ['1:30 E302 missing key "mail" of console']),
        ("  notifications: {operators: []}", []),
    ],
)
def test_what_something_else_needs_is_missed(tmp_path: Path, section: str, found: list[str]) -> None:
    assert said(tmp_path, section) == found


@pytest.mark.parametrize("name", sorted(WAYS))
def test_an_issuer_is_not_called_as_another_way_of_signing_in(tmp_path: Path, name: str) -> None:
    section = f"  address: https://api.example.com\n  sign_in: {{oidc: {{{name}: {ISSUER}}}}}"

    assert said(tmp_path, section) == [f'2:20 E206 "{name}" is another way of signing in']


@pytest.mark.parametrize(
    "mail", [f"user: me, password: {KEY}", f"password: {KEY}, user: me"], ids=["user first", "password first"]
)
def test_a_user_of_mail_has_a_password_and_the_other_way_round(tmp_path: Path, mail: str) -> None:
    whole = f"  mail: {{host: localhost, from: a@b.example, {mail}}}"
    first, second = mail.split(", ")
    missing = {"user: me": '"password"', f"password: {KEY}": '"user"'}

    assert said(tmp_path, whole) == []
    for part in (first, second):
        alone = f"  mail: {{host: localhost, from: a@b.example, {part}}}"
        assert said(tmp_path, alone) == [f"1:9 E302 missing key {missing[part]} of mail"]


def test_a_secret_that_was_written_down_is_never_quoted(tmp_path: Path) -> None:
    section = """\
  address: https://me:hunter2secret@api.example.com
  sign_in:
    github: {client_id: x, client_secret: hunter2secret}
    wechat: {url: "https://wechat.example.com/?token=hunter2secret", token: hunter2secret}
  mail: {host: localhost, user: me, password: hunter2secret, from: hunter2secret}
  notifications: {webhook: {url: "https://hook.example.com?hunter2secret", secret: hunter2secret}}
"""
    shapes = ["sign_in: hunter2secret", "mail: hunter2secret", "notifications: {webhook: hunter2secret}",
              "sign_in: {telegram: hunter2secret}", "mail: {password: [hunter2secret]}", "mail: {port: hunter2secret}",
              "sign_in: {oidc: {a: hunter2secret}}", "sign_in: {session: hunter2secret}"]  # fmt: skip

    assert len(said(tmp_path, section)) == 8
    assert not any("hunter2" in each for each in said(tmp_path, section))
    for each in shapes:
        assert not any("hunter2" in text for text in said(tmp_path, f"  {each}")), each


def test_offline_a_missing_secret_is_a_warning(tmp_path: Path) -> None:
    files = tree('  mail: {host: localhost, user: me, password: "${env:UPSTREAM_NONE}", from: a@b.example}')

    result = compile_files(tmp_path, files, placeholders=True)

    assert [each.code for each in result.diagnostics if each.code != "W208"] == ["W403"]
    assert result.snapshot.console.mail == Mail(
        "localhost", 587, "a@b.example", Security.STARTTLS, "me", password=PLACEHOLDER
    )


def test_a_file_with_a_secret_is_watched(tmp_path: Path) -> None:
    files = tree("  notifications: {webhook: {url: https://hook.example.com, secret: '${file:hook}'}}")

    result = compile_files(tmp_path, {**files, "hook": "first\n"})

    assert result.snapshot.console.notifications.webhook == Webhook("https://hook.example.com", "first")


def _shown(root: Path) -> Compiled:
    secrets = SecretResolver({}, root, ("*",), placeholders=True)
    return compile_tree(read_tree(root, default_tree()), secrets=secrets, dialects=DIALECTS, at=AT)


def test_the_reference_says_all_there_is_to_say() -> None:
    console = _shown(REFERENCE).snapshot.console

    for part in (console, console.registration, console.sign_in, console.notifications, console.keep):
        fresh = type(part)()
        same = [name for name in part.__dataclass_fields__ if getattr(part, name) == getattr(fresh, name)]
        assert same == [], type(part).__name__


def test_the_documentation_shows_a_whole_console(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    block = page.split("## Console\n")[1].split("```yaml tree\n")[1].split("```")[0]
    (tmp_path / "gateway.yaml").write_text(block, encoding="utf-8")

    console = _shown(tmp_path).snapshot.console

    same = [name for name in console.__dataclass_fields__ if getattr(console, name) == getattr(Console(), name)]
    assert same == ["language"]
