from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

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
from clinx.canonical.events import (
    Event,
    Failed,
    Finished,
    PartDelta,
    PartEnded,
    PartStarted,
    Started,
    UsageReported,
)
from clinx.canonical.response import FinishReason
from clinx.dialects.base import Answering
from clinx.dialects.openai_chat.codec.event_encoder import ChatEventEncoder
from clinx.dialects.openai_chat.dialect import OpenAIChat
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from support.codecs import answering

ASKED = answering(OpenAIChat(), stream=True)
SIGNED = Signature("anthropic", "sig")


def written(events: Sequence[Event], asked: Answering = ASKED) -> list[Any]:
    encoder = ChatEventEncoder(asked)
    stream = b"".join(encoder.feed(event) for event in events) + encoder.close()
    blocks = [block.removeprefix(b"data: ") for block in stream.split(b"\n\n")]
    assert blocks.pop() == b""
    return [block.decode() if block == b"[DONE]" else json.loads(block) for block in blocks]


def deltas(*events: Event) -> list[Any]:
    """What is said after the role."""
    *chunks, _ = written([Started("id_1", "up"), *events])
    return [chunk["choices"][0]["delta"] for chunk in chunks[1:]]


def told(part: Part, *parts: PartDelta) -> list[Event]:
    return [PartStarted(0, part), *parts, PartEnded(0)]


def chunk(delta: Any, finish: str | None = None, index: int = 0) -> dict[str, Any]:
    return {
        "id": "id_1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "m",
        "choices": [{"index": index, "delta": delta, "finish_reason": finish}],
    }


def test_a_usual_stream() -> None:
    assert written(
        [
            Started("id_1", "up"),
            *told(Text(""), PartDelta(0, "Hel"), PartDelta(0, "lo")),
            Finished(FinishReason.LENGTH),
            UsageReported(Usage(input=3, output=4)),
        ]
    ) == [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk({}, "length"),
        {
            **chunk({}),
            "choices": [],
            "usage": {
                "prompt_tokens": 3,
                "completion_tokens": 4,
                "total_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
            },
        },
        "[DONE]",
    ]


def test_usage_that_nobody_asked_for_is_not_told() -> None:
    quiet = structs.replace(ASKED, envelope=structs.replace(ASKED.envelope, wants_usage=False))

    assert written([UsageReported(Usage(input=3))], quiet) == ["[DONE]"]
    assert written([], ASKED) == ["[DONE]"]


def test_an_answer_without_an_id_gets_one() -> None:
    asked = structs.replace(ASKED, new_id=lambda prefix: f"{prefix}new")

    assert written([Started("", "up"), Finished(FinishReason.STOP)], asked)[0]["id"] == "chatcmpl-new"
    assert written([Finished(FinishReason.STOP)], asked)[0]["id"] == "chatcmpl-new"


def test_calls_are_numbered_and_have_arguments() -> None:
    call = {"type": "function"}

    assert deltas(
        *told(ToolCall("a", "f", ""), PartDelta(0, '{"a"'), PartDelta(0, ":1}")),
        *told(ToolCall("b", "g", "", Signature("gemini", "s"))),
        *told(ToolCall("c", "h", "{}"), PartDelta(0, signature=Signature("gemini", "t"))),
    ) == [
        {"tool_calls": [{"index": 0, "id": "a", **call, "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
        {
            "tool_calls": [
                {
                    "index": 1,
                    "id": "b",
                    **call,
                    "function": {"name": "g", "arguments": ""},
                    "extra_content": {"google": {"thought_signature": "s"}},
                }
            ]
        },
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {"tool_calls": [{"index": 2, "id": "c", **call, "function": {"name": "h", "arguments": "{}"}}]},
        {"tool_calls": [{"index": 2, "extra_content": {"google": {"thought_signature": "t"}}}]},
    ]


def test_a_signed_thought_is_told_once_more_when_it_is_complete() -> None:
    assert deltas(
        *told(Thinking("h"), PartDelta(0, "m"), PartDelta(0, signature=SIGNED)),
        *told(Thinking("", redacted=SIGNED)),
        *told(Thinking(""), PartDelta(0, "unsigned")),
    ) == [
        {"reasoning_content": "h"},
        {"reasoning_content": "m"},
        {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "sig"}]},
        {"thinking_blocks": [{"type": "redacted_thinking", "data": "sig"}]},
        {"reasoning_content": "unsigned"},
    ]


def test_other_parts() -> None:
    assert deltas(
        *told(Refusal(""), PartDelta(0, "no")),
        *told(Image(Remote("u"))),
        *told(Audio(Inline("audio/wav", ""), id="a1"), PartDelta(0, "hi", data="AAAA")),
        *told(Unknown("gemini", Raw(b"{}")), PartDelta(0, "x")),
        PartDelta(0, "of no part"),
        PartEnded(0),
        Failed(),
    ) == [
        {"refusal": "no"},
        {"images": [{"type": "image_url", "image_url": {"url": "u"}}]},
        {"audio": {"id": "a1", "data": "", "transcript": "", "expires_at": 1_700_000_000}},
        {"audio": {"transcript": "hi"}},
        {"audio": {"data": "AAAA"}},
    ]


def test_choices_go_side_by_side() -> None:
    assert written([Started("id_1", "up"), PartStarted(0, Text("b"), 1), PartStarted(0, Text("a"))])[:-1] == [
        chunk({"role": "assistant", "content": ""}, index=1),
        chunk({"content": "b"}, index=1),
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "a"}),
    ]


def test_a_text_completion_has_only_text() -> None:
    completing = structs.replace(ASKED, envelope=structs.replace(ASKED.envelope, operation=Operation.COMPLETE))

    *chunks, _ = written(
        [
            Started("id_1", "up"),
            *told(Thinking(""), PartDelta(0, "hm")),
            *told(Text("H"), PartDelta(0, "i")),
            *told(ToolCall("a", "f", ""), PartDelta(0, "{}")),
            Finished(FinishReason.STOP),
        ],
        completing,
    )

    assert {each["object"] for each in chunks} == {"text_completion"}
    assert [(each["choices"][0]["text"], each["choices"][0]["finish_reason"]) for each in chunks] == [
        ("H", None),
        ("i", None),
        ("", "stop"),
    ]
