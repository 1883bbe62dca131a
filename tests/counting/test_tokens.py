from __future__ import annotations

import pytest

from clinx.counting.encoding import load
from clinx.counting.tokens import CEILING, SLICE, count_tokens


@pytest.mark.parametrize(
    ("text", "o200k", "cl100k"),
    [("", 0, 0), ("hello world", 2, 2), ("你好世界", 2, 5), ("🙂", 1, 2), ("\ud83d", 1, 1)],
)
def test_tokens_are_counted(text: str, o200k: int, cl100k: int) -> None:
    assert (count_tokens(text, "o200k_base"), count_tokens(text, "cl100k_base")) == (o200k, cl100k)


def test_names_of_special_tokens_are_text() -> None:
    assert count_tokens("<|endoftext|>", "o200k_base") > 1


def test_long_text_is_counted_in_slices() -> None:
    sentence = "The quick brown fox jumps over the lazy dog. "
    text = sentence * (3 * SLICE // len(sentence))
    whole = len(load("o200k_base").encode_ordinary(text))

    assert count_tokens(text, "o200k_base") == pytest.approx(whole, rel=0.001)


def test_a_million_spaces_are_harmless() -> None:
    assert 0 < count_tokens(" " * 1_200_000, "o200k_base") < 100_000


def test_beyond_the_ceiling_the_rest_is_taken_to_be_like_the_beginning() -> None:
    one_slice = count_tokens(" " * SLICE, "o200k_base")

    assert count_tokens(" " * CEILING * 4, "o200k_base") == 4 * one_slice * (CEILING // SLICE)


def test_an_unknown_encoding_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        count_tokens("x", "gpt2")
