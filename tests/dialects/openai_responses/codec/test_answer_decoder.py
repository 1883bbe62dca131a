from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import Image, Inline, Part, Refusal, Signature, Text, Thinking, ToolCall, Unknown
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.dialects.openai_responses.codec.answer_decoder import decode_answer
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken

NAME = "openai_responses"
SEARCH = {"type": "web_search_call", "id": "ws_1"}


def said(*content: Any) -> dict[str, Any]:
    return {"type": "message", "content": [*content]}


def parts(*output: Any) -> tuple[Part, ...]:
    return decode_answer(json.dumps({"output": output}).encode()).choices[0].parts


def test_a_whole_answer() -> None:
    body = {
        "id": "resp_1",
        "model": "gpt-5",
        "status": "completed",
        "output": [said({"type": "output_text", "text": "Hello"})],
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }

    assert decode_answer(json.dumps(body).encode()) == ChatResponse(
        "resp_1", "gpt-5", (Choice((Text("Hello"),), FinishReason.STOP, "completed"),), Usage(input=3, output=2, call=1)
    )


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (said({"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "b"}), (Text("a"), Refusal("b"))),
        (said(1, {"type": "output_text"}, {"type": "refusal"}), (Refusal(""),)),
        (
            {"type": "function_call", "call_id": "c", "name": "sum", "arguments": "{]"},
            (ToolCall("c", "sum", "{]"),),
        ),
        ({"type": "function_call", "name": "sum", "arguments": {"a": 1}}, (ToolCall("", "sum", '{"a":1}'),)),
        (
            {"type": "reasoning", "id": "rs", "summary": [{"text": "a"}, 1, {"text": "b"}], "encrypted_content": "g"},
            (Thinking("a\n\nb", Signature(NAME, "g"), id="rs"),),
        ),
        ({"type": "reasoning", "content": [{"text": "a"}], "summary": None}, (Thinking("a"),)),
        ({"type": "image_generation_call", "result": "AA"}, (Image(Inline("image/png", "AA")),)),
        (SEARCH, (Unknown(NAME, Raw(b'{"type":"web_search_call","id":"ws_1"}')),)),
        ({}, ()),
        ("x", ()),
    ],
)
def test_items(item: Any, expected: tuple[Part, ...]) -> None:
    assert parts(item) == expected


def test_a_call_is_waited_for() -> None:
    body = json.dumps({"status": "completed", "output": [{"type": "function_call", "name": "a"}]}).encode()

    assert decode_answer(body).choices[0].finish is FinishReason.TOOL_CALLS


def test_text_is_cleaned() -> None:
    body = b'{"output":[{"type":"message","content":[{"type":"output_text","text":"a\\ud800\xff"}]}]}'

    assert decode_answer(body).choices[0].parts == (Text("a?\ufffd"),)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"1", b"[" * 100_000])
def test_what_is_no_object_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        decode_answer(body)


@pytest.mark.parametrize("output", [None, {}, 1, [None], [{"type": []}], [{"type": "message", "content": {}}]])
def test_odd_answers_never_raise(output: Any) -> None:
    assert decode_answer(json.dumps({"output": output, "id": 1, "model": []}).encode()).id == ""
