from typing import Any

import pytest
from graphql import get_introspection_query, parse

from clinx.domain.identity import Role
from clinx.graphql.errors import Refusal
from clinx.graphql.limits import MOST_ALIASES, MOST_COST, MOST_DEPTH, MOST_FRAGMENTS, Measure, check, measure


def of(text: str, **variables: Any) -> Measure:
    return measure(parse(text), variables)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{ a }", Measure(1, 1, 0)),
        ("{ a { b c } }", Measure(3, 2, 0)),
        ("{ x: a y: a }", Measure(2, 1, 2)),
        ("{ ... { a ... on Query { b } } }", Measure(2, 1, 0)),
        ("{ users(first: 10) { edges { node { name } } } }", Measure(1 + 10 * 3, 4, 0)),
        ("{ a(first: 10) { b(first: 10) { c } } }", Measure(1 + 10 * (1 + 10), 3, 0)),
        ("{ a(first: 0) { b } }", Measure(2, 2, 0)),
        ("{ a(first: -5) { b } }", Measure(2, 2, 0)),
        ("{ a { totalCount { value } } }", Measure(1 + 51 + 1, 3, 0)),
        ("{ a(first: 100) { totalCount { value } edges { b } } }", Measure(1 + 52 + 100 * 2, 3, 0)),
        ("{ a(first: 5) { b(first: 5) { totalCount { value } } } }", Measure(1 + 5 * (1 + 52), 4, 0)),
        ("{ a(first: 9) { ...F } } fragment F on X { totalCount { value } }", Measure(1 + 52, 3, 0)),
        ("query A { a } query B { b { c } }", Measure(3, 2, 0)),
        ("{ ...F ...F } fragment F on Query { x: a { b } }", Measure(4, 2, 3)),
        ("{ ...Missing }", Measure(0, 0, 0)),
    ],
)
def test_what_a_document_comes_to(text: str, found: Measure) -> None:
    assert of(text) == found


@pytest.mark.parametrize(
    ("given", "cost"), [(5, 6), (0, 2), (-3, 2), ("5", 101), (None, 101), ([5], 101), (2**60, 2**60 + 1)]
)
def test_a_page_given_in_a_variable_counts_as_it_is_or_as_a_large_one(given: Any, cost: int) -> None:
    assert of("query ($n: Int!) { a(first: $n) { b } }", n=given).cost == cost


def test_a_page_in_a_variable_that_is_not_given_counts_as_a_large_one() -> None:
    assert of("query ($n: Int = 3) { a(first: $n) { b } }").cost == 101


def test_a_number_of_any_length_is_read() -> None:
    assert of("{ a(first: " + "9" * 10_000 + ") { b } }").cost > max(MOST_COST.values())


def test_the_query_that_tools_introspect_with_is_let_through() -> None:
    found = measure(parse(get_introspection_query()), {})

    check(found, Role.ADMIN)
    assert found.depth <= MOST_DEPTH


def test_what_stands_beside_an_introspection_is_not_deeper_for_it() -> None:
    text = "{ __schema { types { name } } " + "a { " * 13 + "a" + " }" * 13 + " }"

    with pytest.raises(Refusal, match="levels deep"):
        check(of(text), Role.ADMIN)


@pytest.mark.parametrize(
    "text", ["{ ...A } fragment A on Q { ...A }", "{a} fragment A on Q{...B} fragment B on Q{...A}"]
)
def test_a_fragment_does_not_contain_itself(text: str) -> None:
    with pytest.raises(Refusal, match="contains itself"):
        of(text)


def test_there_are_not_too_many_fragments() -> None:
    def text(count: int) -> str:
        return "{ a }" + "".join(f" fragment F{n} on Query {{ a }}" for n in range(count))

    of(text(MOST_FRAGMENTS))
    with pytest.raises(Refusal, match="fragments"):
        of(text(MOST_FRAGMENTS + 1))


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (Measure(depth=MOST_DEPTH + 1), "query_too_complex"),
        (Measure(aliases=MOST_ALIASES + 1), "query_too_complex"),
        (Measure(cost=MOST_COST[None] + 1), "query_too_expensive"),
    ],
)
def test_what_is_more_than_may_be_is_refused(found: Measure, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        check(found, None)

    assert caught.value.extensions is not None
    assert caught.value.extensions["code"] == code


@pytest.mark.parametrize("role", [None, *Role])
def test_each_may_ask_for_as_much_as_their_role_allows(role: Role | None) -> None:
    check(Measure(MOST_COST[role], MOST_DEPTH, MOST_ALIASES), role)
    with pytest.raises(Refusal, match="allowed"):
        check(Measure(MOST_COST[role] + 1), role)
