from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import (
    Audio,
    Image,
    Inline,
    Part,
    Refusal,
    Signature,
    Text,
    Thinking,
    ToolCall,
    Unknown,
)
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.dialects.anthropic.codec.answer_decoder import decode_answer
from clinx.dialects.anthropic.codec.answer_encoder import call_id, encode_answer, encode_head, encode_part
from clinx.domain.usage import Usage
from dialects.anthropic.codec.asking import answering

OWN = Signature("anthropic", "s")


def encoded(*parts: Part, finish: FinishReason = FinishReason.STOP) -> tuple[Any, list[tuple[str, str]]]:
    result = encode_answer(ChatResponse("msg_1", "upstream", (Choice(parts, finish),)), answering())
    return json.loads(result.body), [(loss.path, loss.severity.value) for loss in result.losses]


def test_an_answer_becomes_a_message() -> None:
    response = ChatResponse("msg_1", "upstream", (Choice((Text("Hi"),)),), Usage(input=9, output=3, call=1))

    assert json.loads(encode_answer(response, answering()).body) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "public",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 9,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 3,
        },
    }


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Text("Hi"), {"type": "text", "text": "Hi"}),
        (Text(""), None),
        (Refusal("No"), {"type": "text", "text": "No"}),
        (Thinking("hm", OWN), {"type": "thinking", "thinking": "hm", "signature": "s"}),
        (Thinking("hm"), {"type": "thinking", "thinking": "hm", "signature": ""}),
        (Thinking("hm", Signature("gemini", "g")), {"type": "thinking", "thinking": "hm", "signature": ""}),
        (Thinking("", OWN), {"type": "thinking", "thinking": "", "signature": "s"}),
        (Thinking(""), None),
        (Thinking("", redacted=OWN), {"type": "redacted_thinking", "data": "s"}),
        (Audio(None, "spoken"), {"type": "text", "text": "spoken"}),
        (Audio(Inline("audio/wav", "QUJD")), None),
        (Image(Inline("image/png", "QUJD")), None),
        (Unknown("anthropic", Raw(b"{}")), Raw(b"{}")),
        (Unknown("gemini", Raw(b"{}")), None),
    ],
)
def test_parts_become_blocks(part: Part, block: Any) -> None:
    assert encode_part(part, answering()) == block


def test_calls_have_an_id_and_an_object() -> None:
    body, losses = encoded(
        ToolCall("call_9", "f", '{"a": 1}'), ToolCall("", "g", "oops"), finish=FinishReason.TOOL_CALLS
    )

    assert body["content"] == [
        {"type": "tool_use", "id": "call_9", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "toolu_1", "name": "g", "input": {"raw": "oops"}},
    ]
    assert body["stop_reason"] == "tool_use"
    assert losses == [("content[1]", "harmless")]


def test_what_cannot_be_said_is_a_loss() -> None:
    _, losses = encoded(Image(Inline("image/png", "QUJD")), Unknown("gemini", Raw(b"{}")), Thinking(""))

    assert losses == [("content[0]", "severe"), ("content[1]", "severe")]


def test_of_several_answers_the_first_is_written() -> None:
    response = ChatResponse("", "", (Choice((Text("a"),)), Choice((Text("b"),))))

    result = encode_answer(response, answering())

    assert json.loads(result.body)["content"] == [{"type": "text", "text": "a"}]
    assert [(loss.path, loss.severity.value) for loss in result.losses] == [("n", "severe")]
    assert json.loads(encode_answer(ChatResponse("", "", ()), answering()).body)["content"] == []


def test_what_was_written_is_read_again() -> None:
    parts = (Thinking("hm", OWN), Text("Hi"), ToolCall("t", "f", '{"a":1}'))
    usage = Usage(input=9, cache_read=4, output=3, reasoning=2, call=1)
    response = ChatResponse("msg_1", "public", (Choice(parts, FinishReason.TOOL_CALLS, "tool_use"),), usage)

    assert decode_answer(encode_answer(response, answering()).body) == response


def test_ids_are_made_where_there_are_none() -> None:
    assert encode_head("", answering())["id"] == "msg_1"
    assert encode_head("msg_9", answering())["id"] == "msg_9"
    assert call_id(ToolCall("", "f", ""), answering()) == "toolu_1"
