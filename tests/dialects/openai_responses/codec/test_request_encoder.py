from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw, structs

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
from clinx.dialects.base import Severity
from dialects.openai_responses.codec.asking import TARGET, encoded

NAME = "openai_responses"
HELLO = ChatRequest("gpt", (Turn(Role.USER, (Text("Hello"),)),))
INPUT = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}]


def written(model: str = TARGET.model, **changes: Any) -> Any:
    """The members beside those of the simplest request, and the losses."""
    body, found = encoded(structs.replace(HELLO, **changes), model)
    losses = [(loss.path, loss.severity.value) for loss in found.losses]
    plain = {"model": model, "input": INPUT, "store": False}
    assert plain.items() <= body.items()
    return {name: value for name, value in body.items() if name not in plain}, losses


def test_the_simplest_request_stores_nothing() -> None:
    assert encoded(HELLO)[0] == {"model": "upstream-model", "input": INPUT, "store": False}


def test_instructions_are_joined_and_alone_they_are_what_is_asked() -> None:
    system = (Text("Be kind"), Text("Be brief"))

    assert written(system=system) == ({"instructions": "Be kind\n\nBe brief"}, [])
    assert encoded(ChatRequest("gpt", (), system=system))[0]["input"] == "Be kind\n\nBe brief"


def test_sampling_is_clamped_and_the_rest_is_lost() -> None:
    sampling = Sampling(max_tokens=5, temperature=3, top_p=0.5, top_k=4, seed=1, stop=("x",), choices=2)

    assert written(sampling=sampling) == (
        {"max_output_tokens": 16, "temperature": 2, "top_p": 0.5},
        [("seed", "harmless"), ("top_k", "harmless"), ("stop", "severe"), ("n", "severe")],
    )


def test_tools_are_strict_only_if_that_was_asked_for() -> None:
    tools = (
        Tool("sum", "Adds", Raw(b'{"a":1}'), strict=True),
        Tool("now"),
        Unknown(NAME, Raw(b'{"type":"web_search"}')),
    )

    body, losses = written(tools=tools, tool_choice=ToolChoice(ChoiceMode.ANY, ("sum",), parallel=False))

    assert losses == []
    assert body == {
        "tools": [
            {"type": "function", "name": "sum", "description": "Adds", "parameters": {"a": 1}, "strict": True},
            {"type": "function", "name": "now", "parameters": {"type": "object", "properties": {}}, "strict": False},
            {"type": "web_search"},
        ],
        "tool_choice": {"type": "function", "name": "sum"},
        "parallel_tool_calls": False,
    }


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(ChoiceMode.AUTO), "auto"),
        (ToolChoice(ChoiceMode.NONE, ("a",)), "none"),
        (ToolChoice(ChoiceMode.ANY), "required"),
        (
            ToolChoice(ChoiceMode.AUTO, ("a",)),
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "a"}]},
        ),
    ],
)
def test_what_is_to_be_called(choice: ToolChoice, expected: object) -> None:
    assert written(tools=(Tool("a"),), tool_choice=choice)[0]["tool_choice"] == expected
    assert "tool_choice" not in written(tool_choice=choice)[0]


@pytest.mark.parametrize(
    ("model", "wish", "expected"),
    [
        ("gpt-4.1", None, {}),
        ("gpt-5.1", None, {"include": ["reasoning.encrypted_content"]}),
        ("gpt-4.1", ThinkingWish(Effort.LOW, shown=True), {"reasoning": {"effort": "low"}}),
        (
            "openai/o3",
            ThinkingWish(Effort.MAX, shown=True),
            {"include": ["reasoning.encrypted_content"], "reasoning": {"effort": "xhigh", "summary": "auto"}},
        ),
        ("gpt-4.1", ThinkingWish(budget=2000), {"reasoning": {"effort": "medium"}}),
        ("gpt-4.1", ThinkingWish(), {}),
    ],
)
def test_thinking(model: str, wish: ThinkingWish | None, expected: object) -> None:
    assert written(model, thinking=wish) == (expected, [])


def test_thoughts_that_are_off_by_budget_are_left_to_the_model() -> None:
    assert written(thinking=ThinkingWish(budget=0)) == ({}, [("thinking", "harmless")])
    assert written(thinking=ThinkingWish(Effort.NONE)) == ({"reasoning": {"effort": "none"}}, [])


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (ResponseFormat(FormatKind.TEXT), {"type": "text"}),
        (ResponseFormat(FormatKind.JSON), {"type": "json_object"}),
        (
            ResponseFormat(FormatKind.SCHEMA, Raw(b'{"a":1}'), description="d", strict=True),
            {"type": "json_schema", "name": "answer", "schema": {"a": 1}, "description": "d", "strict": True},
        ),
    ],
)
def test_the_form_of_the_answer(form: ResponseFormat, expected: object) -> None:
    assert written(response_format=form) == ({"text": {"format": expected}}, [])


def test_own_extras_come_back_and_those_of_others_are_lost() -> None:
    extras = {
        NAME: {"store": Extra(Raw(b"true")), "text.verbosity": Extra(Raw(b'"low"'))},
        "gemini": {"cachedContent": Extra(Raw(b'"x"'), is_essential=True)},
    }

    body, found = encoded(structs.replace(HELLO, extras=extras))

    assert (body["store"], body["text"]) == (True, {"verbosity": "low"})
    assert [(loss.path, loss.severity) for loss in found.losses] == [("cachedContent", Severity.SEVERE)]


def test_user_metadata_and_stream() -> None:
    assert written(user="u", metadata={"a": "b"}, stream=True) == (
        {"user": "u", "metadata": {"a": "b"}, "stream": True},
        [],
    )


def test_own_instructions_that_are_unknown_come_first() -> None:
    body, _ = encoded(structs.replace(HELLO, system=(Unknown(NAME, Raw(b'{"type":"input_x"}')),)))

    assert json.dumps(body["input"][0]) == '{"type": "message", "role": "system", "content": [{"type": "input_x"}]}'


@pytest.mark.parametrize(
    ("model", "included"),
    [
        ("gpt-4o", ["message.output_text.logprobs"]),
        ("gpt-5", ["reasoning.encrypted_content", "message.output_text.logprobs"]),
    ],
)
def test_tokens_are_asked_for(model: str, included: list[str]) -> None:
    told, _ = written(model, sampling=Sampling(logprobs=2))

    assert (told["include"], told["top_logprobs"]) == (included, 2)
