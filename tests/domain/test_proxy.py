from __future__ import annotations

import pytest

from clinx.domain.proxy import SocksKind, SocksProxy, socks_proxy


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("socks5://gate", SocksProxy(SocksKind.SOCKS5, "gate", 1080, None, None)),
        ("SOCKS5H://gate:9050/", SocksProxy(SocksKind.SOCKS5H, "gate", 9050, None, None)),
        ("socks5h://me:p%40ss@[::1]:1", SocksProxy(SocksKind.SOCKS5H, "::1", 1, "me", "p@ss")),
        ("socks4a://me@gate", SocksProxy(SocksKind.SOCKS4A, "gate", 1080, "me", None)),
        ("http://me:pass@gate:3128", None),
        ("socks4://gate", None),
    ],
)
def test_an_address_names_a_proxy_or_does_not(url: str, proxy: SocksProxy | None) -> None:
    assert socks_proxy(url) == proxy


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(socks_proxy("socks5://me:hunter2@gate"))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("socks5://gate", None),
        ("socks5://me:pass@gate", None),
        (f"socks5://{'u' * 255}:{'p' * 255}@gate", None),
        ("socks4a://me@gate", None),
        ("socks4a://me:pass@gate", "must not hold a password: SOCKS 4a has none"),
        ("socks5://me@gate", "must hold a user name and a password, or neither"),
        ("socks5h://:pass@gate", "must hold a user name and a password, or neither"),
        ("socks5h://me:@gate", "must hold a user name and a password of at most 255 ASCII characters"),
        (f"socks5://me:{'p' * 256}@gate", "must hold a user name and a password of at most 255 ASCII characters"),
        ("socks5://me:p%C3%A4ss@gate", "must hold a user name and a password of at most 255 ASCII characters"),
        ("socks4a://m%00e@gate", "must hold a user name and a password of at most 255 ASCII characters"),
    ],
)
def test_what_the_proxy_cannot_be_told(url: str, problem: str | None) -> None:
    proxy = socks_proxy(url)

    assert proxy is not None
    assert proxy.problem == problem
