from __future__ import annotations

import operator

import pytest

from clinx.config.operations import COMPARE, LARGEST, LONGEST, METHODS, MISSING, arithmetic, joined, look_up
from clinx.policies.facts import Offered


@pytest.mark.parametrize(("left", "right"), [(1, "1"), (None, 1), ([], 1), (MISSING, MISSING), (True, "a")])
def test_what_has_no_order_is_neither_less_nor_more(left: object, right: object) -> None:
    assert not any(COMPARE[each](left, right) for each in ("lt", "lteq", "gt", "gteq"))


def test_true_is_not_one() -> None:
    assert not COMPARE["eq"](True, 1)
    assert COMPARE["ne"](True, 1)
    assert not COMPARE["in"](1, [True])


def test_things_are_in_text_maps_lists_ranges_and_offers() -> None:
    among = COMPARE["in"]

    assert among("b", "abc")
    assert among("k", {"k": 1})
    assert among(2, [1, 2])
    assert among(2, range(1, 3))
    assert among("m", Offered(lambda name: name == "m"))
    assert not among(MISSING, Offered(lambda _: True))
    assert not among("a", 7)


def test_arithmetic_is_missing_where_it_cannot_be() -> None:
    multiply, divide = arithmetic(operator.mul), arithmetic(operator.truediv)

    assert multiply(3, 4) == 12
    assert multiply(LARGEST, 2) is MISSING
    assert multiply("a", 2) is MISSING
    assert multiply(True, 2) is MISSING
    assert divide(1, 0) is MISSING
    assert arithmetic(operator.add)(float("inf"), float("-inf")) is MISSING


def test_text_is_never_made_longer_than_the_bound() -> None:
    replace, _, _ = METHODS["replace"]

    assert replace("a" * 10, "a", "b" * (LONGEST // 10)) == "b" * (LONGEST // 10 * 10)
    assert replace("a" * 11, "a", "b" * (LONGEST // 10)) is MISSING
    assert joined(["a" * LONGEST, ""]) == "a" * LONGEST
    assert joined(["a" * LONGEST, "b"]) is MISSING
    assert joined([1, 1.5, True, "a"]) == "11.5truea"
    assert joined([None]) is MISSING


def test_a_split_is_bounded() -> None:
    split, _, _ = METHODS["split"]
    rsplit, _, _ = METHODS["rsplit"]

    assert len(split("-" * 5000, "-")) == len(rsplit("-" * 5000, "-", 4000)) == 1001
    assert rsplit("a-b-c", "-", 1) == ["a-b", "c"]
    assert split("a", "") is MISSING
    assert rsplit("a", 1) is MISSING


def test_arguments_that_are_no_text_make_no_sense() -> None:
    for name, arguments in (("replace", ("", "a")), ("removeprefix", (1,)), ("removesuffix", (None,))):
        assert METHODS[name][0]("a", *arguments) is MISSING, name


def test_members_and_items_are_looked_up() -> None:
    assert look_up({"a": 1}, "a") == 1
    assert look_up([1, 2], -1) == 2
    assert look_up([1], 1) is MISSING
    assert look_up([1], True) is MISSING
    assert look_up("text", 0) is MISSING
