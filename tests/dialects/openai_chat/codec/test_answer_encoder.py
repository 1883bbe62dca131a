from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw, structs

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
from clinx.dialects.base import Answering, Encoded, Severity
from clinx.dialects.openai_chat.codec.answer_encoder import encode_answer
from clinx.dialects.openai_chat.dialect import OpenAIChat
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from support.codecs import answering


@pytest.fixture
def asked() -> Answering:
    return answering(OpenAIChat())


def message(asked: Answering, *parts: Part) -> Any:
    answer = encode_answer(ChatResponse("", "up", (Choice(parts),)), asked)
    return json.loads(answer.body)["choices"][0]["message"]


def test_an_answer_is_written_under_the_name_the_caller_used(asked: Answering) -> None:
    response = ChatResponse("id_1", "up", (Choice((Text("a"), Text("b"))), Choice(())), Usage(input=3, output=4))

    assert encode_answer(response, asked) == Encoded(
        b'{"id":"id_1","object":"chat.completion","created":1700000000,"model":"m","choices":['
        b'{"index":0,"message":{"role":"assistant","content":"ab","refusal":null},"logprobs":null,"finish_reason":"stop"},'
        b'{"index":1,"message":{"role":"assistant","content":null,"refusal":null},"logprobs":null,"finish_reason":"stop"}'
        b'],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,'
        b'"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},'
        b'"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}}'
    )


def test_everything_a_message_may_say(asked: Answering) -> None:
    signed = Signature("anthropic", "sig")

    assert message(
        asked,
        Thinking("hm", signed),
        Thinking("..."),
        Refusal("no"),
        Image(Remote("u")),
        ToolCall("", "f", ""),
        ToolCall("c", "g", '{"a":1}', Signature("gemini", "s")),
        Audio(Inline("audio/wav", "AAAA"), "hi"),
    ) == {
        "role": "assistant",
        "content": None,
        "refusal": "no",
        "reasoning_content": "hm...",
        "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "sig"}],
        "images": [{"type": "image_url", "image_url": {"url": "u"}}],
        "tool_calls": [
            {"id": "call_2", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {
                "id": "c",
                "type": "function",
                "function": {"name": "g", "arguments": '{"a":1}'},
                "extra_content": {"google": {"thought_signature": "s"}},
            },
        ],
        "audio": {"id": "audio_3", "data": "AAAA", "transcript": "hi", "expires_at": 1_700_000_000},
    }


def test_an_answer_to_a_text_completion_has_its_shape(asked: Answering) -> None:
    completing = structs.replace(asked, envelope=structs.replace(asked.envelope, operation=Operation.COMPLETE))
    response = ChatResponse("", "up", (Choice((Thinking("hm"), Text("so")), FinishReason.LENGTH),))

    assert encode_answer(response, completing).body == (
        b'{"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"m","choices":['
        b'{"text":"so","index":0,"logprobs":null,"finish_reason":"length"}]}'
    )


def test_what_has_no_place_is_a_loss(asked: Answering) -> None:
    response = ChatResponse("i", "up", (Choice((Text("a"), Unknown("gemini", Raw(b"{}")))),))

    assert [(loss.path, loss.severity) for loss in encode_answer(response, asked).losses] == [
        ("choices[0].content[1]", Severity.HARMLESS)
    ]
