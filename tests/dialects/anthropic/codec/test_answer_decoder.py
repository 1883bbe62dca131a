from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.canonical.content import Part, Signature, Text, Thinking, ToolCall, Unknown
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.dialects.anthropic.codec.answer_decoder import decode_answer, decode_part, signature_in
from clinx.dialects.anthropic.response import read_answer
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken
from dialects import golden


def test_a_message_becomes_an_answer() -> None:
    body = {
        "id": "msg_1",
        "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": "Hi", "citations": []}],
        "stop_reason": "stop_sequence",
        "stop_sequence": "END",
        "usage": {"input_tokens": 9, "output_tokens": 3},
    }

    assert decode_answer(json.dumps(body).encode()) == ChatResponse(
        "msg_1",
        "claude-sonnet-4-5",
        (Choice((Text("Hi"),), FinishReason.STOP, "stop_sequence", "END"),),
        Usage(input=9, output=3, call=1),
    )


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "thinking", "thinking": "hm", "signature": "s"}, Thinking("hm", Signature("anthropic", "s"))),
        ({"type": "thinking", "thinking": "hm", "signature": ""}, Thinking("hm")),
        ({"type": "redacted_thinking", "data": "x"}, Thinking("", redacted=Signature("anthropic", "x"))),
        ({"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}, ToolCall("t", "f", '{"a":1}')),
        ({"type": "tool_use", "id": "t", "name": "f", "input": '{"a": 1}'}, ToolCall("t", "f", '{"a": 1}')),
        ({"type": "tool_use", "input": 7}, ToolCall("", "", "")),
        ({"type": "text"}, Text("")),
    ],
)
def test_blocks_become_parts(block: Any, part: Part) -> None:
    assert decode_part(block) == part


def test_blocks_of_unknown_kinds_stay_as_they_are() -> None:
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "ü"}}

    part = decode_part(block)

    assert isinstance(part, Unknown)
    assert (part.dialect, json.loads(bytes(part.payload))) == ("anthropic", block)


def test_an_answer_with_a_call_waits_for_its_result() -> None:
    body = {"content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}], "stop_reason": "end_turn"}

    assert decode_answer(json.dumps(body).encode()).choices[0].finish is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("body", [b"{}", b'{"content":7,"id":[],"usage":"odd","stop_reason":{}}', b'{"content":[7]}'])
def test_what_is_odd_is_left_out(body: bytes) -> None:
    assert decode_answer(body) == ChatResponse("", "", (Choice(()),), None)


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"<html>", b"[" * 100_000])
def test_what_is_no_object_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        decode_answer(body)


@pytest.mark.parametrize("name", golden.cases("anthropic", "responses"))
def test_both_readers_see_the_same_usage_in(name: str) -> None:
    body, _ = golden.read("anthropic", "responses", name)

    assert decode_answer(body).usage == read_answer(body).usage


def test_only_text_is_text() -> None:
    assert [signature_in(value) for value in ("a", "", 7)] == [Signature("anthropic", "a"), None, None]
