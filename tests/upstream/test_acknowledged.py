from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from clinx.upstream.acknowledged import acknowledged

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two ends of one connection: ours and the other."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        other, _ = listening.accept()
    with ours, other:
        yield ours, other


def _exchange(pair: Pair) -> int:
    """Carry one exchange; return the count after it."""
    ours, other = pair
    ours.sendall(b"first")
    assert other.recv(5) == b"first"
    other.sendall(b"answer")
    assert ours.recv(6) == b"answer"
    count = acknowledged(ours)
    assert count is not None
    return count


def test_what_was_answered_has_been_acknowledged(pair: Pair) -> None:
    before = acknowledged(pair[0])

    assert before is not None
    assert _exchange(pair) == before + len(b"first")


def test_what_is_written_to_a_connection_that_was_closed_is_not_acknowledged(pair: Pair) -> None:
    ours, other = pair
    before = _exchange(pair)
    other.close()

    ours.sendall(b"second")

    assert ours.recv(1) == b""
    assert acknowledged(ours) == before


def test_what_was_taken_before_the_connection_ended_is_acknowledged(pair: Pair) -> None:
    ours, other = pair
    before = _exchange(pair)
    ours.sendall(b"second")
    assert other.recv(6) == b"second"

    other.close()

    assert ours.recv(1) == b""
    assert acknowledged(ours) == before + len(b"second")


def test_nothing_is_known_of_a_socket_that_is_gone_or_of_another_kind(pair: Pair) -> None:
    pair[0].close()
    here, there = socket.socketpair()

    with here, there:
        assert [acknowledged(each) for each in (None, pair[0], here)] == [None, None, None]
