from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import Text, Thinking, ToolCall, ToolResult, Unknown
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
from clinx.dialects.anthropic.codec.request_encoder import encode_request
from clinx.dialects.base import Target

OLD, NEW = "claude-sonnet-4-5", "claude-opus-5"
HELLO = Turn(Role.USER, (Text("Hello"),))
SAID = {"role": "user", "content": [{"type": "text", "text": "Hello"}]}
TOOL = Tool("f", schema=Raw(b'{"type":"object"}'))
WRITTEN = {"name": "f", "input_schema": {"type": "object"}}


def encoded(*turns: Turn, model: str = OLD, most: int | None = None, **members: Any) -> tuple[Any, dict[str, str]]:
    request = ChatRequest("public", turns or (HELLO,), **members)
    result = encode_request(request, Target(model, most))
    return json.loads(result.body), {loss.path: loss.severity.value for loss in result.losses}


def test_a_request_of_little() -> None:
    assert encoded() == ({"model": OLD, "max_tokens": 4096, "messages": [SAID]}, {})


@pytest.mark.parametrize(
    ("asked", "model", "bound"), [(None, None, 4096), (None, 8000, 8000), (70, 8000, 70), (0, 1, 0)]
)
def test_the_bound_is_the_callers_or_the_models(asked: int | None, model: int | None, bound: int) -> None:
    body, _ = encoded(most=model, sampling=Sampling(max_tokens=asked))

    assert body["max_tokens"] == bound


def test_neighbours_of_one_role_are_one_message_with_results_first() -> None:
    body, _ = encoded(
        HELLO,
        Turn(Role.ASSISTANT, (ToolCall("t", "f", "{}"),)),
        Turn(Role.USER, (Text("and"),)),
        Turn(Role.USER, (ToolResult("t", (Text("42"),)),)),
    )

    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert [block["type"] for block in body["messages"][2]["content"]] == ["tool_result", "text"]


@pytest.mark.parametrize("turns", [(Turn(Role.ASSISTANT, (Text("Hi"),)), HELLO), (Turn(Role.SYSTEM, (Text("x"),)),)])
def test_a_conversation_begins_with_the_user(turns: tuple[Turn, ...]) -> None:
    body, _ = encoded(*turns)

    assert body["messages"][0] == {"role": "user", "content": "."}


def test_what_the_assistant_goes_on_from_does_not_end_in_white_space() -> None:
    body, _ = encoded(HELLO, Turn(Role.ASSISTANT, (Text("The answer is \n"),)))

    assert body["messages"][1] == {"role": "assistant", "content": [{"type": "text", "text": "The answer is"}]}


def test_a_turn_of_nothing_that_can_be_said_is_left_out() -> None:
    body, losses = encoded(HELLO, Turn(Role.ASSISTANT, (Thinking("hm"),)))

    assert (body["messages"], losses) == ([SAID], {})


def test_instructions_come_first_wherever_they_stood() -> None:
    body, losses = encoded(HELLO, Turn(Role.SYSTEM, (Text("Late."),)), system=(Text("Early.", "5m"), Text("")))

    assert body["system"] == [
        {"type": "text", "text": "Early.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Late."},
    ]
    assert losses == {"messages": "harmless"}


def test_tools_are_written_and_those_of_others_are_lost() -> None:
    search = b'{"type":"web_search_20250305","name":"web_search"}'
    tools = (
        Tool("f", "d", Raw(b'{"type":"object","$defs":{}}'), strict=True, cache="5m"),
        Tool("g"),
        Unknown("anthropic", Raw(search)),
        Unknown("gemini", Raw(b"{}")),
    )

    body, losses = encoded(tools=tools)

    assert body["tools"] == [
        {
            "name": "f",
            "description": "d",
            "input_schema": {"type": "object", "$defs": {}},
            "cache_control": {"type": "ephemeral"},
        },
        {"name": "g", "input_schema": {"type": "object", "properties": {}}},
        json.loads(search),
    ]
    assert losses == {"tools[3]": "severe"}


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (None, None),
        (ToolChoice(ChoiceMode.AUTO), {"type": "auto"}),
        (ToolChoice(ChoiceMode.NONE, parallel=False), {"type": "none"}),
        (ToolChoice(ChoiceMode.ANY), {"type": "any"}),
        (ToolChoice(ChoiceMode.ANY, ("f",)), {"type": "tool", "name": "f"}),
        (ToolChoice(parallel=False), {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(parallel=True), None),
        (ToolChoice(ChoiceMode.ANY, parallel=True), {"type": "any", "disable_parallel_tool_use": False}),
    ],
)
def test_what_is_to_be_called(choice: ToolChoice | None, written: Any) -> None:
    body, losses = encoded(tools=(TOOL,), tool_choice=choice)

    assert (body.get("tool_choice"), losses) == (written, {})


