"""However the bytes of an answer are cut on their way, they mean the same; and nothing means more than one thing."""

from __future__ import annotations

import gzip
import itertools
from dataclasses import dataclass

import httptools
from hypothesis import given
from hypothesis import strategies as st

from clinx.upstream.answer import Answer
from clinx.upstream.head import Malformed

SMALL = st.binary(max_size=40)
PLAIN = ("sized", "chunked", "closed")


@dataclass(frozen=True)
class Read:
    """What became of the bytes."""

    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: bytes
    outcome: str
    reusable: bool


def _read(parts: list[bytes], *, is_taken_at_once: bool) -> Read:
    """Feed an answer the way a connection does: not after its end or a failure; then the connection closes."""
    answer, body, unread = Answer(), b"", False
    outcome = "open"
    for part in parts:
        if answer.complete or answer.failure is not None:
            unread = unread or bool(part)
        elif part:
            answer.feed(part)
        if is_taken_at_once and outcome == "open":
            taken, outcome = _take(answer)
            body += taken
    answer.end(None)
    if outcome == "open":
        taken, outcome = _take(answer)
        body += taken
    head = answer.head
    headers = tuple(head.headers.items()) if head else ()
    return Read(head.status if head else None, headers, body, outcome, answer.reusable and not unread)


def _take(answer: Answer) -> tuple[bytes, str]:
    body = b""
    try:
        while piece := answer.take():
            body += piece
    except Malformed:
        return body, "broken"
    return body, "open" if piece is None else "whole"


@st.composite
def _chunked(draw: st.DrawFn) -> bytes:
    chunks = draw(st.lists(SMALL.filter(bool), max_size=5))
    extension = draw(st.sampled_from([b"", b";a=b"]))
    trailers = draw(st.sampled_from([b"", b"X-Trailer: 1\r\n"]))
    framed = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    return framed + b"0\r\n" + trailers + b"\r\n"


@st.composite
def _answers(draw: st.DrawFn, *, kinds: tuple[str, ...] = PLAIN) -> bytes:
    """Answers in every framing, with something before, after or wrong now and then."""
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    start = draw(
        st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 204 No\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/2 2\r\n"])
    )
    extra = draw(st.sampled_from([b"", b"X-A: b\r\n", b"Connection: close\r\n", b"Content-Length: 3\r\n"]))
    kind = draw(st.sampled_from(kinds))
    body = draw(SMALL)
    framed = {
        "sized": b"Content-Length: %d\r\n\r\n" % len(body) + body,
        "chunked": b"Transfer-Encoding: chunked\r\n\r\n" + draw(_chunked()),
        "closed": b"\r\n" + body,
        "gzip": b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(body, mtime=0),
    }[kind]
    return interim + start + extra + framed + draw(st.sampled_from([b"", b"\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]))


@st.composite
def _damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Something with a few bytes exchanged, or cut short."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 2))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.sampled_from(b"\r\n\0 :;0123f\x80"))
    return bytes(data[: draw(st.integers(0, len(data)))]) if draw(st.booleans()) else bytes(data)


@st.composite
def _cut(draw: st.DrawFn, answers: st.SearchStrategy[bytes]) -> tuple[bytes, list[bytes]]:
    data = draw(answers)
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    edges = [0, *cuts, len(data)]
    return data, [data[start:end] for start, end in itertools.pairwise(edges)]


ANY = st.one_of(_answers(kinds=(*PLAIN, "gzip")), _damaged(_answers()))
"""Damage is for plain bodies: how much of a damaged compressed one is decoded before it shows is zlib's affair."""


@given(_cut(ANY), st.booleans())
def test_any_split_of_an_answer_reads_the_same(cut: tuple[bytes, list[bytes]], is_taken_at_once: bool) -> None:
    data, parts = cut

    assert _read(parts, is_taken_at_once=is_taken_at_once) == _read([data], is_taken_at_once=False)


@given(ANY, st.booleans())
def test_byte_by_byte_reads_the_same(data: bytes, is_taken_at_once: bool) -> None:
    parts = [data[index : index + 1] for index in range(len(data))]

    assert _read(parts, is_taken_at_once=is_taken_at_once) == _read([data], is_taken_at_once=False)


class _Reference:
    """What the parsing library makes of an answer's body when the framing is left to it too."""

    def __init__(self, data: bytes) -> None:
        self.body = b""
        self.is_whole = False
        httptools.HttpResponseParser(self).feed_data(data)

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.is_whole = True


@given(st.one_of(_chunked(), _damaged(_chunked())))
def test_a_chunked_body_that_is_taken_for_whole_is_the_same_for_another_reader(framed: bytes) -> None:
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed
    read = _read([data], is_taken_at_once=False)

    if read.outcome == "whole" and read.reusable:
        reference = _Reference(data)
        assert (reference.body, reference.is_whole) == (read.body, True)
