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
    Remote,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from clinx.canonical.request import Role, Turn
from clinx.dialects.openai_chat.codec.messages import Conversation
from clinx.errors import InvalidRequest


def read(*messages: Any) -> Conversation:
    conversation = Conversation()
    conversation.read(memoryview(json.dumps(messages).encode()))
    return conversation


def parts_of(message: dict[str, Any]) -> tuple[Part, ...]:
    conversation = read(message)
    return conversation.turns[0].parts if conversation.turns else tuple(conversation.system)


def test_instructions_come_first_or_are_turns_of_their_own() -> None:
    conversation = read(
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}}]},
        {"role": "user", "content": "hi", "name": "ann"},
        {"role": "system", "content": "c"},
    )

    assert conversation.system == [Text("a"), Text("b", "5m")]
    assert conversation.turns == [Turn(Role.USER, (Text("hi"),), "ann"), Turn(Role.SYSTEM, (Text("c"),))]


def test_content_is_a_text_or_parts_in_order() -> None:
    content = [
        {"text": "a"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "refusal", "refusal": "no"},
        {"type": "novel", "x": 1},
        {"type": "text"},
    ]

    assert parts_of({"role": "user", "content": content}) == (
        Text("a"),
        Image(Inline("image/png", "AAAA")),
        Refusal("no"),
        Unknown("openai_chat", Raw(b'{"type": "novel", "x": 1}')),
        Unknown("openai_chat", Raw(b'{"type": "text"}')),
    )


def test_what_an_assistant_said_is_thoughts_text_and_calls() -> None:
    message = {
        "role": "assistant",
        "reasoning_content": "hm",
        "content": "so",
        "refusal": "no",
        "audio": {"id": "audio_1"},
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
            {"type": "function", "function": {"name": "g", "arguments": {"b": 1.0}}},
            {"id": "c3", "function": {"name": "h", "arguments": None}},
            {"id": "c4", "type": "custom", "custom": {"name": "x"}},
        ],
    }

    *parts, custom = parts_of(message)

    assert parts == [
        Thinking("hm"),
        Text("so"),
        Refusal("no"),
        Audio(None, id="audio_1"),
        ToolCall("c1", "f", '{"a":1}'),
        ToolCall("call_0_1", "g", '{"b": 1.0}'),
        ToolCall("c3", "h", ""),
    ]
    assert isinstance(custom, Unknown)


def test_signed_thoughts_are_read_instead_of_their_text() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": "sig"}

    assert parts_of({"role": "assistant", "reasoning": "hm", "thinking_blocks": [block, 1], "content": ""}) == (
        Thinking("hm", Signature("anthropic", "sig")),
    )
    assert parts_of({"role": "assistant", "content": [block, {"type": "thinking"}]}) == (
        Thinking("hm", Signature("anthropic", "sig")),
        Thinking(""),
    )


def test_results_are_turns_of_the_user() -> None:
    conversation = read(
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "42"}], "name": "f"},
        {"role": "tool", "tool_call_id": "c2", "content": ""},
    )

    assert conversation.turns == [
        Turn(Role.USER, (ToolResult("c1", (Text("42"),), name="f"),)),
        Turn(Role.USER, (ToolResult("c2", ()),)),
    ]


def test_the_old_format_of_calls_finds_its_results_by_name() -> None:
    conversation = read(
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "42"},
    )

    assert conversation.turns[1:] == [
        Turn(Role.ASSISTANT, (ToolCall("call_1_f", "f", "{}"),)),
        Turn(Role.USER, (ToolResult("call_1_f", (Text("42"),), name="f"),)),
    ]


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "judge", "content": "x"}, "messages[0].role"),
        ({"content": "x"}, "messages[0]"),
        ({"role": "user", "content": 1}, "messages[0].content"),
        ({"role": "user", "content": ["x"]}, "messages[0].content[0]"),
        ({"role": "user", "content": [{"type": "text", "text": 1}]}, "messages[0].content[0].text"),
        ({"role": "assistant", "tool_calls": [{"function": {"name": 1}}]}, "messages[0].tool_calls[0].function.name"),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
    ],
)
def test_other_types_are_refused_where_they_are(message: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        read(message)

    assert raised.value.param == param


def test_lone_surrogates_are_refused() -> None:
    message = b'[{"role":"assistant","content":[{"type":"thinking","odd":"\\ud800"}]}]'

    with pytest.raises(InvalidRequest) as raised:
        Conversation().read(memoryview(message))

    assert raised.value.param == "messages"


def test_an_address_stays_an_address() -> None:
    assert parts_of({"role": "user", "content": [{"type": "image_url", "image_url": "https://p.test/1"}]}) == (
        Image(Remote("https://p.test/1")),
    )