def test_a_choice_without_tools_is_not_sent() -> None:
    body, _ = encoded(tool_choice=ToolChoice(ChoiceMode.AUTO))

    assert "tool_choice" not in body


def test_of_several_tools_only_those_that_may_be_called_are_sent() -> None:
    tools = tuple(Tool(name) for name in "fgh")

    body, _ = encoded(tools=tools, tool_choice=ToolChoice(ChoiceMode.ANY, ("f", "h")))

    assert [tool["name"] for tool in body["tools"]] == ["f", "h"]
    assert body["tool_choice"] == {"type": "any"}


@pytest.mark.parametrize(
    ("model", "sent", "lost"),
    [
        ("glm-4.6", {"temperature": 1, "top_p": 0.5, "top_k": 40}, {}),
        (OLD, {"temperature": 1, "top_k": 40}, {"top_p": "harmless"}),
        (NEW, {}, {"temperature": "harmless", "top_p": "harmless", "top_k": "harmless"}),
    ],
)
def test_of_sampling_the_model_gets_what_it_takes(model: str, sent: Any, lost: Any) -> None:
    body, losses = encoded(model=model, sampling=Sampling(temperature=1.7, top_p=0.5, top_k=40))

    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == sent
    assert losses == lost


def test_a_model_that_thinks_takes_no_other_sampling() -> None:
    body, losses = encoded(thinking=ThinkingWish(Effort.LOW), most=10_000, sampling=Sampling(temperature=0))

    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert "temperature" not in body
    assert losses == {"temperature": "harmless"}


def test_a_temperature_of_zero_is_sent() -> None:
    body, _ = encoded(sampling=Sampling(temperature=0))

    assert body["temperature"] == 0


def test_white_space_is_no_stop_sequence() -> None:
    body, losses = encoded(sampling=Sampling(stop=("END", "\n")))

    assert (body["stop_sequences"], losses) == (["END"], {"stop": "harmless"})


def test_a_strict_schema_is_sent_to_models_that_take_one() -> None:
    form = ResponseFormat(FormatKind.SCHEMA, Raw(b'{"type":"object"}'), strict=True)

    body, losses = encoded(response_format=form, thinking=ThinkingWish(Effort.HIGH), model=NEW)

    schema = {"type": "json_schema", "schema": {"type": "object"}}
    assert (body["output_config"], losses) == ({"effort": "high", "format": schema}, {})


@pytest.mark.parametrize(
    ("form", "model", "ending"),
    [
        (ResponseFormat(FormatKind.JSON), OLD, "code fence."),
        (ResponseFormat(FormatKind.SCHEMA, Raw(b'{"a":1}')), OLD, 'Schema: {"a":1}'),
        (ResponseFormat(FormatKind.SCHEMA, Raw(b'{"a":1}'), strict=True), "glm-4.6", 'Schema: {"a":1}'),
    ],
)
def test_any_other_form_is_asked_for_in_words(form: ResponseFormat, model: str, ending: str) -> None:
    body, losses = encoded(response_format=form, model=model, system=(Text("Be brief."),))

    assert body["system"][0]["text"] == "Be brief."
    assert body["system"][1]["text"].endswith(ending)
    assert losses == {"response_format": "harmless"}


def test_text_is_the_usual_form() -> None:
    assert encoded(response_format=ResponseFormat(FormatKind.TEXT)) == encoded()


def test_what_this_format_has_no_words_for() -> None:
    sampling = Sampling(seed=7, presence_penalty=0.5, frequency_penalty=0, choices=2)

    body, losses = encoded(sampling=sampling, metadata={"a": "b"}, user="u", stream=True)

    assert (body["metadata"], body["stream"]) == ({"user_id": "u"}, True)
    assert losses == {"seed": "harmless", "presence_penalty": "harmless", "metadata": "harmless", "n": "severe"}


def test_members_of_this_format_are_put_back_and_those_of_others_are_lost() -> None:
    extras = {
        "anthropic": {"service_tier": Extra(Raw(b'"auto"')), "tools[0].defer_loading": Extra(Raw(b"true"))},
        "openai_chat": {"logit_bias": Extra(Raw(b"{}")), "audio": Extra(Raw(b"{}"), is_essential=True)},
    }

    body, losses = encoded(extras=extras)

    assert body["service_tier"] == "auto"
    assert losses == {"logit_bias": "harmless", "audio": "severe"}


def test_how_likely_tokens_are_is_not_told() -> None:
    assert encoded(sampling=Sampling(logprobs=0))[1] == {"logprobs": "severe"}
