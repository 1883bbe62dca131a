from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import Signature, Text, Thinking, ToolCall, Unknown
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
from clinx.dialects.anthropic.codec.event_decoder import MessageEventDecoder
from clinx.dialects.anthropic.stream import MessageTap
from clinx.dialects.sse import MAX_EVENT
from clinx.domain.catalog import StreamEnd
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken
from dialects import golden

START = {"type": "message_start", "message": {"id": "msg_1", "model": "claude"}}
END = [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, {"type": "message_stop"}]
DONE = Finished(FinishReason.STOP, native="end_turn")


def wire(*objects: Any, spaced: bool = False) -> bytes:
    separators = (", ", ": ") if spaced else (",", ":")
    return b"".join(
        f"event: {value['type']}\ndata: {json.dumps(value, separators=separators)}\n\n".encode() for value in objects
    )


def begin(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def more(index: int, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def decoded(*objects: Any, spaced: bool = False) -> list[Event]:
    decoder = MessageEventDecoder()
    return [*decoder.feed(wire(*objects, spaced=spaced)), *decoder.close()]


TEXT = (begin(0, type="text", text=""), more(0, type="text_delta", text="Hel"), more(0, type="text_delta", text="lo"))


@pytest.mark.parametrize("spaced", [False, True])
def test_a_message_becomes_events(spaced: bool) -> None:
    call = begin(1, type="tool_use", id="t", name="f", input={})
    pieces = [more(1, type="input_json_delta", partial_json=text) for text in ("", '{"a"', ":1}")]

    assert decoded(START, *TEXT, stop(0), call, *pieces, stop(1), *END, spaced=spaced) == [
        Started("msg_1", "claude"),
        PartStarted(0, Text("")),
        PartDelta(0, "Hel"),
        PartDelta(0, "lo"),
        PartEnded(0),
        PartStarted(1, ToolCall("t", "f", "")),
        PartDelta(1, '{"a"'),
        PartDelta(1, ":1}"),
        PartEnded(1),
        Finished(FinishReason.TOOL_CALLS, native="end_turn"),
    ]


def test_thoughts_are_signed_in_the_end() -> None:
    deltas = (more(0, type="thinking_delta", thinking="hm"), more(0, type="signature_delta", signature="s"))

    assert decoded(START, begin(0, type="thinking", thinking="", signature=""), *deltas, stop(0), *END)[1:-1] == [
        PartStarted(0, Thinking("")),
        PartDelta(0, "hm"),
        PartDelta(0, signature=Signature("anthropic", "s")),
        PartEnded(0),
    ]


def test_hidden_thoughts_come_whole() -> None:
    assert decoded(START, begin(0, type="redacted_thinking", data="x"), stop(0), *END)[1:-1] == [
        PartStarted(0, Thinking("", redacted=Signature("anthropic", "x"))),
        PartEnded(0),
    ]


def test_usage_is_reported_whenever_it_changes() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}

    assert decoded(start, {"type": "ping"}, delta, delta) == [
        Started("", ""),
        UsageReported(Usage(input=9, output=1, call=1)),
        DONE,
        UsageReported(Usage(input=9, output=3, call=1)),
    ]


def test_a_block_of_an_unknown_kind_comes_whole_when_it_ends() -> None:
    search = begin(0, type="server_tool_use", id="s", name="web_search", input={})
    pieces = [more(0, type="input_json_delta", partial_json=text) for text in ('{"q":', '"ü"}')]
    events = decoded(START, search, *pieces, stop(0), *END)

    assert isinstance(events[1], PartStarted)
    assert isinstance(events[1].part, Unknown)
    assert json.loads(bytes(events[1].part.payload)) == {
        "type": "server_tool_use",
        "id": "s",
        "name": "web_search",
        "input": {"q": "ü"},
    }
    assert events[2:] == [PartEnded(0), DONE]


@pytest.mark.parametrize("fragment", ["", "{", "[1]"])
def test_a_block_of_an_unknown_kind_keeps_what_it_began_with(fragment: str) -> None:
    search = begin(0, type="server_tool_use", input={"a": 1})
    events = decoded(START, search, more(0, partial_json=fragment), stop(0), *END)

    assert events[1] == PartStarted(0, Unknown("anthropic", Raw(b'{"type":"server_tool_use","input":{"a":1}}')))


@pytest.mark.parametrize(
    "objects",
    [
        (START, *TEXT, *END),
        (START, *TEXT),
        (START, *TEXT[1:], stop(0), *END),
        (START, *TEXT, stop(0), stop(0), stop(7), *END),
        (START, *TEXT, stop(0), *END, *TEXT, *END),
    ],
    ids=["no stop", "no end", "no start", "many stops", "after the end"],
)
def test_a_careless_stream_is_told_in_order(objects: Any) -> None:
    events = decoded(*objects)

    assert events[:-1] == [
        Started("msg_1", "claude"),
        PartStarted(0, Text("")),
        PartDelta(0, "Hel"),
        PartDelta(0, "lo"),
        PartEnded(0),
    ]
    assert isinstance(events[-1], Finished)


def test_a_delta_that_belongs_to_no_open_block_opens_one() -> None:
    thought = more(1, type="thinking_delta", thinking="hm")

    assert decoded(START, TEXT[1], thought, TEXT[1], more(5, partial_json="lost"), *END)[1:-1] == [
        PartStarted(0, Text("")),
        PartDelta(0, "Hel"),
        PartEnded(0),
        PartStarted(1, Thinking("")),
        PartDelta(1, "hm"),
        PartEnded(1),
        PartStarted(2, Text("")),
        PartDelta(2, "Hel"),
        PartEnded(2),
    ]


def test_a_delta_without_a_number_belongs_to_what_is_open() -> None:
    bare = {"type": "content_block_delta", "delta": {"text": "!"}}

    assert decoded(START, TEXT[0], bare, *END)[1:-1] == [PartStarted(0, Text("")), PartDelta(0, "!"), PartEnded(0)]


def test_a_call_may_come_with_all_of_its_input() -> None:
    call = begin(0, type="tool_use", id="t", name="f", input={"a": 1})

    assert decoded(START, call, stop(0), *END)[1] == PartStarted(0, ToolCall("t", "f", '{"a":1}'))


def test_after_an_error_there_is_nothing() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}

    assert decoded(START, *TEXT[:2], error, *TEXT, *END) == [
        Started("msg_1", "claude"),
        PartStarted(0, Text("")),
        PartDelta(0, "Hel"),
        Failed("Overloaded", "overloaded_error"),
    ]


