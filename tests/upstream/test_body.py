from __future__ import annotations

import pytest

from clinx.upstream.body import Chunked, Framing, Sized, UntilClosed, framing
from clinx.upstream.head import LONGEST_LINE, HeadReader, Malformed


def _fed(body: Framing, *parts: bytes) -> bytes:
    pieces: list[bytes] = []
    for part in parts:
        body.feed(part, pieces)
    return b"".join(pieces)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [(b"Content-Length: 2\r\n", Sized), (b"Transfer-Encoding: chunked\r\n", Chunked), (b"", UntilClosed)],
)
def test_the_head_decides_how_a_body_ends(headers: bytes, kind: type[Framing]) -> None:
    found = HeadReader().feed(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n")

    assert found is not None
    assert type(framing(found[0])) is kind


def test_a_sized_body_ends_after_so_many_bytes() -> None:
    body = Sized(5)

    assert _fed(body, b"ab") == b"ab"
    assert (body.done, body.surplus) == (False, False)
    assert _fed(body, b"cde") == b"cde"
    assert (body.done, body.surplus) == (True, False)


def test_what_follows_a_sized_body_is_not_of_it() -> None:
    body = Sized(2)

    assert _fed(body, b"ok\r\n") == b"ok"
    assert (body.done, body.surplus) == (True, True)


def test_a_body_of_no_bytes_is_done_before_it_begins() -> None:
    body = Sized(0)

    assert (body.done, body.surplus) == (True, False)
    assert _fed(body, b"x") == b""
    assert body.surplus


def test_only_a_body_without_framing_ends_with_its_connection() -> None:
    body = UntilClosed()

    assert _fed(body, b"a", b"b") == b"ab"
    assert (body.done, body.ends_with_connection()) == (False, True)
    assert not Sized(1).ends_with_connection()
    assert not Chunked().ends_with_connection()


@pytest.mark.parametrize(
    "data",
    [
        b"2\r\nok\r\n0\r\n\r\n",
        b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
        b"000002\r\nok\r\n000\r\n\r\n",
        b"2;name=value;flag\r\nok\r\n0;last\r\n\r\n",
        b"2\r\nok\r\n0\r\nX-Trailer: 1\r\nExpires: never\r\n\r\n",
    ],
)
def test_chunks_are_put_together(data: bytes) -> None:
    body = Chunked()

    assert _fed(body, data) == b"ok"
    assert (body.done, body.surplus) == (True, False)


def test_chunk_sizes_are_hexadecimal_in_either_case() -> None:
    assert _fed(Chunked(), b"1a\r\n" + b"x" * 26 + b"\r\n1A\r\n" + b"y" * 26 + b"\r\n") == b"x" * 26 + b"y" * 26


@pytest.mark.parametrize("after", [b"\r\n", b"HTTP/1.1 200 OK\r\n", b"x"])
def test_what_follows_the_last_chunk_is_not_of_it(after: bytes) -> None:
    body = Chunked()

    assert _fed(body, b"2\r\nok\r\n0\r\n\r\n" + after) == b"ok"
    assert (body.done, body.surplus) == (True, True)


@pytest.mark.parametrize(
    "data",
    [
        b"zz\r\n",
        b"\r\n",
        b"-2\r\nok\r\n",
        b"+2\r\nok\r\n",
        b"0x2\r\nok\r\n",
        b"1_0\r\n",
        b" 2\r\nok\r\n",
        b"2 \r\nok\r\n",
        b"2\nok\r\n",
        b"2;a\nb\r\nok\r\n",
        b"2;\r\nok\r\n",
        b"2;a=\r\nok\r\n",
        b"2; a\r\nok\r\n",
        b'2;a="\r\n"\r\nok\r\n',
        b"2\r\nokX\r\n",
        b"2\r\nok0\r\n\r\n",
        b"2\r\nok\n0\r\n\r\n",
        b"2\r\nokX",
        b"10000000000000002\r\nok\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n folded: x\r\n\r\n",
        b"0\r\nX: a\0b\r\n\r\n",
        b"0\r\n" + b"X: " + b"a" * LONGEST_LINE + b"\r\n",
        b"0\r\n" + b"X: a\r\n" * LONGEST_LINE,
        b"2;" + b"a" * LONGEST_LINE + b"\r\nok\r\n",
        b"2;" + b"a" * LONGEST_LINE,
    ],
)
def test_broken_chunks_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        _fed(Chunked(), data)


def test_what_came_before_a_broken_chunk_stands() -> None:
    pieces: list[bytes] = []

    with pytest.raises(Malformed):
        Chunked().feed(b"2\r\nok\r\nzz\r\n", pieces)

    assert pieces == [b"ok"]
