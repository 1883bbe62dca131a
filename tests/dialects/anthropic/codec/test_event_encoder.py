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
from clinx.canonical.fold import fold, unfold
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.dialects.anthropic.codec.event_decoder import MessageEventDecoder
from clinx.dialects.anthropic.codec.event_encoder import MessageEventEncoder
from clinx.dialects.sse import SseReader
from clinx.domain.usage import Usage
from dialects.anthropic.codec.asking import answering

OWN = Signature("anthropic", "s")


def written(*events: Event) -> tuple[list[Any], list[Any]]:
    """What is written at once, and the tail."""
    encoder = MessageEventEncoder(answering())
    return parsed(b"".join(map(encoder.feed, events))), parsed(encoder.close())


def parsed(stream: bytes) -> list[Any]:
    found = SseReader().feed(stream)
    values = [json.loads(event.data or b"") for event in found]
    assert [event.event.decode() for event in found] == [value["type"] for value in values]
    return values


def blocks(*events: Event) -> list[Any]:
    return written(Started("msg_1", "upstream"), *events)[0][1:]


def begin(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def more(index: int, kind: str, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def test_a_message_begins_in_the_callers_words() -> None:
    (start,), _ = written(Started("", "upstream"))

    assert start == {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "public",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": 0,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": 0,
            },
        },
    }


def test_the_end_tells_why_and_how_much() -> None:
    usage = Usage(input=9, cache_read=4, output=3, call=1)
    now, end = written(Started("", ""), Finished(FinishReason.LENGTH), UsageReported(usage))

    assert len(now) == 1
    assert end == [
        {
            "type": "message_delta",
            "delta": {"stop_reason": "max_tokens", "stop_sequence": None},
            "usage": {
                "input_tokens": 9,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 4,
                "output_tokens": 3,
            },
        },
        {"type": "message_stop"},
    ]


def test_text_opens_its_block_with_its_first_word() -> None:
    assert blocks(PartStarted(0, Text("")), PartDelta(0, ""), PartDelta(0, 'a"'), PartDelta(0, "b"), PartEnded(0)) == [
        begin(0, type="text", text=""),
        more(0, "text_delta", text='a"'),
        more(0, "text_delta", text="b"),
        stop(0),
    ]


def test_a_thought_is_signed_when_it_ends() -> None:
    events = (PartStarted(0, Thinking("")), PartDelta(0, "hm"), PartDelta(0, signature=OWN), PartEnded(0))

    assert blocks(*events) == [
        begin(0, type="thinking", thinking="", signature=""),
        more(0, "thinking_delta", thinking="hm"),
        more(0, "signature_delta", signature="s"),
        stop(0),
    ]


def test_a_thought_of_another_vendors_has_an_empty_signature() -> None:
    foreign = Signature("gemini", "g")
    events = (PartStarted(0, Thinking("hm", foreign)), PartDelta(0, signature=foreign), PartEnded(0))

    assert blocks(*events)[2] == more(0, "signature_delta", signature="")


def test_a_signed_thought_may_have_no_text() -> None:
    assert blocks(PartStarted(0, Thinking("", OWN)), PartEnded(0)) == [
        begin(0, type="thinking", thinking="", signature=""),
        more(0, "signature_delta", signature="s"),
        stop(0),
    ]


def test_a_call_has_an_id_and_its_input_comes_in_pieces() -> None:
    events = (PartStarted(0, ToolCall("", "f", "{")), PartDelta(0, '"a":1}'), PartDelta(0, ""), PartEnded(0))

    assert blocks(*events) == [
        begin(0, type="tool_use", id="toolu_1", name="f", input={}),
        more(0, "input_json_delta", partial_json="{"),
        more(0, "input_json_delta", partial_json='"a":1}'),
        stop(0),
    ]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Thinking("", redacted=OWN), {"type": "redacted_thinking", "data": "s"}),
        (Unknown("anthropic", Raw(b'{"type":"poem"}')), {"type": "poem"}),
    ],
)
def test_what_comes_whole_is_a_block_without_deltas(part: Part, block: Any) -> None:
    assert blocks(PartStarted(0, part), PartEnded(0)) == [begin(0, **block), stop(0)]


@pytest.mark.parametrize("part", [Refusal(""), Audio(None)])
def test_refusals_and_speech_are_text(part: Part) -> None:
    assert blocks(PartStarted(0, part), PartDelta(0, "No"), PartEnded(0))[1] == more(0, "text_delta", text="No")


def test_blocks_are_numbered_without_gaps() -> None:
    image = Image(Inline("image/png", "QUJD"))
    silent = (Text(""), Thinking(""), image, Unknown("gemini", Raw(b"{}")))
    events = [event for i, part in enumerate(silent) for event in (PartStarted(i, part), PartEnded(i))]

    found = blocks(
        *events, PartStarted(4, Text("a")), PartEnded(4), PartStarted(5, ToolCall("t", "f", "")), PartEnded(5)
    )

    assert [event["index"] for event in found] == [0, 0, 0, 1, 1]


def test_only_the_first_answer_is_written() -> None:
    other = (PartStarted(0, Text("b"), 1), PartDelta(0, "b", 1), PartEnded(0, 1), Finished(FinishReason.LENGTH, 1))
    now, end = written(Started("", ""), *other)

    assert len(now) == 1
    assert end[0]["delta"]["stop_reason"] == "end_turn"


def test_deltas_of_nothing_and_failures_are_nothing() -> None:
    assert blocks(PartDelta(0, "lost"), PartEnded(0), Failed("no")) == []


def test_what_was_written_is_read_again() -> None:
    parts = (Thinking("hm", OWN), Text("Hello ü"), ToolCall("t", "f", '{"a":1}'))
    usage = Usage(input=9, cache_write=5, output=3, reasoning=2, call=1)
    response = ChatResponse("msg_1", "public", (Choice(parts, FinishReason.TOOL_CALLS, "tool_use"),), usage)
    encoder, decoder = MessageEventEncoder(answering()), MessageEventDecoder()

    stream = b"".join(map(encoder.feed, unfold(response))) + encoder.close()

    assert fold([*decoder.feed(stream), *decoder.close()]) == response
