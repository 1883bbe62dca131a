import json
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from aiohttp.test_utils import make_mocked_request

import clinx
from clinx.domain.console import (
    ChatLink,
    Console,
    EmailRule,
    OAuthApp,
    OidcIssuer,
    Registration,
    SignIn,
    TelegramBot,
    WeChatServer,
)
from clinx.web.status import StatusPage
from support.edge import Tree
from support.fake_payments import epay_account, payments

STARTED = datetime(2026, 1, 2, tzinfo=UTC)
FULL = Console(
    name="Example AI",
    address="https://gw.example",
    registration=Registration(email=EmailRule.REQUIRED),
    sign_in=SignIn(
        github=OAuthApp("gh-id", "canary-1"),
        linuxdo=OAuthApp("ld-id", "canary-2"),
        telegram=TelegramBot("bot", "canary-3"),
        wechat=WeChatServer("https://wx.example", "canary-4", "https://wx.example/qr.png"),
        oidc={"corp": OidcIssuer("corp", "Corporate", "https://id.example", "oidc-id", "canary-5")},
    ),
    chat_links=(ChatLink("Lobe", "https://chat.example/#{key}"),),
)


async def shown(tree: Tree) -> dict[str, Any]:
    handler = StatusPage(tree.now, STARTED).routes()[("GET", "/api/status")]
    response = await handler(make_mocked_request("GET", "/api/status"))
    assert response.status == 200
    assert isinstance(response.body, bytes)
    assert b"canary" not in response.body
    answer = json.loads(response.body, parse_float=str)
    assert (answer["success"], answer["message"], set(answer)) == (True, "", {"success", "message", "data"})
    return answer["data"]


async def test_a_tree_that_offers_nothing_says_so(tmp_path: Path):
    assert await shown(Tree.of(tmp_path, Console())) == {
        "version": clinx.__version__,
        "start_time": 1767312000,
        "system_name": "Clinx",
        "logo": "",
        "footer_html": "",
        "docs_link": "",
        "server_address": "",
        "chats": [],
        "demo_site_enabled": False,
        "self_use_mode_enabled": False,
        "setup": True,
        "email_verification": False,
        "github_oauth": False,
        "github_client_id": "",
        "linuxdo_oauth": False,
        "linuxdo_client_id": "",
        "telegram_oauth": False,
        "telegram_bot_name": "",
        "wechat_login": False,
        "wechat_qrcode": "",
        "oidc_enabled": False,
        "oidc_client_id": "",
        "turnstile_check": False,
        "turnstile_site_key": "",
        "sign_in": [],
        "quota_per_unit": 500000,
        "currency": "USD",
        "display_in_currency": True,
        "quota_display_type": "USD",
        "usd_exchange_rate": 1,
        "custom_currency_symbol": "$",
        "custom_currency_exchange_rate": 1,
        "enable_online_topup": False,
        "top_up_link": "",
    }


async def test_what_is_offered_is_shown_and_no_secret_of_it(tmp_path: Path):
    tree = Tree.of(tmp_path, FULL)
    tree.snapshot = replace(tree.snapshot, payments=payments())

    data = await shown(tree)

    assert {name: data[name] for name in data if name.endswith(("_oauth", "_id", "_login", "_enabled", "_topup"))} == {
        "github_oauth": True,
        "github_client_id": "gh-id",
        "linuxdo_oauth": True,
        "linuxdo_client_id": "ld-id",
        "telegram_oauth": True,
        "wechat_login": True,
        "oidc_enabled": True,
        "oidc_client_id": "oidc-id",
        "demo_site_enabled": False,
        "self_use_mode_enabled": False,
        "enable_online_topup": True,
        "min_topup": 1,
    }
    assert data["sign_in"] == [
        {"name": name, "label": label, "start": f"/api/oauth/{name}/start"}
        for name, label in (
            ("corp", "Corporate"),
            ("github", "GitHub"),
            ("linuxdo", "LinuxDO"),
            ("telegram", "Telegram"),
            ("wechat", "WeChat"),
        )
    ]
    assert (data["email_verification"], data["telegram_bot_name"], data["wechat_qrcode"], data["price"]) == (
        True,
        "bot",
        "https://wx.example/qr.png",
        "7.3",
    )
    assert (data["server_address"], data["chats"]) == ("https://gw.example", [{"Lobe": "https://chat.example/#{key}"}])


async def test_another_currency_than_dollars_is_written_as_it_is(tmp_path: Path):
    tree = Tree.of(tmp_path, Console())
    tree.snapshot = replace(tree.snapshot, currency="EUR")

    data = await shown(tree)

    assert (data["currency"], data["quota_display_type"]) == ("EUR", "CUSTOM")
    assert (data["custom_currency_symbol"], data["custom_currency_exchange_rate"]) == ("EUR ", 1)


async def test_a_rate_is_a_number(tmp_path: Path):
    tree = Tree.of(tmp_path, Console())
    for rate, number in ((Fraction(7), 7), (Fraction(1, 3), "0.333333333"), (Fraction(10), 10)):
        account = replace(epay_account(), terms=replace(epay_account().terms, rate=rate))
        tree.snapshot = replace(tree.snapshot, payments=replace(payments(), epay=account))
        assert (await shown(tree))["price"] == number

    tree.snapshot = replace(tree.snapshot, payments=replace(payments(), epay=None))
    assert "price" not in await shown(tree)
