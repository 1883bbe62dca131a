from __future__ import annotations

import json
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
from clinx.dialects.base import Severity, Target
from clinx.dialects.gemini.codec.request_encoder import encode_request

HELLO = (Turn(Role.USER, (Text("Hello"),)),)
CONTENTS = [{"role": "user", "parts": [{"text": "Hello"}]}]
F = Tool("f", "d", Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}'))


def written(turns: tuple[Turn, ...] = HELLO, **members: Any) -> tuple[Any, list[tuple[str, str]]]:
    encoded = encode_request(ChatRequest("m", turns, **members), Target("gemini-2.5-flash", 1000))
    return json.loads(encoded.body), [(loss.path, loss.severity.value) for loss in encoded.losses]


def test_the_model_is_in_the_address_and_no_bound_is_demanded() -> None:
    assert written() == ({"contents": CONTENTS}, [])


def test_instructions_come_first_wherever_they_were() -> None:
    turns = (*HELLO, Turn(Role.SYSTEM, (Text("Be brief"),)))

    body, losses = written(turns, system=(Text("Be"),))

    assert body == {"systemInstruction": {"parts": [{"text": "Be"}, {"text": "Be brief"}]}, "contents": CONTENTS}
    assert losses == [("messages", "harmless")]


@pytest.mark.parametrize(("system", "parts"), [((Text("Be"),), [{"text": "Be"}]), ((), [{"text": " "}])])
def test_there_is_always_a_content(system: Any, parts: Any) -> None:
    assert written((), system=system)[0] == {"contents": [{"role": "user", "parts": parts}]}


def test_sampling() -> None:
    sampling = Sampling(100, 3, 0.9, 40, ("a", "b", "c", "d", "e", "f"), 7, 0.1, -0.1, 2)

    body, losses = written(sampling=sampling)

    assert body["generationConfig"] == {
        "maxOutputTokens": 100,
        "temperature": 2,
        "topP": 0.9,
        "topK": 40,
        "seed": 7,
        "presencePenalty": 0.1,
        "frequencyPenalty": -0.1,
        "candidateCount": 2,
        "stopSequences": ["a", "b", "c", "d", "e"],
    }
    assert losses == [("stop", "harmless")]


@pytest.mark.parametrize(
    ("wanted", "config"),
    [
        (ResponseFormat(FormatKind.TEXT), {"responseMimeType": "text/plain"}),
        (ResponseFormat(FormatKind.JSON), {"responseMimeType": "application/json"}),
        (
            ResponseFormat(FormatKind.SCHEMA, Raw(b'{"type":"object","additionalProperties":false}'), "n", strict=True),
            {"responseMimeType": "application/json", "responseSchema": {"type": "object"}},
        ),
        (
            ResponseFormat(FormatKind.SCHEMA, Raw(b'{"oneOf":[]}')),
            {"responseMimeType": "application/json", "responseJsonSchema": {"oneOf": []}},
        ),
    ],
)
def test_the_form_of_the_answer(wanted: ResponseFormat, config: Any) -> None:
    assert written(response_format=wanted)[0]["generationConfig"] == config


def test_thinking() -> None:
    body, _ = written(thinking=ThinkingWish(Effort.LOW, shown=True))

    assert body["generationConfig"] == {"thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": True}}


def test_tools_of_both_kinds() -> None:
    tools = (
        F,
        Tool("g", schema=Raw(b'{"type":"object","properties":{}}')),
        Tool("h", schema=Raw(b'{"$ref":"#"}')),
        Tool("i"),
        Unknown("gemini", Raw(b'{"googleSearch":{}}')),
        Unknown("anthropic", Raw(b'{"type":"web_search"}')),
    )

    body, losses = written(tools=tools)

    assert body["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "description": "d",
                    "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
                },
                {"name": "g"},
                {"name": "h", "parametersJsonSchema": {"$ref": "#"}},
                {"name": "i"},
            ]
        },
        {"googleSearch": {}},
    ]
    assert losses == [("tools[5]", Severity.SEVERE.value)]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice(ChoiceMode.AUTO), {"mode": "AUTO"}),
        (ToolChoice(ChoiceMode.ANY), {"mode": "ANY"}),
        (ToolChoice(ChoiceMode.NONE, ("f",)), {"mode": "NONE"}),
        (ToolChoice(ChoiceMode.ANY, ("f",)), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (ToolChoice(ChoiceMode.AUTO, ("f",)), {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
    ],
)
def test_whether_functions_are_called(choice: ToolChoice, config: Any) -> None:
    assert written(tools=(F,), tool_choice=choice)[0]["toolConfig"] == {"functionCallingConfig": config}


@pytest.mark.parametrize(
    ("members", "losses"),
    [
        ({"tools": (F,), "tool_choice": ToolChoice(parallel=False)}, [("parallel_tool_calls", "harmless")]),
        ({"tool_choice": ToolChoice(ChoiceMode.ANY)}, []),
        ({"user": "u", "metadata": {"a": "b"}}, [("user", "harmless"), ("metadata", "harmless")]),
        ({"extras": {"openai_chat": {"logit_bias": Extra(Raw(b"{}"))}}}, [("logit_bias", "harmless")]),
    ],
)
def test_what_cannot_be_said_is_a_loss(members: Any, losses: Any) -> None:
    body, found = written(**members)

    assert found == losses
    assert "toolConfig" not in body


def test_what_only_this_format_has_is_put_back() -> None:
    extras = {
        "gemini": {
            "safetySettings": Extra(Raw(b"[]")),
            "generationConfig.responseModalities": Extra(Raw(b'["IMAGE"]')),
            "generationConfig.temperature": Extra(Raw(b"0")),
            "toolConfig.retrievalConfig": Extra(Raw(b"{}")),
        }
    }

    body, losses = written(sampling=Sampling(temperature=1), extras=extras)

    assert body == {
        "contents": CONTENTS,
        "generationConfig": {"temperature": 1, "responseModalities": ["IMAGE"]},
        "safetySettings": [],
        "toolConfig": {"retrievalConfig": {}},
    }
    assert losses == []


@pytest.mark.parametrize(
    ("wanted", "config"), [(0, {"responseLogprobs": True}), (3, {"responseLogprobs": True, "logprobs": 3})]
)
def test_tokens_are_asked_for(wanted: int, config: Any) -> None:
    assert written(sampling=Sampling(logprobs=wanted)) == ({"contents": CONTENTS, "generationConfig": config}, [])
