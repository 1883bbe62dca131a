from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from clinx.domain.console import Console
from clinx.web import cookies

PROXY = ip_network("10.0.0.0/8")


def request(remote: str = "10.0.0.1", headers: Mapping[str, str] | None = None) -> web.BaseRequest:
    return make_mocked_request("GET", "/", headers=dict(headers or {})).clone(remote=remote)


def sent(response: web.Response) -> list[str]:
    return sorted(morsel.OutputString() for morsel in response.cookies.values())


def test_over_https_a_cookie_is_of_this_host_alone():
    response = web.Response()
    cookies.write(response, cookies.session_cookie(True), "s3cret", timedelta(days=1))

    assert sent(response) == ["__Host-clinx=s3cret; HttpOnly; Max-Age=86400; Path=/; SameSite=Lax; Secure"]


def test_over_http_it_is_named_otherwise():
    response = web.Response()
    cookies.write(response, cookies.session_cookie(False), "s3cret", timedelta(minutes=1))
    cookies.write(response, cookies.trip_cookie(False), "t", timedelta(minutes=1))

    assert sent(response) == [
        "clinx-trip=t; HttpOnly; Max-Age=60; Path=/; SameSite=Lax",
        "clinx=s3cret; HttpOnly; Max-Age=60; Path=/; SameSite=Lax",
    ]


def test_a_cookie_is_taken_away_as_it_was_given():
    response = web.Response()
    cookies.drop(response, cookies.trip_cookie(True))

    assert sent(response) == ['__Host-clinx-trip=""; HttpOnly; Max-Age=0; Path=/; SameSite=Lax; Secure']


@pytest.mark.parametrize(
    ("header", "value"),
    [("clinx=a", "a"), ("x=1; clinx=a; y=2", "a"), ("", None), ("clinx=", None), ("clinx=" + "a" * 257, None),
     ("__Host-clinx=a", None)],
)  # fmt: skip
def test_a_cookie_is_read_by_its_own_name(header: str, value: str | None):
    assert cookies.read(request(headers={"Cookie": header}), cookies.session_cookie(False)) == value


@pytest.mark.parametrize(
    ("remote", "told", "secure"),
    [
        ("10.0.0.1", "https", True),
        ("10.0.0.1", "HTTPS ", True),
        ("10.0.0.1", "http, https", True),
        ("10.0.0.1", "https, http", False),
        ("10.0.0.1", "http", False),
        ("10.0.0.1", "", False),
        ("::ffff:10.0.0.1", "https", True),
        ("11.0.0.1", "https", False),
        ("", "https", False),
    ],
)
def test_a_trusted_proxy_is_believed_about_https(remote: str, told: str, secure: bool):
    asked = request(remote, {"X-Forwarded-Proto": told})

    assert cookies.is_secure(asked, [PROXY], Console()) is secure


@pytest.mark.parametrize(
    ("address", "secure"), [("https://gw.example", True), ("http://127.0.0.1:8080", False), (None, False)]
)
def test_the_tree_is_believed_about_https(address: str | None, secure: bool):
    assert cookies.is_secure(request(), [], Console(address=address)) is secure
