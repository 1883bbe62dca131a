from __future__ import annotations

import pytest
from msgspec import structs
from yarl import URL

from clinx.errors import UpstreamMisconfigured
from clinx.upstream.request import UpstreamRequest
from clinx.upstream.wire import encode
from support.outbound import request_to, stage_of


def _request(**fields: object) -> UpstreamRequest:
    return structs.replace(request_to("http://acme.test"), **fields)


def test_a_request_is_written_with_its_host_and_its_length_and_nothing_else() -> None:
    url = URL("http://acme.test:8080/v1/chat?a=b%20c#fragment", encoded=True)

    head, body = encode(_request(url=url, headers={"X-One": "1", "X-Two": "zwö"}, body=b"{}"))

    assert body == b"{}"
    lines = ["POST /v1/chat?a=b%20c HTTP/1.1", "Host: acme.test:8080", "X-One: 1", "X-Two: zwö", "Content-Length: 2"]
    assert head == ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://acme.test", "acme.test"),
        ("https://acme.test:443", "acme.test"),
        ("https://acme.test:80", "acme.test:80"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_the_host_names_a_port_only_where_it_is_not_the_usual(url: str, host: str) -> None:
    head, _ = encode(_request(url=URL(url), headers={}))

    assert head == f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 27\r\n\r\n".encode()


@pytest.mark.parametrize(
    "fields",
    [
        {"headers": {"X-A": "s3cret\r\nX-Evil: 1"}},
        {"headers": {"X-A": "s3cret\nX-Evil: 1"}},
        {"headers": {"X-A": "s3cret\r"}},
        {"headers": {"X-A": "s3cret\0"}},
        {"headers": {"X-A": "s3cret\r\n\r\nGET / HTTP/1.1\r\nHost: evil\r\n"}},
        {"headers": {"X-A\r\nX-Evil": "1"}},
        {"headers": {"X-A: b\r\nX-Evil": "1"}},
        {"headers": {"X A": "1"}},
        {"headers": {"X-A:": "1"}},
        {"headers": {"": "1"}},
        {"url": URL("http://acme.test/s3cret HTTP/1.1", encoded=True)},
        {"url": URL("http://acme.test/\x7fs3cret", encoded=True)},
        {"url": URL("http://acme.test/ä", encoded=True)},
        {"method": "POST /x HTTP/1.1\r\nX: y\r\n\r\nPOST"},
    ],
)
def test_what_would_be_more_than_one_request_is_refused_without_showing_it(fields: dict[str, object]) -> None:
    with pytest.raises(UpstreamMisconfigured) as caught:
        encode(_request(**fields))

    assert stage_of(caught.value) == "request"
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__}"
