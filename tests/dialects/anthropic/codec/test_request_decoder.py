from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import Text, Unknown
from clinx.canonical.request import ChatRequest, Effort, Extra, FormatKind, Role, Sampling, ThinkingWish, Turn
from clinx.canonical.tools import ChoiceMode, Tool, ToolChoice
from clinx.dialects.anthropic.codec.request_decoder import decode_request
from clinx.dialects.anthropic.request import open_request
from clinx.dialects.base import Inbound
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest

MINIMAL: dict[str, Any] = {"model": "claude", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}


def decoded(**members: Any) -> ChatRequest:
    body = json.dumps({**MINIMAL, **members}).encode()
    inbound = Inbound(method="POST", path="/v1/messages", match={}, query={}, headers={}, body=body)
    return decode_request(open_request(Operation.CHAT, inbound))


def test_a_request_of_little() -> None:
    assert decoded() == ChatRequest("claude", (Turn(Role.USER, (Text("Hello"),)),), sampling=Sampling(max_tokens=100))


def test_turns_keep_their_roles_and_order() -> None:
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "text", "text": "b"}]},
        {"role": "system", "content": "c"},
    ]

    assert decoded(messages=messages).turns == (
        Turn(Role.USER, (Text("a"),)),
        Turn(Role.ASSISTANT, (Text("b"),)),
        Turn(Role.SYSTEM, (Text("c"),)),
    )


def test_instructions_are_a_text_or_blocks() -> None:
    blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}}]

    assert decoded(system="Be brief.").system == (Text("Be brief."),)
    assert decoded(system=blocks).system == (Text("a"), Text("b", "5m"))
    assert decoded(system="").system == ()


def test_sampling_is_as_it_was_written() -> None:
    request = decoded(temperature=1, top_p=0.5, top_k=40, stop_sequences=["a", "b"])

    assert request.sampling == Sampling(100, 1, 0.5, 40, ("a", "b"))


def test_tools_are_functions_or_stay_as_they_are() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    tools = [
        {
            "name": "f",
            "description": "d",
            "input_schema": {"type": "object"},
            "strict": True,
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        },
        {"type": "custom", "name": "g"},
        search,
    ]

    function, bare, unknown = decoded(tools=tools).tools

    assert isinstance(function, Tool)
    assert function.schema is not None
    assert (function.name, function.description, function.strict, function.cache) == ("f", "d", True, "1h")
    assert bytes(function.schema) == b'{"type": "object"}'
    assert bare == Tool("g")
    assert isinstance(unknown, Unknown)
    assert json.loads(bytes(unknown.payload)) == search


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, ToolChoice(ChoiceMode.AUTO)),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice(ChoiceMode.ANY, parallel=False)),
        ({"type": "auto", "disable_parallel_tool_use": False}, ToolChoice(ChoiceMode.AUTO, parallel=True)),
        ({"type": "tool", "name": "f"}, ToolChoice(ChoiceMode.ANY, ("f",))),
        ({"type": "none"}, ToolChoice(ChoiceMode.NONE)),
        (None, None),
    ],
)
def test_what_is_to_be_called(choice: Any, expected: ToolChoice | None) -> None:
    assert decoded(tool_choice=choice).tool_choice == expected


@pytest.mark.parametrize(
    ("members", "wish"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, ThinkingWish(budget=2048)),
        ({"thinking": {"type": "disabled"}}, ThinkingWish(Effort.NONE)),
        ({"thinking": {"type": "adaptive"}}, ThinkingWish()),
        (
            {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}},
            ThinkingWish(Effort.LOW, shown=False),
        ),
        ({"output_config": {"effort": "xhigh"}}, ThinkingWish(Effort.MAX)),
        ({}, None),
    ],
)
def test_how_much_thinking_is_wanted(members: Any, wish: ThinkingWish | None) -> None:
    assert decoded(**members).thinking == wish


@pytest.mark.parametrize("name", ["output_config", "output_format"])
def test_the_form_of_the_answer(name: str) -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}

    found = decoded(**{name: {"format": form} if name == "output_config" else form}).response_format

    assert found is not None
    assert found.schema is not None
    assert (found.kind, found.strict, bytes(found.schema)) == (FormatKind.SCHEMA, True, b'{"type": "object"}')


def test_who_asks_and_how() -> None:
    request = decoded(metadata={"user_id": "u", "more": 1}, stream=True)

    assert (request.user, request.stream) == ("u", True)


def test_members_that_only_this_format_has_are_kept_aside() -> None:
    request = decoded(
        service_tier="auto",
        container={"id": "c"},
        inference_geo=None,
        tools=[{"name": "f", "defer_loading": True}],
        output_config={"task_budget": 5},
    )

    assert {name: (bytes(e.value), e.is_essential) for name, e in request.extras["anthropic"].items()} == {
        "service_tier": (b'"auto"', False),
        "container": (b'{"id": "c"}', True),
        "output_config.task_budget": (b"5", False),
        "tools[0].defer_loading": (b"true", False),
    }
    assert Extra(Raw(b"1")) is not None


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"system": 7}, "system"),
        ({"system": [{"type": "text"}]}, "system[0].text"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_k": 1.5}, "top_k"),
        ({"stop_sequences": "a"}, "stop_sequences"),
        ({"tools": {}}, "tools"),
        ({"tools": [{}]}, "tools[0]"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"thinking": {"type": "enabled", "budget_tokens": "many"}}, "thinking.budget_tokens"),
        ({"metadata": {"user_id": 7}}, "metadata.user_id"),
        ({"output_config": {"format": "json"}}, "output_config.format"),
    ],
)
def test_a_wrong_value_is_refused_by_its_place(members: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decoded(**members)

    assert refused.value.param == param
