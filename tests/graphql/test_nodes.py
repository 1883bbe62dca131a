from typing import Any, cast

import pytest

from clinx.graphql.context import Context
from clinx.graphql.errors import Problem
from clinx.graphql.ids import Node, to_id
from clinx.graphql.nodes import find

CONTEXT = cast("Context", object())


async def test_an_object_is_found_by_the_finder_of_its_kind() -> None:
    asked: list[Any] = []

    async def finder(context: Context, key: str) -> Node | None:
        asked.append((context, key))
        return Node(id=to_id("Thing", key))

    found = await find({"Thing": finder}, CONTEXT, to_id("Thing", "a:b"))

    assert found == Node(id=to_id("Thing", "a:b"))
    assert asked == [(CONTEXT, "a:b")]


async def test_of_a_kind_that_nobody_knows_there_is_nothing() -> None:
    assert await find({}, CONTEXT, to_id("Thing", 1)) is None


async def test_what_is_no_id_is_said_to_be_none() -> None:
    with pytest.raises(Problem) as caught:
        await find({}, CONTEXT, "nonsense")

    assert caught.value.code == "invalid_id"