@pytest.mark.parametrize("data", [b"data: <html>\n\n", b"data: [1]\n\n", b"data: 7\n\n", b": ping\n\n", b"data\n\n"])
def test_what_is_no_event_is_nothing(data: bytes) -> None:
    decoder = MessageEventDecoder()

    assert [*decoder.feed(data), *decoder.close()] == []


def test_lone_surrogates_are_replaced() -> None:
    decoder = MessageEventDecoder()
    decoder.feed(wire(START, TEXT[0]))

    assert decoder.feed(
        b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\\ud83d"}}\n\n'
    ) == [PartDelta(0, "a?")]


def test_an_enormous_event_is_broken() -> None:
    decoder = MessageEventDecoder()

    with pytest.raises(UpstreamBroken):
        decoder.feed(b"data: " + b"x" * (MAX_EVENT + 1))


@pytest.mark.parametrize("name", golden.cases("anthropic", "streams"))
def test_any_split_gives_the_same_events_and_the_usage_of_the_tap(name: str) -> None:
    stream, expected = golden.read("anthropic", "streams", name)
    tap = MessageTap(end=StreamEnd(expected["end"]))
    forwarded = tap.feed(stream) + tap.close() + tap.tail
    whole, bytewise = MessageEventDecoder(), MessageEventDecoder()

    events = [*whole.feed(forwarded), *whole.close()]
    pieces = [event for byte in forwarded for event in bytewise.feed(bytes([byte]))] + [*bytewise.close()]

    assert pieces == events
    reports = [event.usage for event in events if isinstance(event, UsageReported)]
    assert (reports[-1] if reports else None) == tap.usage
