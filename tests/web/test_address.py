import ipaddress

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from clinx.web.address import client_address, is_local

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


class Peer:
    """A transport that knows where it is connected to; aiohttp asks it for nothing else here."""

    def __init__(self, address: str) -> None:
        self.address = address

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self.address, 4711) if name == "peername" else default


def request_from(peer: str, *forwarded: str, **headers: str) -> web.Request:
    given = {"Host": "localhost:8787", **headers, **({"X-Forwarded-For": forwarded[0]} if forwarded else {})}
    return make_mocked_request("GET", "/", headers=given, transport=Peer(peer))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # not a proxy: nothing it says is believed
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),  # the caller wrote the left part himself
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("::ffff:203.0.113.9", [], "203.0.113.9"),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
    ],
)
def test_the_address_is_the_rightmost_hop_that_is_no_trusted_proxy(
    peer: str, forwarded: list[str], expected: str
) -> None:
    assert client_address(request_from(peer, *forwarded), PROXIES) == expected


def test_without_trusted_proxies_the_peer_is_the_caller() -> None:
    assert client_address(request_from("10.0.0.1", "198.51.100.1"), ()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("peer", "forwarded", "local"),
    [("127.0.0.1", [], True), ("::1", [], True), ("127.0.0.1", ["198.51.100.1"], False), ("10.0.0.1", [], False)],
)
def test_a_proxy_on_this_machine_does_not_make_its_callers_local(peer: str, forwarded: list[str], local: bool) -> None:
    assert is_local(request_from(peer, *forwarded)) is local


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8787"},
        {"Host": "127.0.0.1.evil.example"},
        {"Origin": "http://localhost:8787"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "198.51.100.1"},
        {"CF-Connecting-IP": "198.51.100.1"},
        {"X-Forwarded-Proto": "https"},
    ],
)
def test_what_a_browser_or_a_proxy_sends_from_this_machine_is_not_local(headers: dict[str, str]) -> None:
    assert not is_local(request_from("127.0.0.1", **headers))


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:8787", "127.0.0.1", "[::1]:8787", "[::1]"])
def test_this_machine_may_be_called_by_any_of_its_own_names(host: str) -> None:
    assert is_local(request_from("127.0.0.1", Host=host))
