from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import Text, Unknown
from clinx.canonical.request import (
    ChatRequest,
    Effort,
    Extra,
    FormatKind,
    ResponseFormat,
    Role,
    Sampling,
    ThinkingWish,
    Turn,
)
from clinx.canonical.tools import ChoiceMode, Tool, ToolChoice
from clinx.errors import InvalidRequest
from dialects.openai_responses.codec.asking import decoded

NAME = "openai_responses"
FUNCTION: dict[str, Any] = {"type": "function", "name": "sum", "parameters": {"type": "object"}}


def test_a_text_is_a_turn_of_the_users() -> None:
    assert decoded(instructions="Be kind") == ChatRequest(
        "gpt", (Turn(Role.USER, (Text("Hello"),)),), system=(Text("Be kind"),)
    )


def test_instructions_may_be_items() -> None:
    assert decoded(instructions=[{"role": "developer", "content": "Be kind"}]).system == (Text("Be kind"),)


def test_sampling_user_and_metadata() -> None:
    found = decoded(max_output_tokens=50, temperature=1, top_p=0.5, user="u", metadata={"a": "b"}, stream=True)

    assert found.sampling == Sampling(max_tokens=50, temperature=1, top_p=0.5)
    assert (found.user, found.metadata, found.stream, found.extras) == ("u", {"a": "b"}, True, {})


def test_functions_are_tools_and_others_are_the_vendors() -> None:
    bare = {"type": "function", "name": "now", "parameters": None, "strict": None}

    found = decoded(tools=[{**FUNCTION, "description": "Adds", "strict": True}, bare, {"type": "web_search"}])

    assert found.tools == (
        Tool("sum", "Adds", Raw(b'{"type": "object"}'), True),
        Tool("now"),
        Unknown(NAME, Raw(b'{"type": "web_search"}')),
    )


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice(ChoiceMode.AUTO)),
        ("none", ToolChoice(ChoiceMode.NONE)),
        ("required", ToolChoice(ChoiceMode.ANY)),
        ({"type": "function", "name": "sum"}, ToolChoice(ChoiceMode.ANY, ("sum",))),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "sum"}]},
            ToolChoice(ChoiceMode.AUTO, ("sum",)),
        ),
        (None, None),
    ],
)
def test_what_is_to_be_called(choice: Any, expected: ToolChoice | None) -> None:
    assert decoded(tool_choice=choice).tool_choice == expected


def test_whether_calls_are_parallel() -> None:
    assert decoded(parallel_tool_calls=False).tool_choice == ToolChoice(parallel=False)
    assert decoded(parallel_tool_calls=True, tool_choice="auto").tool_choice == ToolChoice(
        ChoiceMode.AUTO, parallel=True
    )


def test_a_forced_tool_of_the_vendors_is_essential() -> None:
    found = decoded(tool_choice={"type": "web_search"})

    assert found.tool_choice is None
    assert found.extras == {NAME: {"tool_choice": Extra(Raw(b'{"type": "web_search"}'), True)}}


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [
        ({"effort": "high"}, ThinkingWish(Effort.HIGH)),
        ({"effort": "xhigh", "summary": "auto"}, ThinkingWish(Effort.MAX, shown=True)),
        ({"summary": "detailed"}, ThinkingWish(shown=True)),
        ({"effort": None, "summary": None}, None),
        (None, None),
    ],
)
def test_thinking(reasoning: Any, expected: ThinkingWish | None) -> None:
    assert decoded(reasoning=reasoning).thinking == expected


def test_the_form_of_the_answer() -> None:
    schema = {"type": "json_schema", "name": "n", "schema": {"a": 1}, "strict": True, "description": "d"}

    assert decoded(text={"format": {"type": "text"}}).response_format == ResponseFormat(FormatKind.TEXT)
    assert decoded(text={"format": {"type": "json_object"}}).response_format == ResponseFormat(FormatKind.JSON)
    assert decoded(text={"format": schema}).response_format == ResponseFormat(
        FormatKind.SCHEMA, Raw(b'{"a": 1}'), "n", "d", True
    )


def test_what_canonical_has_no_place_for_is_kept() -> None:
    found = decoded(
        previous_response_id="r",
        store=True,
        truncation="disabled",
        include=[],
        text={"verbosity": "low"},
        top_logprobs=0,
    )

    assert found.extras == {
        NAME: {
            "previous_response_id": Extra(Raw(b'"r"'), True),
            "store": Extra(Raw(b"true")),
            "text.verbosity": Extra(Raw(b'"low"')),
        }
    }


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"instructions": 1}, "instructions"),
        ({"temperature": "1"}, "temperature"),
        ({"tools": {}}, "tools"),
        ({"tools": [1]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{**FUNCTION, "strict": 1}]}, "tools[0].strict"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"tool_choice": 1}, "tool_choice"),
        ({"parallel_tool_calls": "x"}, "parallel_tool_calls"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"reasoning": "x"}, "reasoning"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"metadata": {"a": 1}}, "metadata[...]"),
        ({"user": 1}, "user"),
    ],
)
def test_other_types_are_refused(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decoded(**members)

    assert refused.value.param == param


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, None),
        ({"include": ["reasoning.encrypted_content"]}, None),
        ({"include": ["message.output_text.logprobs"]}, 0),
        ({"top_logprobs": 3}, 3),
    ],
)
def test_whether_tokens_are_told(asked: dict[str, Any], expected: int | None) -> None:
    assert decoded(**asked).sampling.logprobs == expected
