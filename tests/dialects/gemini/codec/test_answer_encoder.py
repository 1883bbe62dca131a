from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import (
    Audio,
    File,
    Image,
    Inline,
    Part,
    Refusal,
    Remote,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
    Uploaded,
)
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.dialects.gemini.codec.answer_encoder import candidate, encode_answer
from clinx.dialects.gemini.request import open_request
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from dialects.gemini.asking import HELLO, answering, post

MINE, THEIRS = Signature("gemini", "c2ln"), Signature("anthropic", "x")


def written(*parts: Part, **config: Any) -> Any:
    encoded = encode_answer(ChatResponse("", "up", (Choice(parts),)), answering(**config))
    return json.loads(encoded.body)["candidates"][0]["content"]["parts"]


def test_a_whole_answer() -> None:
    choices = (Choice((Text("Hi"),)), Choice((Text("Ho"),), FinishReason.LENGTH))

    encoded = encode_answer(ChatResponse("r1", "up", choices, Usage(input=9, output=3)), answering())

    assert json.loads(encoded.body) == {
        "candidates": [
            {"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP", "index": 0},
            {"content": {"parts": [{"text": "Ho"}], "role": "model"}, "finishReason": "MAX_TOKENS", "index": 1},
        ],
        "usageMetadata": {
            "promptTokenCount": 9,
            "candidatesTokenCount": 3,
            "totalTokenCount": 12,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}],
        },
        "modelVersion": "gemini-pro",
        "responseId": "r1",
    }
    assert encoded.losses == ()


def test_an_answer_without_an_id_is_given_one() -> None:
    encoded = encode_answer(ChatResponse("", "up", ()), answering())

    assert json.loads(encoded.body) == {"candidates": [], "modelVersion": "gemini-pro", "responseId": "resp_1"}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Text("Hi", signature=MINE), [{"text": "Hi", "thoughtSignature": "c2ln"}]),
        (Text("Hi", signature=THEIRS), [{"text": "Hi"}]),
        (Refusal("No"), [{"text": "No"}]),
        (
            ToolCall("", "f", '{"a":1}', MINE),
            [{"functionCall": {"id": "call_1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}],
        ),
        (ToolCall("x", "f", "oh"), [{"functionCall": {"id": "x", "name": "f", "args": {"arguments": "oh"}}}]),
        (Image(Inline("image/png", "QUJD")), [{"inlineData": {"mimeType": "image/png", "data": "QUJD"}}]),
        (File(Remote("https://x/a", "video/mp4")), [{"fileData": {"mimeType": "video/mp4", "fileUri": "https://x/a"}}]),
        (Image(Uploaded("openai_chat", "x")), []),
        (Audio(Inline("audio/wav", "QUJD"), "said"), [{"inlineData": {"mimeType": "audio/wav", "data": "QUJD"}}]),
        (Audio(None, "said"), [{"text": "said"}]),
        (Unknown("gemini", Raw(b'{"executableCode":{}}')), [{"executableCode": {}}]),
        (ToolResult("x", ()), []),
    ],
)
def test_each_part_is_said_in_its_own_words(part: Part, expected: Any) -> None:
    assert written(part) == expected


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        ({}, [{"text": "Hi"}]),
        ({"thinkingConfig": {"includeThoughts": False}}, [{"text": "Hi"}]),
        ({"thinkingConfig": {"includeThoughts": True}}, [{"text": "Hm", "thought": True}, {"text": "Hi"}]),
        ({"thinking_config": {"include_thoughts": True}}, [{"text": "Hm", "thought": True}, {"text": "Hi"}]),
        ({"thinkingConfig": []}, [{"text": "Hi"}]),
    ],
)
def test_thoughts_are_shown_to_who_asked_for_them(config: Any, parts: Any) -> None:
    assert written(Thinking("Hm"), Thinking(""), Text("Hi"), **config) == parts


def test_what_only_another_format_has_is_a_harmless_loss() -> None:
    choice = Choice((Text("Hi"), Unknown("anthropic", Raw(b"{}"))))

    encoded = encode_answer(ChatResponse("", "", (choice,)), answering(open_request(Operation.CHAT, post(HELLO))))

    assert [(loss.path, loss.severity.value) for loss in encoded.losses] == [("choices[0].content[1]", "harmless")]


def test_a_piece_of_a_candidate_has_no_reason() -> None:
    assert candidate(1, ({"text": "Hi"},)) == {"content": {"parts": ({"text": "Hi"},), "role": "model"}, "index": 1}
