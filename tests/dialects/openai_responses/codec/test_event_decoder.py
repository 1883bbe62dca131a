from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.canonical.content import Text, ToolCall
from clinx.canonical.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, UsageReported
from clinx.canonical.fold import fold
from clinx.canonical.response import FinishReason
from clinx.dialects.openai_responses.codec.answer_decoder import decode_answer
from clinx.dialects.openai_responses.codec.event_decoder import ResponseEventDecoder
from clinx.dialects.openai_responses.stream import ResponseTap
from clinx.dialects.sse import MAX_EVENT, SseReader
from clinx.errors import UpstreamBroken
from dialects import golden
from dialects.openai_responses.codec.asking import event

GOOD = [name for name in golden.cases("openai_responses", "streams") if name != "failed"]
CREATED = event("response.created", response={"id": "resp_1", "model": "gpt-5"})
COMPLETED = event("response.completed", response={"status": "completed"})


def told(stream: bytes) -> list[Event]:
    decoder = ResponseEventDecoder()
    return [*decoder.feed(stream), *decoder.close()]


def said(text: str, item: int | None = 0) -> bytes:
    place = {} if item is None else {"output_index": item}
    return event("response.output_text.delta", **place, content_index=0, delta=text)


def added(item: int, **members: Any) -> bytes:
    return event("response.output_item.added", output_index=item, item=members)


def done(item: int, **members: Any) -> bytes:
    return event("response.output_item.done", output_index=item, item=members)


@pytest.mark.parametrize("name", golden.cases("openai_responses", "streams"))
def test_any_split_gives_the_same_events(name: str) -> None:
    stream, _ = golden.read("openai_responses", "streams", name)
    decoder = ResponseEventDecoder()

    pieces = [each for byte in stream for each in decoder.feed(bytes([byte]))]

    assert [*pieces, *decoder.close()] == told(stream)


@pytest.mark.parametrize("name", GOOD)
def test_a_stream_tells_what_its_last_event_repeats(name: str) -> None:
    stream, expected = golden.read("openai_responses", "streams", name)
    events = SseReader().feed(stream)
    last = next(json.loads(each.data) for each in reversed(events) if each.data and each.data.startswith(b"{"))

    whole = decode_answer(json.dumps(last["response"]).encode())

    assert fold(told(stream)) == whole
    assert whole.usage is not None
    assert whole.usage.nonzero() == expected["usage"]


@pytest.mark.parametrize("name", GOOD)
def test_it_reads_what_the_tap_forwards(name: str) -> None:
    stream, _ = golden.read("openai_responses", "streams", name)
    tap, decoder = ResponseTap(), ResponseEventDecoder()

    events = [*decoder.feed(tap.feed(stream)), *decoder.feed(tap.tail), *decoder.close()]

    assert events == told(stream)


def test_a_failure_ends_it() -> None:
    failed = event("response.failed", response={"error": {"code": "c", "message": "No"}})

    assert told(CREATED + said("a") + failed + said("b") + COMPLETED)[-2:] == [
        PartDelta(0, "a"),
        Failed("No", None, "c"),
    ]


def test_items_that_overlap_are_told_one_after_another() -> None:
    first: dict[str, Any] = {"type": "function_call", "call_id": "a", "name": "a"}
    second: dict[str, Any] = {"type": "function_call", "call_id": "b", "name": "b"}

    def arguments(item: int, text: str) -> bytes:
        return event("response.function_call_arguments.delta", output_index=item, delta=text)

    assert told(
        CREATED
        + added(0, **first)
        + added(1, **second)
        + arguments(1, "1")
        + arguments(0, "0")
        + arguments(0, "0")
        + done(1, **second)
        + done(0, **first)
        + COMPLETED
    ) == [
        Started("resp_1", "gpt-5"),
        PartStarted(0, ToolCall("a", "a", "")),
        PartDelta(0, "0"),
        PartDelta(0, "0"),
        PartEnded(0),
        PartStarted(1, ToolCall("b", "b", "")),
        PartDelta(1, "1"),
        PartEnded(1),
        Finished(FinishReason.TOOL_CALLS, native="completed"),
    ]


def test_a_stream_without_numbers_or_ends_of_items_is_read_in_order() -> None:
    message = {"item": {"type": "message"}}

    assert told(
        event("response.output_item.added", **message)
        + said("a", None)
        + said("b", None)
        + event("response.output_item.added", **message)
        + said("c", None)
    ) == [
        Started("", ""),
        PartStarted(0, Text("")),
        PartDelta(0, "a"),
        PartDelta(0, "b"),
        PartEnded(0),
        PartStarted(1, Text("")),
        PartDelta(1, "c"),
        PartEnded(1),
        Finished(FinishReason.STOP),
    ]


def test_an_answer_that_comes_only_at_the_end_is_told_then() -> None:
    output = [
        {"type": "message", "content": [{"type": "output_text", "text": "a"}]},
        {"type": "function_call", "name": "f"},
    ]
    usage = {"input_tokens": 1, "output_tokens": 1}
    end = event("response.completed", response={"id": "r", "status": "completed", "output": output, "usage": usage})

    events = told(end)

    assert events[:3] == [Started("r", ""), PartStarted(0, Text("a")), PartEnded(0)]
    assert isinstance(events[-2], UsageReported)
    assert events[-1] == Finished(FinishReason.TOOL_CALLS, native="completed")


def test_a_cut_stream_ends_what_it_began() -> None:
    assert told(CREATED + said("a"))[-2:] == [PartEnded(0), Finished(FinishReason.STOP)]
    assert told(b"") == []


def test_text_is_cleaned() -> None:
    assert PartDelta(0, "?") in told(
        said("a")
        + b'data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"\\ud800"}\n\n'
    )


@pytest.mark.parametrize(
    "document",
    [
        1,
        [],
        {},
        {"type": []},
        {"type": "response.output_item.added", "item": 1},
        {"type": "response.output_item.done", "item": None, "output_index": "x"},
        {"type": "response.output_item.done", "output_index": 0, "item": {"type": "x"}},
        {"type": "response.output_text.delta", "delta": {}, "output_index": -1},
        {"type": "response.completed", "response": 1},
        {"type": "response.completed", "response": {"output": [1, {"type": "message", "content": 1}]}},
    ],
)
def test_odd_events_never_raise(document: Any) -> None:
    odd = b"data: " + json.dumps(document).encode() + b"\n\n"

    told(odd + said("a") + odd + COMPLETED)
    told(b"data: {\n\n" + odd)


def test_a_huge_event_is_broken() -> None:
    with pytest.raises(UpstreamBroken):
        ResponseEventDecoder().feed(b"data: " + b"x" * (MAX_EVENT + 1))
