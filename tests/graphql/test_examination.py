from typing import Any

import pytest
from graphql import parse

from clinx.domain.identity import Role
from clinx.graphql.examination import holds_nul, look
from clinx.graphql.schema import schema
from support.operations import Api


@pytest.mark.parametrize(
    ("text", "operations", "introspects", "nul"),
    [
        ("{ a }", 1, False, False),
        ("query A { a } mutation B { b }", 2, False, False),
        ("fragment F on Query { a }", 0, False, False),
        ("{ __typename }", 1, False, False),
        ("{ __schema { types { name } } }", 1, True, False),
        ("{ ... { ... on Query { x: __type(name: 1) { name } } } }", 1, True, False),
        ("{ a } fragment F on Query { __schema { types { name } } }", 1, True, False),
        ('{ a(text: "__schema") }', 1, False, False),
        ('{ a(text: "\\u0000") }', 1, False, True),
        ('query ($a: In = {b: ["\\u{0}"]}) { a @skip(if: "x") }', 1, False, True),
        ('{ a @skip(if: "\\u0000") }', 1, False, True),
    ],
)
def test_what_there_is_in_a_document(text: str, operations: int, introspects: bool, nul: bool) -> None:
    seen = look(parse(text))

    assert (seen.operations, seen.introspects, seen.holds_nul) == (operations, introspects, nul)


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, False),
        ({"a": "b", "c": [1, None, True, {"d": "e"}]}, False),
        ({"a": "\0"}, True),
        ({"a": [[{"b": "c\0"}]]}, True),
        ({"a\0": 1}, True),
    ],
)
def test_no_character_nul_hides_in_variables(variables: dict[str, Any], found: bool) -> None:
    assert holds_nul(variables) is found


async def test_an_answer_says_what_it_cost(api: Api) -> None:
    context = api.context(None)

    result = await schema.execute("{ signInOptions { name } }", context_value=context)

    assert result.extensions == {"cost": 2, "requestId": "req-1"}


async def test_what_was_refused_for_its_price_says_it_as_well(api: Api) -> None:
    result = await schema.execute("{ users(first: 1000) { edges { cursor } } }", context_value=api.context(None))

    assert result.errors is not None
    assert result.errors[0].extensions == {
        "code": "query_too_expensive",
        "parameters": {"cost": 2001, "most": 500},
    }
    assert result.extensions == {"cost": 2001, "requestId": "req-1"}


async def test_a_document_that_was_valid_for_an_operator_tells_no_stranger_more(api: Api) -> None:
    """Validated documents are remembered, suggestions and all."""
    wrong = "{ usres { name } }"
    admin = await api.visit(await api.user("ann", role=Role.ADMIN))
    told = [await schema.execute(wrong, context_value=who) for who in (admin, api.context(None))]

    assert ["Did you mean" in str(each.errors) for each in told] == [True, False]
