from __future__ import annotations

import pytest

from clinx.config.places import template_problem, url_problem


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


def test_a_proxy_may_have_a_password() -> None:
    assert url_problem("http://u:p@x:3128", userinfo=True) is None


def test_templates_name_only_known_holes() -> None:
    known = frozenset({"key", "settings.region"})

    assert template_problem("Bearer {{ key }} {{settings.region}}", known) is None
    assert template_problem("{{ kye }}", known) == ("E211", "kye")
    assert template_problem("{{ key", known) == ("E303", None)
    assert template_problem("{{ key + 1 }}", known) == ("E303", None)
