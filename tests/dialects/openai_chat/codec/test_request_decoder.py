from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from multidict import CIMultiDict

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
from clinx.dialects.base import Inbound
from clinx.dialects.openai_chat.codec.request_decoder import decode_request
from clinx.dialects.openai_chat.request import open_request
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest

HI = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
ASKED = ChatRequest("m", (Turn(Role.USER, (Text("hi"),)),))
FUNCTION = {"name": "f", "description": "Finds.", "parameters": {"type": "object"}, "strict": True}


def decoded(operation: Operation = Operation.CHAT, **body: Any) -> ChatRequest:
    given = body if operation is Operation.COMPLETE else {**HI, **body}
    data = json.dumps(given, separators=(",", ":")).encode()
    return decode_request(open_request(operation, Inbound("POST", "/", {}, {}, CIMultiDict[str](), data)))


def test_the_smallest_request() -> None:
    assert decoded() == ASKED


def test_sampling_keeps_numbers_as_they_were_written() -> None:
    request = decoded(
        max_completion_tokens=9,
        temperature=1,
        top_p=0.0,
        top_k=5,
        stop=["a", "b"],
        seed=7,
        presence_penalty=0.5,
        frequency_penalty=-1,
        n=2,
        stream=True,
        user="u",
        metadata={"a": "b"},
    )

    assert request.sampling == Sampling(9, 1, 0.0, 5, ("a", "b"), 7, 0.5, -1, 2)
    assert (request.stream, request.user, request.metadata) == (True, "u", {"a": "b"})
    assert decoded(stop="a").sampling.stop == ("a",)


def test_tools_are_functions_old_and_new_and_others_as_they_are() -> None:
    request = decoded(
        tools=[
            {"type": "function", "function": FUNCTION, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {"type": "custom", "custom": {"name": "c"}},
        ],
        functions=[{"name": "g", "parameters": None}],
    )

    assert request.tools == (
        Tool("f", "Finds.", Raw(b'{"type":"object"}'), True, "1h"),
        Unknown("openai_chat", Raw(b'{"type":"custom","custom":{"name":"c"}}')),
        Tool("g"),
    )


@pytest.mark.parametrize(
    ("body", "choice"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, ToolChoice(ChoiceMode.AUTO)),
        ({"tool_choice": "required", "parallel_tool_calls": False}, ToolChoice(ChoiceMode.ANY, parallel=False)),
        ({"parallel_tool_calls": True}, ToolChoice(parallel=True)),
        ({"function_call": "none"}, ToolChoice(ChoiceMode.NONE)),
        ({"function_call": {"name": "f"}}, ToolChoice(ChoiceMode.ANY, ("f",))),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, ToolChoice(ChoiceMode.ANY, ("f",))),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
                }
            },
            ToolChoice(ChoiceMode.AUTO, ("f",)),
        ),
    ],
)
def test_what_is_to_be_called(body: dict[str, Any], choice: ToolChoice | None) -> None:
    assert decoded(**body).tool_choice == choice


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"type": "text"}, ResponseFormat(FormatKind.TEXT)),
        ({"type": "json_object"}, ResponseFormat(FormatKind.JSON)),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {"a": 1.0}, "strict": True}},
            ResponseFormat(FormatKind.SCHEMA, Raw(b'{"a":1.0}'), "n", None, True),
        ),
    ],
)
def test_the_form_of_the_answer(wanted: Any, found: ResponseFormat) -> None:
    assert decoded(response_format=wanted).response_format == found


@pytest.mark.parametrize(
    ("body", "wish"),
    [
        ({"reasoning_effort": "minimal"}, ThinkingWish(Effort.MINIMAL)),
        ({"reasoning_effort": "xhigh"}, ThinkingWish(Effort.MAX)),
        ({"reasoning": {"effort": "low", "exclude": True}}, ThinkingWish(Effort.LOW, shown=False)),
        ({"reasoning": {"max_tokens": 9}}, ThinkingWish(budget=9)),
        ({"reasoning": {"enabled": False}}, ThinkingWish(Effort.NONE)),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, ThinkingWish(budget=9)),
        ({"thinking": {"type": "disabled"}}, ThinkingWish(Effort.NONE)),
        ({"enable_thinking": False}, ThinkingWish(Effort.NONE)),
        ({"enable_thinking": True, "thinking_budget": 9}, ThinkingWish(budget=9)),
    ],
)
def test_thinking_is_wished_for_in_many_words(body: dict[str, Any], wish: ThinkingWish) -> None:
    assert decoded(**body).thinking == wish


def test_what_canonical_has_no_place_for_is_kept_unless_it_asks_for_nothing() -> None:
    request = decoded(modalities=["audio"], store=False, logit_bias={"1": 1}, audio=None, service_tier=None)

    assert request.extras == {
        "openai_chat": {"modalities": Extra(Raw(b'["audio"]'), True), "logit_bias": Extra(Raw(b'{"1":1}'))},
    }


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"stop": [1]}, "stop[0]"),
        ({"tools": [{"function": {"name": 1}}]}, "tools[0].function.name"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "x"}}}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.schema"),
        ({"reasoning_effort": "some"}, "reasoning_effort"),
        ({"reasoning": {"effort": "some"}}, "reasoning.effort"),
        ({"metadata": {"a": 1}}, "metadata[...]"),
        ({"user": 1}, "user"),
    ],
)
def test_what_is_no_value_of_a_member_is_refused(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        decoded(**body)

    assert raised.value.param == param


@pytest.mark.parametrize("prompt", ["hi", ["hi"]])
def test_a_text_completion_is_a_chat_of_one_turn(prompt: Any) -> None:
    request = decoded(Operation.COMPLETE, model="m", prompt=prompt, max_tokens=3, echo=True, best_of=1)

    assert request == ChatRequest(
        "m",
        (Turn(Role.USER, (Text("hi"),)),),
        sampling=Sampling(max_tokens=3),
        extras={"openai_completions": {"echo": Extra(Raw(b"true"), True), "best_of": Extra(Raw(b"1"))}},
    )


@pytest.mark.parametrize("prompt", [["a", "b"], [1, 2], [[1], [2]]])
def test_several_prompts_and_tokens_are_no_chat(prompt: Any) -> None:
    with pytest.raises(InvalidRequest) as raised:
        decoded(Operation.COMPLETE, model="m", prompt=prompt)

    assert (raised.value.message, raised.value.param) == ("This model takes one prompt, as a string.", "prompt")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [({}, None), ({"logprobs": False}, None), ({"logprobs": True}, 0), ({"logprobs": True, "top_logprobs": 3}, 3)],
)
def test_whether_tokens_are_told(asked: dict[str, Any], expected: int | None) -> None:
    assert decoded(**asked).sampling.logprobs == expected
