from __future__ import annotations

import pytest

from clinx.config.places import placeholder_proxy, proxy_problem, template_problem, url_problem


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:11434", "https://api.example/v2/", "http://[::1]:80", "https://a-b.example"]
)
def test_addresses(url: str) -> None:
    assert url_problem(url) is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://x", "must start with http:// or https:// and name a host"),
        ("https://", "must start with http:// or https:// and name a host"),
        ("api.example", "must start with http:// or https:// and name a host"),
        ("builtin:echo", "must start with http:// or https:// and name a host"),
        ("http://x y", "must not contain spaces"),
        ("http://x\n", "must not contain spaces"),
        ("http://x:99999", "is not an address"),
        ("http://x:0", "is not an address"),
        ("http://[::1", "is not an address"),
        ("http://x{y}", "is not an address"),
        ("http://u:p@x", "must not hold a user name or password"),
        ("http://x/?a=1", "must not have a query or fragment"),
        ("http://x/#a", "must not have a query or fragment"),
    ],
)
def test_what_is_no_address(url: str, problem: str) -> None:
    assert url_problem(url) == problem


@pytest.mark.parametrize(
    "url", ["http://u:p@x:3128", "https://x", "socks5://x", "socks5h://u:p%40@x:9050", "socks4a://u@x"]
)
def test_a_proxy_speaks_http_or_socks_and_may_have_a_password(url: str) -> None:
    assert proxy_problem(url) is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://x", "must start with http://, https://, socks5://, socks5h:// or socks4a:// and name a host"),
        ("socks4://x", "must start with http://, https://, socks5://, socks5h:// or socks4a:// and name a host"),
        ("socks5://x:0", "is not an address"),
        ("socks5://x?a=1", "must not have a query or fragment"),
        ("socks5://u@x", "must hold a user name and a password, or neither"),
        ("socks4a://u:p@x", "must not hold a password: SOCKS 4a has none"),
    ],
)
def test_what_is_no_proxy(url: str, problem: str) -> None:
    assert proxy_problem(url) == problem


@pytest.mark.parametrize(
    ("text", "transport", "stands_in"),
    [
        ("http://u:${env:P}@x", None, "http"),
        ("socks5h://u:${env:P}@x", None, "socks5"),
        ("${env:PROXY}", None, "http"),
        ("${env:PROXY}", "http1", "socks5"),
        ("http://${env:P}", "http1", "http"),
    ],
)
def test_what_stands_in_for_a_proxy_goes_with_the_channel(text: str, transport: str | None, stands_in: str) -> None:
    assert placeholder_proxy(text, transport) == f"{stands_in}://placeholder.invalid"


def test_templates_name_only_known_holes() -> None:
    known = frozenset({"key", "settings.region"})

    assert template_problem("Bearer {{ key }} {{settings.region}}", known) is None
    assert template_problem("{{ kye }}", known) == ("E211", "kye")
    assert template_problem("{{ key", known) == ("E303", None)
    assert template_problem("{{ key + 1 }}", known) == ("E303", None)
