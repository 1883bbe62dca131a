from __future__ import annotations

import gzip

import pytest

from clinx.upstream.answer import Answer
from clinx.upstream.head import Malformed

HEAD = b"HTTP/1.1 200 OK\r\n"


def _fed(data: bytes) -> Answer:
    answer = Answer()
    answer.feed(data)
    return answer


def test_nothing_has_come_of_an_answer_that_has_not_begun() -> None:
    answer = Answer()

    assert (answer.began, answer.head, answer.complete, answer.failure) == (False, None, False, None)
    assert answer.take() is None


def test_an_answer_is_taken_as_it_comes() -> None:
    answer = _fed(HEAD + b"Content-Length: 5\r\n\r\nab")
    assert (answer.began, answer.has_data, answer.waiting, answer.complete) == (True, True, 2, False)

    assert answer.take() == b"ab"
    assert answer.take() is None
    answer.feed(b"c")
    answer.feed(b"de")

    assert (answer.complete, answer.reusable, answer.waiting) == (True, True, 3)
    assert answer.take() == b"cde"
    assert answer.take() == b""
    assert answer.waiting == 0


def test_a_head_that_cannot_be_read_is_a_failure() -> None:
    answer = _fed(b"SSH-2.0-OpenSSH\r\n")

    assert (answer.head, answer.failure, answer.reusable) == (None, "not HTTP/1", False)


def test_a_failure_takes_nothing_back() -> None:
    answer = _fed(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n")

    assert answer.take() == b"ok"
    with pytest.raises(Malformed, match="no chunk size"):
        answer.take()


@pytest.mark.parametrize(
    ("data", "reason", "complete", "failure"),
    [
        (HEAD + b"\r\nok", None, True, None),
        (HEAD + b"\r\nok", "reset", False, "reset"),
        (HEAD + b"Content-Length: 3\r\n\r\nok", None, False, "cut short"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", None, False, "cut short"),
        (HEAD + b"Content-Length: 2\r\n\r\nok", "reset", True, None),
        (HEAD, None, False, "cut short"),
    ],
)
def test_the_end_of_the_connection_ends_only_a_body_without_framing(
    data: bytes, reason: str | None, complete: bool, failure: str | None
) -> None:
    answer = _fed(data)

    answer.end(reason)

    assert (answer.complete, answer.failure) == (complete, failure)


def test_a_body_that_something_follows_leaves_no_connection_behind() -> None:
    answer = _fed(HEAD + b"Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n")

    assert (answer.complete, answer.reusable) == (True, False)
    assert answer.take() == b"ok"


def test_a_compressed_body_is_undone_while_it_is_taken() -> None:
    packed = gzip.compress(b"ledger")
    answer = _fed(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed[:5])

    assert answer.take() is None
    answer.feed(packed[5:])

    assert answer.take() == b"ledger"
    assert answer.take() == b""


def test_a_compressed_body_that_is_whole_for_http_may_still_be_cut() -> None:
    packed = gzip.compress(b"ledger")[:-1]
    answer = _fed(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)

    assert answer.take() == b"ledger"
    with pytest.raises(Malformed, match="compressed body cut short"):
        answer.take()
