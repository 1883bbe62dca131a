from __future__ import annotations

from clinx.canonical.content import TokenLogprob
from clinx.dialects.logprobs import read_logprobs, write_logprobs

HI = TokenLogprob("Hé", -0.5, (72, 195, 169), (TokenLogprob("Hé", -0.5), TokenLogprob("Yo", -2.0)))


def test_tokens_and_their_alternatives_come_back() -> None:
    assert write_logprobs([HI]) == [
        {
            "token": "Hé",
            "logprob": -0.5,
            "bytes": (72, 195, 169),
            "top_logprobs": [
                {"token": "Hé", "logprob": -0.5, "bytes": (72, 195, 169)},
                {"token": "Yo", "logprob": -2.0, "bytes": (89, 111)},
            ],
        }
    ]
    assert read_logprobs(
        [{"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": [{"token": "a", "logprob": -1, "bytes": None}]}]
    ) == (TokenLogprob("a", -1.0, (97,), (TokenLogprob("a", -1.0),)),)


def test_what_is_no_token_is_left_out() -> None:
    assert read_logprobs([1, {}, {"token": 1, "logprob": 1}, {"token": "a", "logprob": "x"}]) == ()
    assert read_logprobs({"token": "a"}) == ()
    assert read_logprobs([{"token": "a", "logprob": 0, "bytes": ["x"]}]) == (TokenLogprob("a", 0.0),)
