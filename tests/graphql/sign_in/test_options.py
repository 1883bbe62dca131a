from clinx.domain.console import (
    EmailRule,
    Language,
    OAuthApp,
    OidcIssuer,
    Registration,
    SignIn,
    TelegramBot,
    WeChatServer,
)
from support.operations import Api

OPTIONS = """
{ signInOptions {
    name language currency password passkeys email telegramBot wechatQrcode
    providers { name label path } registration { open byPassword email domains }
} }"""


async def test_strangers_are_told_which_ways_in_there_are(api: Api):
    issuer = OidcIssuer("corp", "Corp", "https://id.example.org", "client", "hidden-secret")
    api.set(
        name="House",
        language=Language.CHINESE,
        registration=Registration(open=True, email=EmailRule.REQUIRED, domains=("example.org",)),
        sign_in=SignIn(
            passkeys=True,
            github=OAuthApp("client", "hidden-secret"),
            telegram=TelegramBot("house_bot", "hidden-secret"),
            wechat=WeChatServer("https://wechat.example.org", "hidden-secret", "https://wechat.example.org/qr.png"),
            oidc={"corp": issuer},
        ),
    )

    told = await api.ask(None, OPTIONS)

    assert told["signInOptions"] == {
        "name": "House",
        "language": "CHINESE",
        "currency": "USD",
        "password": True,
        "passkeys": True,
        "email": True,
        "telegramBot": "house_bot",
        "wechatQrcode": "https://wechat.example.org/qr.png",
        "providers": [
            {"name": "corp", "label": "Corp", "path": "/api/oauth/corp/start"},
            {"name": "github", "label": "GitHub", "path": "/api/oauth/github/start"},
            {"name": "telegram", "label": "Telegram", "path": "/api/oauth/telegram/start"},
            {"name": "wechat", "label": "WeChat", "path": "/api/oauth/wechat"},
        ],
        "registration": {"open": True, "byPassword": True, "email": "REQUIRED", "domains": ["example.org"]},
    }


async def test_what_cannot_work_is_not_offered(api: Api):
    api.set(url=None, address=None, mail=None, sign_in=SignIn(password=False, passkeys=True))

    told = (await api.ask(None, OPTIONS))["signInOptions"]

    assert (told["password"], told["passkeys"], told["email"], told["providers"]) == (False, False, False, [])
    assert (told["telegramBot"], told["wechatQrcode"]) == (None, None)
    assert (told["registration"]["open"], told["registration"]["byPassword"]) == (True, False)
