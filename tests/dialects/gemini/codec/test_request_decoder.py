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
from clinx.dialects.gemini.codec.request_decoder import decode_request
from clinx.errors import InvalidRequest
from dialects.gemini.asking import HELLO, opened


def read(body: Any = None, **config: Any) -> ChatRequest:
    return decode_request(opened({**HELLO, **(body or {}), **({"generationConfig": config} if config else {})}))


def test_the_smallest_request() -> None:
    assert read() == ChatRequest("gemini-pro", (Turn(Role.USER, (Text("Hello"),)),))


def test_whether_to_stream_is_in_the_address() -> None:
    assert decode_request(opened(method="streamGenerateContent")).stream


@pytest.mark.parametrize("name", ["systemInstruction", "system_instruction"])
def test_instructions(name: str) -> None:
    assert read({name: {"role": "system", "parts": [{"text": "Be"}, {"text": "brief"}]}}).system == (
        Text("Be"),
        Text("brief"),
    )


def test_sampling() -> None:
    found = read(
        temperature=1.5,
        topP=0.9,
        top_k=40.0,
        max_output_tokens=100,
        stopSequences=["END"],
        seed=7,
        presencePenalty=0.1,
        frequencyPenalty=-0.1,
        candidateCount=2,
    )

    assert found.sampling == Sampling(100, 1.5, 0.9, 40, ("END",), 7, 0.1, -0.1, 2)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"responseMimeType": "application/json"}, ResponseFormat(FormatKind.JSON)),
        ({"responseMimeType": "text/plain"}, ResponseFormat(FormatKind.TEXT)),
        (
            {"response_mime_type": "application/json", "response_schema": {"type": "OBJECT"}},
            ResponseFormat(FormatKind.SCHEMA, Raw(b'{"type":"object"}')),
        ),
        (
            {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}},
            ResponseFormat(FormatKind.SCHEMA, Raw(b'{"type": "object"}')),
        ),
        ({"temperature": 1}, None),
    ],
)
def test_the_form_of_the_answer(config: Any, expected: ResponseFormat | None) -> None:
    found = read(**config)

    assert found.response_format == expected
    assert found.extras == {}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"thinkingBudget": 1024, "includeThoughts": True}, ThinkingWish(budget=1024, shown=True)),
        ({"thinking_budget": -1}, ThinkingWish(budget=-1)),
        ({"thinkingLevel": "low"}, ThinkingWish(Effort.LOW)),
        ({"thinkingLevel": "XHIGH"}, ThinkingWish(Effort.MAX)),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, ThinkingWish()),
        ({}, ThinkingWish()),
    ],
)
def test_how_much_thinking(config: Any, expected: ThinkingWish) -> None:
    assert read(thinkingConfig=config).thinking == expected


def test_tools_of_both_kinds() -> None:
    declared = [
        {"name": "f", "description": "d", "parameters": {"type": "OBJECT"}},
        {"name": "g", "parametersJsonSchema": {"type": "object"}, "parameters": {"type": "X"}},
        {"name": "h", "behavior": "BLOCKING"},
    ]

    assert read({"tools": [{"functionDeclarations": declared, "googleSearch": {}}, {"code_execution": {}}]}).tools == (
        Tool("f", "d", Raw(b'{"type":"object"}')),
        Tool("g", None, Raw(b'{"type": "object"}')),
        Tool("h"),
        Unknown("gemini", Raw(b'{"googleSearch":{}}')),
        Unknown("gemini", Raw(b'{"code_execution":{}}')),
    )


@pytest.mark.parametrize(
    ("config", "choice"),
    [
        ({"mode": "AUTO"}, ToolChoice(ChoiceMode.AUTO)),
        ({"mode": "any", "allowedFunctionNames": ["f"]}, ToolChoice(ChoiceMode.ANY, ("f",))),
        ({"mode": "NONE"}, ToolChoice(ChoiceMode.NONE)),
        ({"mode": "VALIDATED", "allowed_function_names": ["f"]}, ToolChoice(ChoiceMode.AUTO, ("f",))),
        ({"mode": "MODE_UNSPECIFIED"}, None),
        ({}, None),
    ],
)
def test_whether_functions_are_called(config: Any, choice: ToolChoice | None) -> None:
    assert read({"toolConfig": {"functionCallingConfig": config}}).tool_choice == choice


def test_what_only_this_format_has_is_kept_beside() -> None:
    found = read(
        {"safetySettings": [], "cachedContent": "c", "toolConfig": {"retrievalConfig": {}}},
        responseModalities=["IMAGE"],
        audioTimestamp=True,
        responseMimeType="text/x.enum",
        responseSchema={},
    )

    assert found.extras == {
        "gemini": {
            "safetySettings": Extra(Raw(b"[]")),
            "cachedContent": Extra(Raw(b'"c"'), is_essential=True),
            "generationConfig.responseModalities": Extra(Raw(b'["IMAGE"]'), is_essential=True),
            "generationConfig.audioTimestamp": Extra(Raw(b"true")),
            "generationConfig.responseMimeType": Extra(Raw(b'"text/x.enum"'), is_essential=True),
            "generationConfig.responseSchema": Extra(Raw(b"{}")),
            "toolConfig.retrievalConfig": Extra(Raw(b"{}")),
        }
    }


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"systemInstruction": "Be brief"}, "systemInstruction"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"functionDeclarations": {}}]}, "tools[0].functionDeclarations"),
        ({"tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations"),
        ({"toolConfig": []}, "toolConfig"),
        ({"toolConfig": {"functionCallingConfig": {"mode": 1}}}, "toolConfig.functionCallingConfig.mode"),
        ({"generationConfig": {"temperature": "1"}}, "generationConfig.temperature"),
        ({"generationConfig": {"stopSequences": "END"}}, "generationConfig.stopSequences"),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingBudget": "9"}}},
            "generationConfig.thinkingConfig.thinkingBudget",
        ),
        ({"generationConfig": {"responseMimeType": 1}}, "generationConfig.responseMimeType"),
    ],
)
def test_what_has_another_type_is_refused_by_its_place(body: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(body)

    assert caught.value.param == param


def test_what_is_no_utf_8_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="UTF-8"):
        decode_request(opened(b'{"contents":[{"parts":[{"text":"Hi"}]}],"labels":"\xff"}'))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, None),
        ({"logprobs": 3}, None),
        ({"responseLogprobs": False, "logprobs": 3}, None),
        ({"responseLogprobs": True}, 0),
        ({"response_logprobs": True, "logprobs": 3}, 3),
    ],
)
def test_whether_tokens_are_told(config: dict[str, Any], expected: int | None) -> None:
    assert read(**config).sampling.logprobs == expected
