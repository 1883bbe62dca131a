from __future__ import annotations

import itertools
from typing import Any

from clinx.canonical.content import Image, Inline, Refusal, Signature, Text, Thinking, ToolCall
from clinx.canonical.events import Event, PartDelta, PartEnded, PartStarted
from clinx.dialects.openai_responses.codec.item_progress import ADDED, ARGUMENTS, ENDED, REFUSAL, TEXT, ItemProgress

SUMMARY = "response.reasoning_summary_text.delta"
NAME = "openai_responses"


def told(*events: tuple[str, dict[str, Any]]) -> list[Event]:
    numbers = itertools.count()
    item = ItemProgress(lambda: next(numbers))
    return [each for kind, document in events for each in item.take(kind, document)]


def added(**item: Any) -> tuple[str, dict[str, Any]]:
    return ADDED, {"item": item}


def ended(**item: Any) -> tuple[str, dict[str, Any]]:
    return ENDED, {"item": item}


def test_a_message_has_a_part_for_each_of_its_own() -> None:
    assert told(
        added(type="message", content=[]),
        (TEXT, {"content_index": 0, "delta": "a"}),
        (TEXT, {"content_index": 0, "delta": "b"}),
        (REFUSAL, {"content_index": 1, "delta": "c"}),
        (TEXT, {"content_index": 2, "delta": "d"}),
        ended(type="message", content=[{"type": "output_text", "text": "ab"}]),
    ) == [
        PartStarted(0, Text("")),
        PartDelta(0, "a"),
        PartDelta(0, "b"),
        PartEnded(0),
        PartStarted(1, Refusal("")),
        PartDelta(1, "c"),
        PartEnded(1),
        PartStarted(2, Text("")),
        PartDelta(2, "d"),
        PartEnded(2),
    ]


def test_a_message_without_deltas_is_told_when_it_ends() -> None:
    assert told(ended(type="message", content=[{"type": "output_text", "text": "a"}])) == [
        PartStarted(0, Text("a")),
        PartEnded(0),
    ]


def test_a_call_begins_with_its_name() -> None:
    call: dict[str, Any] = {"type": "function_call", "call_id": "c", "name": "sum"}

    assert told(added(**call, arguments=""), (ARGUMENTS, {"delta": "{}"}), ended(**call, arguments="{}")) == [
        PartStarted(0, ToolCall("c", "sum", "")),
        PartDelta(0, "{}"),
        PartEnded(0),
    ]
    assert told(added(**call), ended(**call, arguments="{}")) == [
        PartStarted(0, ToolCall("c", "sum", "")),
        PartDelta(0, "{}"),
        PartEnded(0),
    ]
    assert told(added(type="function_call"), (ARGUMENTS, {"delta": "x"}), ended(**call, arguments="{}")) == [
        PartStarted(0, ToolCall("c", "sum", "{}")),
        PartEnded(0),
    ]


def test_pieces_of_a_thought_stand_apart_and_its_proof_comes_last() -> None:
    assert told(
        added(type="reasoning", id="rs"),
        (SUMMARY, {"summary_index": 0, "delta": "a"}),
        (SUMMARY, {"summary_index": 0, "delta": "b"}),
        (SUMMARY, {"summary_index": 1, "delta": "c"}),
        ended(type="reasoning", id="rs", summary=[{"text": "ab"}, {"text": "c"}], encrypted_content="g"),
    ) == [
        PartStarted(0, Thinking("", id="rs")),
        PartDelta(0, "a"),
        PartDelta(0, "b"),
        PartDelta(0, "\n\nc"),
        PartDelta(0, signature=Signature(NAME, "g")),
        PartEnded(0),
    ]


def test_a_thought_without_deltas_is_told_when_it_ends() -> None:
    assert told(added(type="reasoning"), ended(type="reasoning", summary=[{"text": "a"}])) == [
        PartStarted(0, Thinking("")),
        PartDelta(0, "a"),
        PartEnded(0),
    ]


def test_what_comes_whole_is_told_when_it_ends() -> None:
    assert told(added(type="image_generation_call"), ended(type="image_generation_call", result="AA")) == [
        PartStarted(0, Image(Inline("image/png", "AA"))),
        PartEnded(0),
    ]


def test_nothing_follows_the_end() -> None:
    assert told(ended(type="message", content=[]), (TEXT, {"delta": "a"})) == []
