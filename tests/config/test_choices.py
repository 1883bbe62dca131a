from __future__ import annotations

from collections.abc import Callable

import pytest

from clinx.config.choices import ChoiceError, before, to_go_back_to, to_promote
from clinx.config.last_good import Kept
from support.tree import AT

HISTORY = [Kept(name, None, AT) for name in ("ccc", "abd", "abc")]


def test_first_digits_name_a_revision() -> None:
    assert to_go_back_to(HISTORY, "c") == "ccc"
    assert to_promote({"new"}, (), "n") == "new"


def test_the_one_before_leaves_out_what_is_rejected() -> None:
    assert before(HISTORY, "ccc", ()) == "abd"
    assert before(HISTORY, "ccc", {"abd"}) == "abc"
    assert before(HISTORY, "elsewhere", {"ccc"}) == "abd"


def test_what_is_on_trial_is_meant_where_nothing_is_named() -> None:
    assert to_promote({"new"}, {"old"}, None) == "new"
    assert to_promote((), {"old"}, "old") == "old"


@pytest.mark.parametrize(
    ("choose", "code"),
    [
        (lambda: to_go_back_to(HISTORY, "x"), "unknown_revision"),
        (lambda: to_go_back_to(HISTORY, "ab"), "ambiguous_revision"),
        (lambda: before(HISTORY, "abc", ()), "nothing_before"),
        (lambda: to_promote((), {"old"}, None), "nothing_on_trial"),
        (lambda: to_promote({"new"}, (), "x"), "unknown_revision"),
        (lambda: to_promote({"aa", "ab"}, (), None), "ambiguous_revision"),
    ],
    ids=["unknown", "ambiguous", "first", "no trial", "other trial", "two trials"],
)
def test_a_choice_that_is_none(choose: Callable[[], str], code: str) -> None:
    with pytest.raises(ChoiceError) as refused:
        choose()

    assert refused.value.code == code
