import ipaddress

import pytest

from clinx.notify.addresses import is_reachable, is_usable


@pytest.mark.parametrize(
    ("url", "usable"),
    [
        ("https://example.com", True),
        ("https://example.com:8443/hook?x=1", True),
        ("https://example.com:443/", True),
        ("http://localhost:9000/hook", True),
        ("http://127.0.0.1/hook", True),
        ("http://[::1]:9000/", True),
        ("http://example.com/hook", False),
        ("https://example.com:25/", False),
        ("https://example.com:99999/", False),
        ("https://user:password@example.com/", False),
        ("https://@example.com/", False),
        ("ftp://example.com/", False),
        ("file:///etc/passwd", False),
        ("https:///hook", False),
        ("https://[::1", False),
        ("https://example.com/ x", False),
        ("https://example.com/\r\nHost: x", False),
        ("https://bücher.example/", False),
        ("https://example.com/" + "x" * 2000, False),
        ("", False),
    ],
)
def test_what_may_be_a_webhook(url: str, usable: bool) -> None:
    assert is_usable(url) is usable


@pytest.mark.parametrize(
    ("url", "reachable"),
    [
        ("https://example.com/hook", True),
        ("https://8.8.8.8/hook", True),
        ("https://[2606:4700::1111]/", True),
        ("http://127.0.0.1:9000/x", False),
        ("http://localhost:9000/", False),
        ("https://LOCALHOST./", False),
        ("https://gateway.localhost/", False),
        ("https://10.0.0.1/x", False),
        ("https://192.168.1.1:8443/", False),
        ("https://169.254.169.254/", False),
        ("https://[::1]:9000/", False),
        ("https://[::ffff:10.0.0.1]/", False),
        ("https://[fd00::1]/", False),
    ],
)
def test_what_is_written_as_a_number_shows_where_it_leads(url: str, reachable: bool) -> None:
    assert is_usable(url)
    assert is_reachable(url, ()) is reachable


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/x", "http://localhost:9000/", "https://10.0.0.1/x"])
def test_the_tree_may_open_exceptions(url: str) -> None:
    allowed = [ipaddress.ip_network(text) for text in ("127.0.0.0/8", "10.0.0.0/8")]

    assert is_reachable(url, allowed)
    assert not is_reachable("https://192.168.1.1/", allowed)
