from __future__ import annotations

import json
from typing import Any

from msgspec import Raw

from clinx.canonical.content import Audio, Image, Inline, Part, Refusal, Signature, Text, Thinking, ToolCall, Unknown
from clinx.canonical.events import PartDelta
from clinx.dialects.openai_responses.codec.item_writer import EventFrame, writer_of
from clinx.dialects.sse import SseReader
from dialects.openai_responses.codec.asking import answering

NAME = "openai_responses"


def written(part: Part, *deltas: PartDelta) -> list[dict[str, Any]]:
    """The events of one item, without their prefix and their numbers, which are seen to be right."""
    frame = EventFrame(answering())
    writer = writer_of(part, frame)
    stream = writer.start() + b"".join(writer.grow(delta) for delta in deltas) + writer.end()
    events = SseReader().feed(stream)
    found = [json.loads(event.data or b"") for event in events]
    assert [each.pop("sequence_number") for each in found] == list(range(len(found)))
    assert [event.event.decode() for event in events] == [each["type"] for each in found]
    for each in found:
        each["type"] = each["type"].removeprefix("response.")
    return found


def test_a_message() -> None:
    place = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    message = {"id": "msg_0", "type": "message", "role": "assistant"}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    whole = {**part, "text": "Hello"}

    assert written(Text(""), PartDelta(0, "Hel"), PartDelta(0), PartDelta(0, "lo")) == [
        {"type": "output_item.added", "output_index": 0, "item": {**message, "status": "in_progress", "content": []}},
        {"type": "content_part.added", **place, "part": part},
        {"type": "output_text.delta", **place, "delta": "Hel", "logprobs": []},
        {"type": "output_text.delta", **place, "delta": "lo", "logprobs": []},
        {"type": "output_text.done", **place, "text": "Hello", "logprobs": []},
        {"type": "content_part.done", **place, "part": whole},
        {"type": "output_item.done", "output_index": 0, "item": {**message, "status": "completed", "content": [whole]}},
    ]


def test_a_refusal() -> None:
    found = written(Refusal("N"), PartDelta(0, "o"))

    assert [each["type"] for each in found] == [
        "output_item.added",
        "content_part.added",
        "refusal.delta",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
    ]
    assert found[-1]["item"]["content"] == [{"type": "refusal", "refusal": "No"}]


def test_a_call() -> None:
    place = {"item_id": "fc_0", "output_index": 0}
    call = {"id": "fc_0", "type": "function_call", "call_id": "c", "name": "sum"}

    assert written(ToolCall("c", "sum", ""), PartDelta(0, '{"a"'), PartDelta(0, ":1}")) == [
        {"type": "output_item.added", "output_index": 0, "item": {**call, "status": "in_progress", "arguments": ""}},
        {"type": "function_call_arguments.delta", **place, "delta": '{"a"'},
        {"type": "function_call_arguments.delta", **place, "delta": ":1}"},
        {"type": "function_call_arguments.done", **place, "name": "sum", "arguments": '{"a":1}'},
        {
            "type": "output_item.done",
            "output_index": 0,
            "item": {**call, "status": "completed", "arguments": '{"a":1}'},
        },
    ]


def test_a_call_without_arguments_has_an_empty_object_and_one_without_an_id_gets_one() -> None:
    item = written(ToolCall("", "now", ""))[-1]["item"]

    assert (item["arguments"], item["call_id"]) == ("{}", "call_1")


def test_a_thought() -> None:
    place = {"item_id": "rs_x", "output_index": 0, "summary_index": 0}
    thought = {"id": "rs_x", "type": "reasoning"}
    summary = {"type": "summary_text", "text": "Hm"}

    assert written(
        Thinking("", id="rs_x"), PartDelta(0, "H"), PartDelta(0, "m"), PartDelta(0, signature=Signature(NAME, "g"))
    ) == [
        {"type": "output_item.added", "output_index": 0, "item": {**thought, "summary": [], "encrypted_content": None}},
        {"type": "reasoning_summary_part.added", **place, "part": {"type": "summary_text", "text": ""}},
        {"type": "reasoning_summary_text.delta", **place, "delta": "H"},
        {"type": "reasoning_summary_text.delta", **place, "delta": "m"},
        {"type": "reasoning_summary_text.done", **place, "text": "Hm"},
        {"type": "reasoning_summary_part.done", **place, "part": summary},
        {
            "type": "output_item.done",
            "output_index": 0,
            "item": {**thought, "summary": [summary], "encrypted_content": "g"},
        },
    ]


def test_a_hidden_thought_has_only_its_proof() -> None:
    found = written(Thinking("", redacted=Signature("anthropic", "x")))

    assert [each["type"] for each in found] == ["output_item.added", "output_item.done"]
    assert found[1]["item"]["encrypted_content"] == "clinx:anthropic:redacted:x"


def test_what_comes_whole_is_added_and_done() -> None:
    item = {"type": "web_search_call", "id": "ws"}

    assert written(Unknown(NAME, Raw(json.dumps(item).encode()))) == [
        {"type": "output_item.added", "output_index": 0, "item": item},
        {"type": "output_item.done", "output_index": 0, "item": item},
    ]
    begun, done = written(Image(Inline("image/png", "AA")), PartDelta(0, "x"))
    assert (begun["item"]["status"], begun["item"]["result"]) == ("in_progress", None)
    assert (done["item"]["status"], done["item"]["result"]) == ("completed", "AA")


def test_what_says_nothing_is_left_out() -> None:
    assert written(Text(""), PartDelta(0)) == []
    assert written(Audio(None)) == []
    assert written(Thinking("")) == []
    assert written(Unknown("gemini", Raw(b"{}"))) == []
