from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.canonical.content import Signature, Text, Thinking, ToolCall
from clinx.canonical.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, UsageReported
from clinx.canonical.fold import fold, unfold
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.dialects.openai_responses.codec.event_decoder import ResponseEventDecoder
from clinx.dialects.openai_responses.codec.event_encoder import ResponseEventEncoder
from clinx.dialects.openai_responses.stream import ResponseTap
from clinx.dialects.sse import SseReader
from clinx.domain.usage import Usage
from dialects import golden
from dialects.openai_responses.codec.asking import answered, answering

USAGE = Usage(input=3, output=2, call=1)
GOOD = [name for name in golden.cases("openai_responses", "streams") if name != "failed"]


def encoded(*events: Event, **members: Any) -> bytes:
    encoder = ResponseEventEncoder(answering(**members))
    return b"".join(map(encoder.feed, events)) + encoder.close()


def documents(stream: bytes) -> list[dict[str, Any]]:
    return [json.loads(event.data or b"") for event in SseReader().feed(stream)]


def test_a_stream_begins_twice_and_ends_with_all_of_it() -> None:
    found = documents(encoded(*unfold(ChatResponse("resp_x", "vendors", (Choice((Text("Hello"),)),), USAGE))))

    assert [each["type"] for each in found] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [each["sequence_number"] for each in found] == list(range(9))
    begun, end = found[0]["response"], found[-1]["response"]
    assert (begun["id"], begun["model"], begun["status"], begun["output"], begun["usage"]) == (
        "resp_x",
        "gpt",
        "in_progress",
        [],
        None,
    )
    assert end["output"] == [found[-2]["item"]]
    assert end["usage"]["total_tokens"] == 5


def test_streamed_and_whole_answers_end_alike() -> None:
    parts = (Thinking("Hm", Signature("gemini", "s")), Text("Hello"), ToolCall("c", "sum", "{}"))
    response = ChatResponse("resp_x", "vendors", (Choice(parts, FinishReason.TOOL_CALLS),), USAGE)

    streamed = documents(encoded(*unfold(response), tools=[{"type": "x"}]))[-1]["response"]

    assert streamed == answered(response, tools=[{"type": "x"}])[0]


@pytest.mark.parametrize(
    ("finish", "kind"),
    [
        (FinishReason.STOP, "response.completed"),
        (FinishReason.LENGTH, "response.incomplete"),
        (FinishReason.CONTENT_FILTER, "response.incomplete"),
        (FinishReason.ERROR, "response.failed"),
    ],
)
def test_how_it_ends(finish: FinishReason, kind: str) -> None:
    found = documents(encoded(Started("", ""), Finished(finish)))

    assert found[-1]["type"] == kind
    assert kind == f"response.{found[-1]['response']['status']}"


@pytest.mark.parametrize("name", GOOD)
def test_what_is_written_is_read_as_it_was(name: str) -> None:
    stream, _ = golden.read("openai_responses", "streams", name)
    decoder, again, tap = ResponseEventDecoder(), ResponseEventDecoder(), ResponseTap()
    events = [*decoder.feed(stream), *decoder.close()]

    written = encoded(*events)
    tap.feed(written)

    assert fold([*again.feed(written), *again.close()]).choices == fold(events).choices
    assert tap.finished
    assert tap.usage == fold(events).usage


def test_only_the_first_answer_is_told() -> None:
    second = [PartStarted(0, Text("x"), 1), PartDelta(0, "y", 1), PartEnded(0, 1), Finished(FinishReason.LENGTH, 1)]

    assert encoded(Started("r", ""), *second) == encoded(Started("r", ""))


def test_a_stream_without_a_beginning_has_one_all_the_same() -> None:
    assert [each["type"] for each in documents(encoded(UsageReported(USAGE), Failed("x"), PartEnded(0)))] == [
        "response.created",
        "response.in_progress",
        "response.completed",
    ]
