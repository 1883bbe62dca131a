from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
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
from clinx.canonical.request import Role
from clinx.dialects.anthropic.codec.part_encoder import PartEncoder, marked, text_block
from clinx.dialects.base import Loss, Severity

PNG = Inline("image/png", "QUJD")


def encoded(*parts: Part, role: Role = Role.USER) -> tuple[Any, list[Loss]]:
    encoder = PartEncoder()
    blocks = encoder.encode(parts, role, "messages[0]")
    return json.loads(msgspec.json.encode(blocks)), encoder.losses


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Text("Hi"), {"type": "text", "text": "Hi"}),
        (Text("Hi", "5m"), {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}),
        (Refusal("No"), {"type": "text", "text": "No"}),
        (
            Image(PNG, cache="1h"),
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"},
                "cache_control": {"type": "ephemeral", "ttl": "1h"},
            },
        ),
        (Image(Remote("https://a")), {"type": "image", "source": {"type": "url", "url": "https://a"}}),
        (Image(Uploaded("anthropic", "f")), {"type": "image", "source": {"type": "file", "file_id": "f"}}),
        (
            File(Inline("application/pdf", "QUJD"), "a.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"},
                "title": "a.pdf",
            },
        ),
        (
            File(Inline("text/markdown", base64.b64encode("# ü".encode()).decode())),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "# ü"}},
        ),
        (
            File(PNG, "a.png"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
        ),
        (File(Remote("https://a")), {"type": "document", "source": {"type": "url", "url": "https://a"}}),
        (
            Thinking("hm", Signature("anthropic", "s")),
            {"type": "thinking", "thinking": "hm", "signature": "s"},
        ),
        (Thinking("", redacted=Signature("anthropic", "x")), {"type": "redacted_thinking", "data": "x"}),
        (ToolCall("t", "f", '{"a":1}'), {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}),
        (ToolCall("t", "f", ""), {"type": "tool_use", "id": "t", "name": "f", "input": {}}),
        (
            ToolResult("t", (Text("no"), Image(PNG)), is_error=True, cache="5m"),
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "content": [
                    {"type": "text", "text": "no"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
                ],
                "is_error": True,
                "cache_control": {"type": "ephemeral"},
            },
        ),
        (ToolResult("t", ()), {"type": "tool_result", "tool_use_id": "t"}),
        (Unknown("anthropic", Raw(b'{"type":"poem"}')), {"type": "poem"}),
    ],
)
def test_a_part_becomes_a_block(part: Part, block: Any) -> None:
    assert encoded(part) == ([block], [])


@pytest.mark.parametrize(
    "part",
    [
        Text(" \n"),
        Thinking("hm"),
        Thinking("hm", Signature("gemini", "s")),
        Thinking("", redacted=Signature("openai_responses", "x")),
        Unknown("gemini", Raw(b"{}")),
    ],
)
def test_what_need_not_be_said_is_left_out(part: Part) -> None:
    assert encoded(part) == ([], [])


@pytest.mark.parametrize(
    "part",
    [
        Image(Uploaded("openai_chat", "f")),
        File(Uploaded("openai_chat", "f")),
        File(Inline("video/mp4", "QUJD")),
        File(Inline("text/plain", "no base64!")),
        File(Remote("https://a", "video/mp4")),
        Audio(Inline("audio/wav", "QUJD")),
    ],
)
def test_what_cannot_be_said_is_a_severe_loss(part: Part) -> None:
    blocks, losses = encoded(Text("Hi"), part)

    assert len(blocks) == 1
    assert [(loss.path, loss.severity) for loss in losses] == [("messages[0].content[1]", Severity.SEVERE)]


def test_a_picture_of_the_assistants_is_lost() -> None:
    blocks, losses = encoded(Image(PNG), role=Role.ASSISTANT)

    assert (blocks, [loss.severity for loss in losses]) == ([], [Severity.SEVERE])


def test_a_loss_inside_a_result_says_where() -> None:
    _, losses = encoded(ToolResult("t", (Audio(Inline("audio/wav", "QUJD")),)))

    assert [loss.path for loss in losses] == ["messages[0].content[0].content[0]"]


def test_of_speech_the_transcript_is_sent() -> None:
    blocks, losses = encoded(Audio(None, "Hello", "audio_1"), role=Role.ASSISTANT)

    assert blocks == [{"type": "text", "text": "Hello"}]
    assert [loss.severity for loss in losses] == [Severity.HARMLESS]


@pytest.mark.parametrize("arguments", ["oops", "[1]", "7", '{"a":'])
def test_arguments_that_are_no_object_are_wrapped_in_one(arguments: str) -> None:
    blocks, losses = encoded(ToolCall("t", "f", arguments))

    assert blocks[0]["input"] == {"raw": arguments}
    assert [(loss.path, loss.severity) for loss in losses] == [("messages[0].content[0]", Severity.HARMLESS)]


def test_ids_are_made_plain_and_stay_apart() -> None:
    calls = [ToolCall(given, "f", "{}") for given in ("call.1", "call_1", "call:1", "")]
    results = [ToolResult(call.id, ()) for call in calls]

    blocks, _ = encoded(*calls, *results)

    assert [block["id"] for block in blocks[:4]] == ["call_1", "call_1_", "call_1__", "_"]
    assert [block["tool_use_id"] for block in blocks[4:]] == ["call_1", "call_1_", "call_1__", "_"]


def test_a_marker_stands_on_the_block() -> None:
    assert marked({"a": 1}, None) == {"a": 1}
    assert text_block(Text("Hi", "1h")) == {
        "type": "text",
        "text": "Hi",
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
    }
