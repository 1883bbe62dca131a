from __future__ import annotations

import pytest

from clinx.upstream.head import LONGEST_HEAD, LONGEST_LINE, Head, HeadReader, Malformed

START = b"HTTP/1.1 200 OK\r\n"


def _read(data: bytes) -> Head:
    found = HeadReader().feed(data)
    assert found is not None
    return found[0]


def test_a_head_is_split_from_what_follows_it() -> None:
    found = HeadReader().feed(START + b"Content-Length: 2\r\nX-A:  b \r\n\r\nok")

    assert found is not None
    head, rest = found
    assert (head.status, head.length, head.chunked, head.keeps, rest) == (200, 2, False, True, b"ok")
    assert dict(head.headers) == {"Content-Length": "2", "X-A": "b"}
    assert head.headers["x-a"] == "b"


def test_a_head_may_come_byte_by_byte() -> None:
    reader = HeadReader()
    data = START + b"X-A: b\r\nContent-Length: 0\r\n\r\n"

    found = [reader.feed(data[index : index + 1]) for index in range(len(data))]

    assert found[:-1] == [None] * (len(data) - 1)
    assert found[-1] == (_read(data), b"")


def test_interim_answers_are_skipped() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

    found = HeadReader().feed(interim + b"HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx")

    assert found is not None
    assert (found[0].status, dict(found[0].headers), found[1]) == (201, {"Content-Length": "1"}, b"x")


def test_interim_answers_without_end_are_too_long() -> None:
    reader = HeadReader()
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    for _ in range(LONGEST_HEAD // len(interim)):
        assert reader.feed(interim) is None

    with pytest.raises(Malformed, match="head too long"):
        reader.feed(interim)


@pytest.mark.parametrize(
    ("head", "length", "chunked", "keeps"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", 7, False, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", None, True, True),
        (b"HTTP/1.1 200 OK\r\n\r\n", None, False, False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 0, False, True),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 0, False, True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 0, False, True),
        (b"HTTP/1.1 200 OK\r\nConnection: keep-alive, Close\r\nContent-Length: 7\r\n\r\n", 7, False, False),
        (b"HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: close\r\nContent-Length: 7\r\n\r\n", 7, False, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n", 7, False, False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 7\r\n\r\n", 7, False, False),
        (b"HTTP/1.1 200\r\nContent-Length: 7\r\n\r\n", 7, False, True),
    ],
)
def test_what_headers_say_about_the_body_and_the_connection(
    head: bytes, length: int | None, chunked: bool, keeps: bool
) -> None:
    read = _read(head)

    assert (read.length, read.chunked, read.keeps) == (length, chunked, keeps)


@pytest.mark.parametrize(
    "head",
    [
        START + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        START + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
        START + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n",
        START + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n",
        START + b"Content-Length: 2, 2\r\n\r\n",
        START + b"Content-Length: +2\r\n\r\n",
        START + b"Content-Length: -2\r\n\r\n",
        START + b"Content-Length: 0x2\r\n\r\n",
        START + b"Content-Length: 1 2\r\n\r\n",
        START + b"Content-Length:\r\n\r\n",
        START + b"Content-Length: 99999999999999999999999\r\n\r\n",
        START + b"Content-Length : 2\r\n\r\n",
        START + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        START + b"Transfer-Encoding: chunked, gzip\r\n\r\n",
        START + b"Transfer-Encoding: identity\r\n\r\n",
        START + b"Transfer-Encoding: xchunked\r\n\r\n",
        START + b"Transfer-Encoding: \x0bchunked\r\n\r\n",
        START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        START + b"X-A: a\r\n b\r\n\r\n",
        START + b" X-A: a\r\n\r\n",
        START + b"X-A: a\0b\r\n\r\n",
        START + b"X-A: a\rContent-Length: 2\r\n\r\n",
        START + b"X-A: a\nContent-Length: 2\r\n\r\n",
        START + b": a\r\n\r\n",
        START + b"no colon\r\n\r\n",
        b"HTTP/1.1 200 O\0K\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 99 OK\r\n\r\n",
        b"HTTP/1.1 1000 OK\r\n\r\n",
        b"HTTP/1.2 200 OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"RTSP/1.0 200 OK\r\n\r\n",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"hello",
        b"\x15\x03\x01",
    ],
)
def test_a_head_that_readers_could_disagree_about_is_refused(head: bytes) -> None:
    with pytest.raises(Malformed):
        HeadReader().feed(head + b"HTTP/1.1 200 OK\r\n\r\n" if head.startswith(b"HTTP/1.1 101") else head)


def test_heads_are_bounded_whether_they_end_or_not() -> None:
    line = b"X-A: " + b"a" * 1017 + b"\r\n"
    fits = START + line * 63 + b"\r\n"
    assert LONGEST_HEAD - len(line) < len(fits) <= LONGEST_HEAD

    assert _read(fits).status == 200
    with pytest.raises(Malformed, match="head too long"):
        HeadReader().feed(START + line * 64 + b"\r\n")
    with pytest.raises(Malformed, match="head too long"):
        HeadReader().feed(START + line * 65)


def test_lines_and_their_number_are_bounded() -> None:
    assert _read(START + b"X-A: " + b"a" * (LONGEST_LINE - 5) + b"\r\n\r\n").status == 200
    assert _read(START + b"X-A: a\r\n" * 128 + b"\r\n").status == 200

    with pytest.raises(Malformed, match="header line too long"):
        _read(START + b"X-A: " + b"a" * (LONGEST_LINE - 4) + b"\r\n\r\n")
    with pytest.raises(Malformed, match="too many headers"):
        _read(START + b"X-A: a\r\n" * 129 + b"\r\n")
