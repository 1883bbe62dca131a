from __future__ import annotations

from clinx.canonical.content import TokenLogprob
from clinx.dialects.gemini.codec.tokens import read_tokens, write_tokens

A, B = {"token": "a", "logProbability": -0.5}, {"token": "b", "logProbability": -1.5}


def test_chosen_tokens_have_their_alternatives() -> None:
    given = {"chosenCandidates": [A, B, {"token": "c"}, 1], "topCandidates": [{"candidates": [A, B]}, {}]}

    assert read_tokens(given) == (
        TokenLogprob("a", -0.5, top=(TokenLogprob("a", -0.5), TokenLogprob("b", -1.5))),
        TokenLogprob("b", -1.5),
        TokenLogprob("c", 0.0),
    )
    assert read_tokens([]) == ()


def test_tokens_are_written_with_their_average() -> None:
    told = write_tokens([TokenLogprob("a", -0.5, top=(TokenLogprob("b", -1.5),)), TokenLogprob("b", -1.5)])

    assert told == {
        "logprobsResult": {"chosenCandidates": [A, B], "topCandidates": [{"candidates": [B]}, {"candidates": []}]},
        "avgLogprobs": -1.0,
    }
    assert write_tokens([]) == {}
