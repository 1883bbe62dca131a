from collections.abc import Mapping

import pytest
from aiohttp.test_utils import make_mocked_request

from clinx.domain.console import Console
from clinx.web.own_pages import is_of_the_console, origin_of

CONSOLE = Console(url="https://console.example/app", address="https://gw.example", origins=("https://x.example:8443",))


def asks(headers: Mapping[str, str]) -> bool:
    return is_of_the_console(make_mocked_request("GET", "/", headers=dict(headers)), CONSOLE)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://console.example"},
        {"Origin": "https://gw.example"},
        {"Origin": "https://x.example:8443", "Sec-Fetch-Site": "cross-site"},
        {"Referer": "https://console.example/deep/page?q=1"},
        {"Referer": "https://CONSOLE.example:443"},
    ],
    ids=str,
)
def test_pages_of_the_console_may_ask(headers: Mapping[str, str]):
    assert asks(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://console.example"},
        {"Origin": "https://console.example.evil.example"},
        {"Origin": "https://evil.example", "Referer": "https://console.example/"},
        {"Origin": "", "Referer": "https://console.example/"},
        {"Referer": "https://evil.example/https://console.example/"},
        {"Referer": "https://console.example@evil.example/"},
        {"Referer": "https://x.example/"},
        {"Referer": "console.example"},
        {"Referer": "https://console.example:x/"},
    ],
    ids=str,
)
def test_nobody_else_may(headers: Mapping[str, str]):
    assert not asks(headers)


def test_without_a_configured_address_only_this_host_s_own_pages_may():
    request = make_mocked_request("GET", "/", headers={"Referer": "none://"})

    assert not is_of_the_console(request, Console())


def test_origins_are_written_as_browsers_write_them():
    assert origin_of("HTTPS://A.example:443/x?y") == "https://a.example"
    assert origin_of("http://[::1]:8080/") == "http://[::1]:8080"
    assert origin_of("http://a:80") == "http://a"
    assert [origin_of(text) for text in ("", "ftp://a", "https://", "https://[", "x", "https://a:99999")] == [None] * 6
