from __future__ import annotations

import pytest

from clinx.echo.script import PLAIN, SCRIPTS, script_for


@pytest.mark.parametrize("model", ["echo", "text-embedding-echo", "gpt-4o", "", "slow-echo", "echo-unknown"])
def test_any_other_name_gets_a_good_answer(model: str) -> None:
    assert script_for(model) is PLAIN


@pytest.mark.parametrize("word", list(SCRIPTS))
def test_the_last_word_of_a_name_chooses_the_behaviour(word: str) -> None:
    assert script_for(f"echo-{word}") is SCRIPTS[word]
    assert script_for(f"my-own-model-{word}") is SCRIPTS[word]


def test_the_behaviours_are_those_that_are_documented() -> None:
    assert set(SCRIPTS) == {"slow", "drop", "error", "hang", "html", "nousage", "400", "401", "429", "500"}
