from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.canonical.content import Audio, Image, Refusal, Remote, Signature, Text, Thinking, ToolCall
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
from clinx.dialects.openai_chat.codec.event_decoder import MOST_CHOICES, ChatEventDecoder
from clinx.domain.usage import Usage

DONE = b"data: [DONE]\n\n"


def sent(*chunks: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)


def choice(delta: Any, index: Any = 0, finish: str | None = None) -> dict[str, Any]:
    return {"id": "c1", "model": "up", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def read(stream: bytes) -> list[Event]:
    decoder = ChatEventDecoder()
    return [*decoder.feed(stream), *decoder.close()]


def test_a_usual_stream() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4}

    events = read(
        sent(
            {"choices": [], "prompt_filter_results": []},
            choice({"role": "assistant", "content": ""}),
            choice({"content": "Hel"}),
            choice({"content": "lo"}),
            choice({}, finish="length"),
            {"choices": [], "usage": usage},
        )
        + DONE
        + sent(choice({"content": "late"}))
    )

    assert events == [
        Started("c1", "up"),
        PartStarted(0, Text("")),
        PartDelta(0, "Hel"),
        PartDelta(0, "lo"),
        UsageReported(Usage(input=3, output=4, call=1)),
        PartEnded(0),
        Finished(FinishReason.LENGTH, native="length"),
    ]


def test_events_are_told_as_they_come_and_the_end_last() -> None:
    decoder = ChatEventDecoder()

    assert list(decoder.feed(sent(choice({"content": "a"}))[:-1])) == []
    assert list(decoder.feed(b"\n")) == [Started("c1", "up"), PartStarted(0, Text("")), PartDelta(0, "a")]
    assert list(decoder.feed(sent(choice({}, finish="stop"), choice({"content": "b"})))) == [PartDelta(0, "b")]
    assert list(decoder.feed(DONE)) == [PartEnded(0), Finished(FinishReason.STOP, native="stop")]
    assert list(decoder.close()) == []


def test_everything_a_delta_may_say() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": "sig"}

    events = read(
        sent(
            choice({"reasoning": "hm"}),
            choice({"thinking_blocks": [block, {"type": "thinking", "thinking": "unsigned"}]}),
            choice({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": ""}, 1]}),
            choice({"refusal": "no"}),
            choice({"audio": {"id": "a1", "data": "AAAA"}}),
            choice({"images": [{"image_url": {"url": "u"}}]}),
            choice({"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": "{}"}}]}),
        )
    )

    assert [event.part for event in events if isinstance(event, PartStarted)] == [
        Thinking(""),
        Text(""),
        Refusal(""),
        Audio(events_source(events), id="a1"),
        Image(Remote("u")),
        ToolCall("t", "f", ""),
    ]
    assert PartDelta(0, signature=Signature("anthropic", "sig")) in events
    assert events[-1] == Finished(FinishReason.TOOL_CALLS)


def events_source(events: list[Event]) -> Any:
    return next(
        event.part.source for event in events if isinstance(event, PartStarted) and isinstance(event.part, Audio)
    )


def test_the_old_format_of_calls() -> None:
    events = read(
        sent(
            choice({"function_call": {"name": "f", "arguments": '{"a"'}}),
            choice({"function_call": {"arguments": ":1}"}}, finish="function_call"),
        )
    )

    assert events[1:] == [
        PartStarted(0, ToolCall("", "f", "")),
        PartDelta(0, '{"a"'),
        PartDelta(0, ":1}"),
        PartEnded(0),
        Finished(FinishReason.TOOL_CALLS, native="function_call"),
    ]


def test_choices_go_side_by_side() -> None:
    events = read(
        sent(choice({"content": "b"}, 1), choice({"content": "a"}, 0.0), choice({}, 1, "length"), choice({}, 0, "stop"))
    )

    assert events == [
        Started("c1", "up"),
        PartStarted(0, Text(""), 1),
        PartDelta(0, "b", 1),
        PartStarted(0, Text("")),
        PartDelta(0, "a"),
        PartEnded(0),
        Finished(FinishReason.STOP, native="stop"),
        PartEnded(0, 1),
        Finished(FinishReason.LENGTH, 1, "length"),
    ]


def test_absurdly_many_choices_are_not_kept() -> None:
    events = read(sent(*(choice({"content": "x"}, index) for index in range(MOST_CHOICES + 9))))

    assert sum(isinstance(event, Finished) for event in events) == MOST_CHOICES


def test_usage_is_told_when_it_is_news_wherever_it_is() -> None:
    first, more = {"prompt_tokens": 3, "completion_tokens": 1}, {"prompt_tokens": 3, "completion_tokens": 2}

    events = read(
        sent(
            {"choices": [{"index": 0, "delta": {}, "usage": first}]},
            {"choices": [], "usage": first},
            {"choices": [], "x_groq": {"usage": more}},
            {"choices": [], "usage": first},
            {"choices": [], "usage": {"prompt_tokens": -1}},
        )
    )

    assert [event for event in events if isinstance(event, UsageReported)] == [
        UsageReported(Usage(input=3, output=1, call=1)),
        UsageReported(Usage(input=3, output=2, call=1)),
    ]


@pytest.mark.parametrize(
    ("stream", "failed"),
    [
        (sent({"error": {"message": "no", "type": "t", "code": "c"}}), Failed("no", "t", "c")),
        (sent({"error": "no"}), Failed("no")),
        (b"event: error\ndata: {}\n\n", Failed()),
        (b"data: <html>\n\n", Failed("The upstream sent an event that cannot be read.", code="unreadable_event")),
    ],
)
def test_after_an_error_there_is_nothing(stream: bytes, failed: Failed) -> None:
    assert read(stream + sent(choice({"content": "late"})) + DONE) == [failed]


def test_what_is_no_event_is_passed_over() -> None:
    assert read(b": ping\n\nevent: x\n\ndata:\n\n" + sent({"choices": None}, {}) + b"data: {") == []


def test_the_end_marker_may_lack_its_blank_line() -> None:
    assert read(sent(choice({"content": "a"})) + b"data: [DONE]")[-1] == Finished(FinishReason.STOP)


def test_lone_surrogates_are_replaced() -> None:
    assert read(b'data: {"choices":[{"delta":{"content":"x\\ud83d"}}]}\n\n')[2] == PartDelta(0, "x?")


def test_text_completions_are_read_too() -> None:
    assert read(sent({"choices": [{"index": 0, "text": "a"}]}))[2] == PartDelta(0, "a")
