import pytest

from clinx.accounts.failures import AccountError
from clinx.accounts.oauth.github import GitHub
from clinx.accounts.oauth.linuxdo import LinuxDo
from clinx.accounts.oauth.oidc import Oidc
from clinx.accounts.oauth.providers import Offer, Providers, offers
from clinx.domain.console import Console, OidcIssuer, SignIn, TelegramBot, WeChatServer
from clinx.upstream.fetch import Fetcher
from support.database import Clock
from support.fake_issuers import APP

CORP = OidcIssuer("corp", "Corporate", "https://id.example", "id", "secret")
ALL = Console(
    sign_in=SignIn(
        github=APP,
        linuxdo=APP,
        telegram=TelegramBot("bot", "1:a"),
        wechat=WeChatServer("https://wx.example", "t"),
        oidc={"corp": CORP},
    )
)


@pytest.fixture
def providers(fetch: Fetcher, clock: Clock) -> Providers:
    return Providers(fetch, now=clock.now, monotonic=clock.monotonic)


def test_each_provider_is_found_by_its_name(providers: Providers):
    kinds = [type(providers.provider(name, ALL)) for name in ("github", "linuxdo", "corp")]

    assert kinds == [GitHub, LinuxDo, Oidc]


@pytest.mark.parametrize("name", ["github", "linuxdo", "corp", "telegram", "wechat", "oidc", ""])
def test_what_is_not_configured_is_not_offered(providers: Providers, name: str):
    with pytest.raises(AccountError) as caught:
        providers.provider(name, Console())
    assert caught.value.code == "not_offered"


def test_buttons_stand_in_an_order():
    assert offers(Console()) == []
    assert offers(ALL) == [
        Offer("corp", "Corporate"),
        Offer("github", "GitHub"),
        Offer("linuxdo", "LinuxDO"),
        Offer("telegram", "Telegram"),
        Offer("wechat", "WeChat"),
    ]
