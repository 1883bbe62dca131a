from typing import Any, cast

import pytest
from graphql import GraphQLError, parse

from clinx.graphql.errors import shown
from clinx.graphql.schema import schema
from clinx.graphql.unreadable import locate, place
from support.operations import Api

GOOD = "2026-01-31T09:30:00Z"


async def told(api: Api, text: str, **variables: Any) -> list[dict[str, Any]]:
    result = await schema.execute(text, variables, api.context(None))
    return [dict(shown(error, "req-1").extensions or {}) for error in result.errors or ()]


async def test_a_literal_is_found_by_its_argument_and_fields(api: Api) -> None:
    found = await told(
        api, '{ requestLogs(first: 1, filter: {since: "yesterday", until: "2026-11-24"}) { edges { cursor } } }'
    )

    assert [(each["code"], each["path"]) for each in found] == [
        ("invalid_value", ["filter", "since"]),
        ("invalid_value", ["filter", "until"]),
    ]


async def test_a_variable_is_found_by_its_name_and_fields(api: Api) -> None:
    text = "query ($f: RequestLogFilter!) { requestLogs(first: 1, filter: $f) { edges { cursor } } }"

    [found] = await told(api, text, f={"since": "yesterday", "until": GOOD})

    assert (found["code"], found["path"]) == ("invalid_value", ["f", "since"])
    assert found["parameters"] == {"such_as": '"2026-01-31T09:30:00Z"'}


async def test_a_variable_that_is_all_of_it_is_its_name(api: Api) -> None:
    text = "query ($at: DateTime!) { requestLogs(first: 1, filter: {since: $at, until: $at}) { edges { cursor } } }"

    [found] = await told(api, text, at="at .since: x")

    assert found["path"] == ["at"]


async def test_values_of_other_types_are_found_as_well(api: Api) -> None:
    text = "query ($f: RequestLogFilter!) { requestLogs(first: 1, filter: $f) { edges { cursor } } }"

    [found] = await told(api, text, f={"since": GOOD, "until": GOOD, "failed": "yes"})

    assert found == {"code": "invalid_request", "path": ["f", "failed"]}


def test_places_in_lists_are_numbers() -> None:
    assert place(GraphQLError("Variable '$f' has invalid value at .a[0].b: No.")) == ["f", "a", "0", "b"]
    document = parse("{ a(b: [1, {c: 2}]) }")
    value = (
        cast("Any", document.definitions[0]).selection_set.selections[0].arguments[0].value.values[1].fields[0].value
    )
    error = GraphQLError("No.", nodes=[value], extensions={"code": "invalid_value"})

    locate(error, document)

    assert error.extensions == {"code": "invalid_value", "path": ["b", "1", "c"]}


@pytest.mark.parametrize("message", ["No.", "Somebody said: Variable '$f' has invalid value: No.", "Variable '$f'"])
def test_what_stands_nowhere_has_no_place(message: str) -> None:
    assert place(GraphQLError(message)) == []
