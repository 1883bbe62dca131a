from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from clinx.canonical.content import Audio, Image, Inline, Refusal, Signature, Text, Thinking, ToolCall
from clinx.canonical.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, UsageReported
from clinx.canonical.response import FinishReason
from clinx.dialects.gemini.codec.event_encoder import ContentEncoder
from clinx.domain.usage import Usage
from dialects.gemini.asking import answering

THOUGHTS = {"thinkingConfig": {"includeThoughts": True}}


def chunks(data: bytes) -> list[Any]:
    assert data == b"" or data.endswith(b"\n\n")
    return [json.loads(event.removeprefix(b"data: ")) for event in data.split(b"\n\n")[:-1]]


def pieces(events: Iterable[Event], **config: Any) -> list[Any]:
    """The parts of all events before the end."""
    encoder = ContentEncoder(answering(**config))
    found = [chunk for event in events for chunk in chunks(encoder.feed(event))]
    return [part for chunk in found for part in chunk["candidates"][0]["content"]["parts"]]


def test_each_piece_of_text_is_an_event_and_the_rest_comes_last() -> None:
    encoder = ContentEncoder(answering())

    first = [encoder.feed(event) for event in (Started("r1", "up"), PartStarted(0, Text("")), PartDelta(0, "Hi"))]
    rest = [
        encoder.feed(event)
        for event in (PartEnded(0), Finished(FinishReason.LENGTH), UsageReported(Usage(input=9, output=3)), Failed())
    ]

    assert first[:2] == [b"", b""]
    assert chunks(first[2]) == [
        {
            "candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "index": 0}],
            "modelVersion": "gemini-pro",
            "responseId": "r1",
        }
    ]
    assert b"".join(rest) == b""
    assert chunks(encoder.close()) == [
        {
            "candidates": [
                {"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}
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
    ]


def test_every_choice_ends_in_the_last_event() -> None:
    encoder = ContentEncoder(answering())
    for event in (Started("", "up"), Finished(FinishReason.STOP, 1), Finished(FinishReason.TOOL_CALLS, 0)):
        encoder.feed(event)

    (last,) = chunks(encoder.close())

    assert [(each["index"], each["finishReason"]) for each in last["candidates"]] == [(0, "STOP"), (1, "STOP")]
    assert last["responseId"] == "resp_1"
    assert "usageMetadata" not in last


@pytest.mark.parametrize(
    ("events", "parts"),
    [
        (
            [PartStarted(0, ToolCall("x", "f", "")), PartDelta(0, '{"a"'), PartDelta(0, ":1}"), PartEnded(0)],
            [{"functionCall": {"id": "x", "name": "f", "args": {"a": 1}}}],
        ),
        ([PartStarted(0, Refusal("")), PartDelta(0, "No"), PartEnded(0)], [{"text": "No"}]),
        ([PartStarted(0, Text("Hi")), PartDelta(0), PartEnded(0)], [{"text": "Hi"}]),
        (
            [PartStarted(0, Text("")), PartDelta(0, "", signature=Signature("gemini", "c2ln")), PartEnded(0)],
            [{"text": "", "thoughtSignature": "c2ln"}],
        ),
        ([PartStarted(0, Text("")), PartDelta(0, "", signature=Signature("anthropic", "x")), PartEnded(0)], []),
        (
            [PartStarted(0, Image(Inline("image/png", "QUJD"))), PartEnded(0)],
            [{"inlineData": {"mimeType": "image/png", "data": "QUJD"}}],
        ),
        (
            [
                PartStarted(0, Audio(Inline("audio/wav", "QQ=="))),
                PartDelta(0, "said", data="Qg=="),
                PartEnded(0),
            ],
            [{"inlineData": {"mimeType": "audio/wav", "data": data}} for data in ("QQ==", "Qg==")],
        ),
        ([PartStarted(0, Audio(None)), PartDelta(0, "said"), PartEnded(0)], [{"text": "said"}]),
        (
            [PartStarted(0, Audio(None)), PartDelta(0, data="QQ=="), PartEnded(0)],
            [{"inlineData": {"mimeType": "audio/pcm", "data": "QQ=="}}],
        ),
        ([PartStarted(0, Thinking("")), PartDelta(0, "Hm"), PartEnded(0)], []),
        ([PartDelta(7, "lost"), PartEnded(7)], []),
    ],
)
def test_other_parts(events: list[Event], parts: Any) -> None:
    assert pieces(events) == parts


def test_thoughts_are_shown_to_who_asked_for_them() -> None:
    events = [PartStarted(0, Thinking("Hm")), PartDelta(0, "m", signature=Signature("gemini", "c2ln")), PartEnded(0)]

    assert pieces(events, **THOUGHTS) == [
        {"text": "Hm", "thought": True},
        {"text": "m", "thought": True, "thoughtSignature": "c2ln"},
    ]
