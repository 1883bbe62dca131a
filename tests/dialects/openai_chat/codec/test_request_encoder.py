from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw, structs

from clinx.canonical.content import Text, Thinking, Unknown
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
from clinx.dialects.base import Encoded, Severity, Target
from clinx.dialects.openai_chat.codec.request_encoder import encode_request

ASKED = ChatRequest("m", (Turn(Role.USER, (Text("hi"),)),))
HI = {"model": "up", "messages": [{"role": "user", "content": "hi"}]}
TOOL = Tool("f", cache="5m")


def encoded(**fields: Any) -> Encoded:
    return encode_request(structs.replace(ASKED, **fields), Target("up", 100))


def body(**fields: Any) -> Any:
    return json.loads(encoded(**fields).body)


def losses(**fields: Any) -> list[tuple[str, Severity]]:
    return [(loss.path, loss.severity) for loss in encoded(**fields).losses]


def test_the_smallest_request() -> None:
    assert encoded() == Encoded(b'{"model":"up","messages":[{"role":"user","content":"hi"}]}')


def test_sampling_is_written_as_it_came() -> None:
    sampling = Sampling(9, 1, 0.5, None, ("a",), 7, 0.25, -1, 2)

    assert encoded(sampling=sampling, stream=True, user="u").body == (
        b'{"model":"up","messages":[{"role":"user","content":"hi"}],"max_tokens":9,"temperature":1,"top_p":0.5,"seed":7,'
        b'"presence_penalty":0.25,"frequency_penalty":-1,"stop":["a"],"n":2,"user":"u","stream":true}'
    )


def test_tools_and_their_choice() -> None:
    tools = (TOOL, Tool("g", "Gets.", Raw(b'{"a":1}'), strict=False), Unknown("openai_chat", Raw(b'{"type":"custom"}')))
    choice = ToolChoice(ChoiceMode.ANY, ("f",), parallel=False)

    assert body(tools=tools, tool_choice=choice) == {
        **HI,
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}},
            {
                "type": "function",
                "function": {"name": "g", "description": "Gets.", "parameters": {"a": 1}, "strict": False},
            },
            {"type": "custom"},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": False,
    }


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (ToolChoice(ChoiceMode.AUTO), "auto"),
        (ToolChoice(ChoiceMode.NONE, ("f",)), "none"),
        (ToolChoice(ChoiceMode.ANY), "required"),
        (
            ToolChoice(ChoiceMode.AUTO, ("f",)),
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
        ),
        (ToolChoice(parallel=True), None),
    ],
)
def test_the_choice_of_tools(choice: ToolChoice, written: Any) -> None:
    assert body(tools=(TOOL,), tool_choice=choice).get("tool_choice") == written


def test_tools_without_a_choice() -> None:
    assert sorted(body(tools=(TOOL,))) == ["messages", "model", "tools"]


def test_a_choice_without_tools_is_not_sent() -> None:
    assert body(tool_choice=ToolChoice(ChoiceMode.AUTO)) == HI


@pytest.mark.parametrize(
    ("wanted", "written"),
    [
        (ResponseFormat(FormatKind.TEXT), {"type": "text"}),
        (ResponseFormat(FormatKind.JSON), {"type": "json_object"}),
        (
            ResponseFormat(FormatKind.SCHEMA, Raw(b"{}"), "n"),
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
        ),
        (
            ResponseFormat(FormatKind.SCHEMA, Raw(b'{"a":1}'), None, "An a.", strict=True),
            {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": {"a": 1}, "description": "An a.", "strict": True},
            },
        ),
    ],
)
def test_the_form_of_the_answer(wanted: ResponseFormat, written: Any) -> None:
    assert body(response_format=wanted)["response_format"] == written


@pytest.mark.parametrize(
    ("wish", "word", "lost"),
    [
        (ThinkingWish(Effort.HIGH), "high", []),
        (ThinkingWish(Effort.MAX), "xhigh", []),
        (ThinkingWish(Effort.NONE), "none", []),
        (ThinkingWish(budget=2000), "medium", []),
        (ThinkingWish(budget=0), None, [("thinking", Severity.HARMLESS)]),
        (ThinkingWish(), None, []),
    ],
)
def test_thinking_is_wished_for_in_one_word(wish: ThinkingWish, word: str | None, lost: Any) -> None:
    assert (body(thinking=wish).get("reasoning_effort"), losses(thinking=wish)) == (word, lost)


def test_what_cannot_be_said_is_a_loss() -> None:
    assert losses(
        sampling=Sampling(top_k=1, stop=("a", "b", "c", "d", "e")),
        metadata={"a": "b"},
        tools=(Unknown("anthropic", Raw(b"{}")),),
        extras={"openai_completions": {"echo": Extra(Raw(b"true"), is_essential=True)}},
    ) == [
        ("echo", Severity.SEVERE),
        ("tools[0]", Severity.SEVERE),
        ("stop", Severity.HARMLESS),
        ("top_k", Severity.HARMLESS),
        ("metadata", Severity.HARMLESS),
    ]


def test_what_only_this_format_has_is_put_back() -> None:
    assert body(extras={"openai_chat": {"logprobs": Extra(Raw(b"true"))}}) == {**HI, "logprobs": True}


def test_tokens_are_asked_for() -> None:
    assert body(sampling=Sampling(logprobs=0)) == {**HI, "logprobs": True, "top_logprobs": 0}


def test_earlier_thoughts_go_back_where_they_are_wanted() -> None:
    thoughtful = Turn(Role.ASSISTANT, (Thinking("hm, "), Thinking("so"), Text("yes")))
    request = structs.replace(ASKED, turns=(*ASKED.turns, thoughtful))

    def said(history: str | None) -> Any:
        return json.loads(encode_request(request, Target("up", 100, history)).body)["messages"][1]

    assert said(None) == {"role": "assistant", "content": "yes"}
    assert said("reasoning_content") == {"role": "assistant", "content": "yes", "reasoning_content": "hm, so"}
