from __future__ import annotations

from clinx.upstream.stages import Stage, broken
from clinx.upstream.transport import ConnectionEnded


def test_an_ended_connection_says_what_it_means_if_nobody_tries_again() -> None:
    failure = broken(Stage.FIRST_BYTE, "cut short")

    ended = ConnectionEnded(failure, reused=True, unseen=False)

    assert (ended.failure, ended.reused, ended.unseen) == (failure, True, False)
    assert str(ended) == "first_byte: cut short"
