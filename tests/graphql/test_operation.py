from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec
import pytest
from graphql import GraphQLError

from clinx.domain.identity import Role
from clinx.graphql import operation
from clinx.graphql.context import Viewer
from clinx.graphql.operation import CHECKED, MOST_TEXT, Operation, answer, results
from clinx.graphql.permissions import Permission
from support.operations import Api

TICK = "subscription { tick }"


def read(body: str) -> Operation:
    return msgspec.json.decode(body, type=Operation)


def test_an_operation_is_a_text_with_variables_and_the_name_of_one() -> None:
    assert read('{"query": "{ a }", "operationName": "A", "variables": {"a": 1}, "more": 1}') == Operation(
        "{ a }", {"a": 1}, "A"
    )


@pytest.mark.parametrize("body", ["{}", '{"query": 1}', f'{{"query": "{"x" * (MOST_TEXT + 1)}"}}'])
def test_what_is_none_is_refused(body: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(body)


def test_an_answer_shows_only_what_there_is(api: Api) -> None:
    context = api.context(None)

    assert answer({"a": 1}, None, context) == {"data": {"a": 1}}
    assert answer(None, [GraphQLError("No.")], context, {"cost": 1}) == {
        "data": None,
        "errors": [{"message": "No.", "extensions": {"code": "invalid_request"}}],
        "extensions": {"cost": 1},
    }


class Ticking:
    """Stands for the schema: a subscription that says one number after the other."""

    async def stream(self, *_: object, **__: object):
        return self._numbers()

    async def _numbers(self):
        for number in range(100):
            yield operation.ExecutionResult({"tick": number}, None)


@pytest.fixture
def _ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "schema", Ticking())


@pytest.mark.usefixtures("_ticking")
@pytest.mark.parametrize(
    ("change", "ends"),
    [
        (lambda viewer: viewer, False),
        (lambda viewer: replace(viewer, user=replace(viewer.user, display_name="Ann")), False),
        (lambda viewer: replace(viewer, permissions=frozenset(Permission)), False),
        (lambda viewer: None, True),
        (lambda viewer: replace(viewer, permissions=viewer.permissions - {Permission.CONFIG_READ}), True),
        (lambda viewer: replace(viewer, session=99), True),
        (lambda viewer: replace(viewer, user=replace(viewer.user, id=99)), True),
    ],
    ids=["the same", "another name", "more rights", "signed out", "fewer rights", "another session", "somebody else"],
)
async def test_a_subscription_ends_once_whoever_follows_it_may_not_any_more(api: Api, change, ends: bool) -> None:
    context = await api.visit(await api.user("ann", role=Role.ADMIN))
    asked = 0

    async def ask_again() -> Viewer | None:
        nonlocal asked
        asked += 1
        return change(context.signed_in)

    found = results(Operation(TICK), context, ask_again)
    first = await anext(found)
    assert (first.data, asked) == ({"tick": 0}, 0), "nobody is asked at once"
    api.clock.advance(CHECKED.total_seconds())
    second = await anext(found)
    await found.aclose()

    assert asked == 1
    assert (second.data is None) is ends
    assert [(error.extensions or {})["code"] for error in second.errors or ()] == (["unauthenticated"] if ends else [])


@pytest.mark.usefixtures("_ticking")
async def test_strangers_follow_what_is_for_strangers(api: Api) -> None:
    async def ask_again() -> Viewer | None:
        return None

    found = results(Operation(TICK), api.context(None), ask_again)
    told = [await anext(found)]
    api.clock.advance(CHECKED.total_seconds())
    told.append(await anext(found))
    await found.aclose()

    assert [each.data for each in told] == [{"tick": 0}, {"tick": 1}]


async def test_a_query_has_one_result(api: Api) -> None:
    async def ask_again() -> Viewer | None:
        await asyncio.sleep(0)
        return None

    found = [each async for each in results(Operation("{ __typename }"), api.context(None), ask_again)]

    assert [each.data for each in found] == [{"__typename": "Query"}]
