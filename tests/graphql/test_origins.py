from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from clinx.domain.console import Console
from clinx.graphql.origins import cors_headers, is_allowed, is_foreign, origin_of

CONSOLE = Console(
    url="https://console.example/app",
    address="https://gw.example",
    origins=("https://other.example:8443",),
)


def request(**headers: str) -> Any:
    named = {name.replace("_", "-"): each for name, each in headers.items()}
    return make_mocked_request("POST", "/graphql", {"Host": "127.0.0.1:4000", **named})


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Console.Example/path?q#f", "https://console.example"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
    ],
)
def test_the_origin_of_an_address(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://console.example", True),
        ("HTTPS://CONSOLE.EXAMPLE", True),
        ("https://gw.example", True),
        ("https://other.example:8443", True),
        ("http://127.0.0.1:4000", True),
        ("https://127.0.0.1:4000", False),
        ("http://console.example", False),
        ("https://console.example:8443", False),
        ("https://console.example.evil.example", False),
        ("https://evil.example/https://console.example", False),
        ("https://other.example", False),
        ("null", False),
        ("", False),
        ("*", False),
    ],
)
def test_which_pages_may(origin: str, allowed: bool) -> None:
    asked = request(Origin=origin)

    assert is_allowed(origin, asked, CONSOLE, secure=False) is allowed
    assert is_foreign(asked, CONSOLE, secure=False) is not allowed
    assert ("Access-Control-Allow-Origin" in cors_headers(asked, CONSOLE, secure=False)) is allowed


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"Sec_Fetch_Site": "none"}, False),
        ({"Sec_Fetch_Site": "same-origin"}, False),
        ({"Sec_Fetch_Site": "same-site"}, True),
        ({"Sec_Fetch_Site": "cross-site"}, True),
        ({"Sec_Fetch_Site": "anything"}, True),
        ({"Origin": "https://console.example", "Sec_Fetch_Site": "cross-site"}, False),
    ],
)
def test_a_browser_that_names_no_origin_says_where_it_comes_from(headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign(request(**headers), CONSOLE, secure=False) is foreign


def test_an_address_by_https_is_another_origin_than_by_http() -> None:
    asked = request(Origin="https://127.0.0.1:4000")

    assert is_allowed("https://127.0.0.1:4000", asked, CONSOLE, secure=True)


def test_an_allowed_page_may_read_the_answer_and_no_cache_mixes_it_up() -> None:
    assert cors_headers(request(Origin="https://console.example"), CONSOLE, secure=True) == {
        "Access-Control-Allow-Origin": "https://console.example",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "x-request-id, content-disposition",
        "Vary": "Origin",
    }
    assert cors_headers(request(), CONSOLE, secure=True) == {"Vary": "Origin"}
