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
    Unknown,
)
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.dialects.openai_chat.codec.answer_decoder import (
    arguments_of,
    decode_answer,
    read_call,
    read_image,
    read_parts,
    read_speech,
)
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken


def parts_of(**message: Any) -> tuple[Part, ...]:
    return tuple(read_parts(message))


def test_an_answer_is_read() -> None:
    body = {
        "id": "chatcmpl-1",
        "model": "up",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }

    assert decode_answer(json.dumps(body).encode()) == ChatResponse(
        "chatcmpl-1",
        "up",
        (Choice((Text("Hi"),), FinishReason.LENGTH, "length"),),
        Usage(input=3, output=4, call=1),
    )


def test_several_choices_and_plain_text() -> None:
    body = b'{"choices":[{"text":"a","finish_reason":"stop"},{"message":{"content":"b"}},{"message":1},7]}'

    assert decode_answer(body).choices == (
        Choice((Text("a"),), native="stop"),
        Choice((Text("b"),)),
        Choice(()),
        Choice(()),
    )


def test_an_answer_that_only_says_it_stopped_waits_for_the_call_in_it() -> None:
    body = b'{"choices":[{"message":{"tool_calls":[{"id":"c","function":{"name":"f"}}]},"finish_reason":"stop"}]}'

    assert decode_answer(body).choices == (Choice((ToolCall("c", "f", ""),), FinishReason.TOOL_CALLS, "stop"),)


def test_lone_surrogates_are_replaced() -> None:
    assert decode_answer(b'{"choices":[{"message":{"content":"x\\ud83d"}}]}').choices == (Choice((Text("x?"),)),)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"1", b"{"])
def test_what_is_no_object_is_no_answer(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        decode_answer(body)


def test_everything_a_message_may_say_in_order() -> None:
    assert parts_of(
        tool_calls=[{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}, {"type": "custom"}],
        function_call={"name": "g", "arguments": "{}"},
        images=[{"image_url": {"url": "data:image/png;base64,AAAA"}}],
        audio={"id": "audio_1", "data": "AAAA", "transcript": "hi"},
        refusal="no",
        content=[{"type": "text", "text": "a"}, {"image_url": "u"}, {"type": "novel"}, 1],
        reasoning="hm",
    ) == (
        Thinking("hm"),
        Text("a"),
        Image(Remote("u")),
        Unknown("openai_chat", Raw(b'{"type":"novel"}')),
        Refusal("no"),
        Audio(Inline("audio/wav", "AAAA"), "hi", "audio_1"),
        Image(Inline("image/png", "AAAA")),
        ToolCall("c", "f", '{"a":1}'),
        Unknown("openai_chat", Raw(b'{"type":"custom"}')),
        ToolCall("", "g", "{}"),
    )


def test_signed_thoughts_are_read_instead_of_their_text() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": "sig"}

    assert parts_of(reasoning_content="hm", thinking_blocks=[block]) == (Thinking("hm", Signature("anthropic", "sig")),)


def test_what_has_another_type_says_nothing() -> None:
    assert parts_of(content=1, refusal=[], audio="x", images=[1], reasoning={}, function_call="x") == ()
    assert read_speech({"data": 1}) == Audio(None)
    assert list(read_image({"image_url": {}})) == []
    assert read_call(1) == Unknown("openai_chat", Raw(b"1"))
    assert (arguments_of(None), arguments_of("x"), arguments_of({})) == ("", "x", "{}")
