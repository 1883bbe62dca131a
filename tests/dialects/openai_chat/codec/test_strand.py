from __future__ import annotations

from typing import Any

from clinx.canonical.content import Audio, Image, Inline, Refusal, Remote, Signature, Text, Thinking, ToolCall
from clinx.canonical.events import Event, Finished, PartDelta, PartEnded, PartStarted
from clinx.canonical.response import FinishReason
from clinx.dialects.openai_chat.codec.strand import Strand


class Told:
    """A strand and what it told."""

    def __init__(self, choice: int = 0) -> None:
        self.events: list[Event] = []
        self.strand = Strand(choice, self.events)

    def call(self, index: int, arguments: Any, **more: Any) -> None:
        self.strand.call({"index": index, "function": {"arguments": arguments, **more}})

    def take(self) -> list[Event]:
        taken = self.events.copy()
        self.events.clear()
        return taken


def test_texts_of_a_kind_are_one_part() -> None:
    told = Told(3)

    told.strand.say(Thinking, "hm")
    told.strand.say(Text, "a")
    told.strand.say(Text, "b")
    told.strand.say(Refusal, "no")
    told.strand.say(Text, "c")

    assert told.take() == [
        PartStarted(0, Thinking(""), 3),
        PartDelta(0, "hm", 3),
        PartEnded(0, 3),
        PartStarted(1, Text(""), 3),
        PartDelta(1, "a", 3),
        PartDelta(1, "b", 3),
        PartEnded(1, 3),
        PartStarted(2, Refusal(""), 3),
        PartDelta(2, "no", 3),
        PartEnded(2, 3),
        PartStarted(3, Text(""), 3),
        PartDelta(3, "c", 3),
    ]


def test_a_call_starts_with_its_first_argument() -> None:
    told = Told()

    told.call(0, "", name="get_", id="a")
    told.call(0, "", name="weather")
    assert told.take() == []
    told.call(0, "{")
    assert told.take() == [PartStarted(0, ToolCall("", "get_weather", "")), PartDelta(0, "{")]
    told.call(0, "}")
    told.call(1, "{}", name="g")
    assert told.take() == [
        PartDelta(0, "}"),
        PartEnded(0),
        PartStarted(1, ToolCall("", "g", "")),
        PartDelta(1, "{}"),
    ]


def test_half_a_call_is_not_ended_by_what_comes_between_its_pieces() -> None:
    told = Told()

    told.call(0, '{"a":', name="f")
    told.call(1, "", name="g")
    told.strand.say(Text, "so")
    told.call(1, "{}")
    told.strand.say(Text, " it")
    told.strand.say(Text, " is")
    told.strand.whole(Image(Remote("u")))
    told.call(0, "1}")
    assert told.take() == [PartStarted(0, ToolCall("", "f", "")), PartDelta(0, '{"a":'), PartDelta(0, "1}")]
    told.strand.close()

    assert told.take() == [
        PartEnded(0),
        PartStarted(1, ToolCall("", "g", "")),
        PartDelta(1, "{}"),
        PartEnded(1),
        PartStarted(2, Text("")),
        PartDelta(2, "so"),
        PartDelta(2, " it"),
        PartDelta(2, " is"),
        PartEnded(2),
        PartStarted(3, Image(Remote("u"))),
        PartEnded(3),
        Finished(FinishReason.TOOL_CALLS),
    ]


def test_what_comes_for_a_call_that_has_ended_is_dropped() -> None:
    told = Told()
    told.call(0, "{}", name="f")
    told.strand.say(Text, "so")
    told.take()

    told.call(0, "late")

    assert told.take() == []


def test_a_call_that_never_had_arguments_is_told_at_the_end() -> None:
    told = Told()

    told.call(0, None, name="f")
    told.strand.finish("stop")
    told.strand.close()

    assert told.take() == [
        PartStarted(0, ToolCall("", "f", "")),
        PartEnded(0),
        Finished(FinishReason.TOOL_CALLS, native="stop"),
    ]


def test_a_signature_ends_the_thought_it_belongs_to() -> None:
    signed, told = Signature("anthropic", "sig"), Told()

    told.strand.say(Thinking, "hm")
    told.strand.think(Thinking("hm", signed))
    told.strand.think(Thinking("", redacted=signed))

    assert told.take() == [
        PartStarted(0, Thinking("")),
        PartDelta(0, "hm"),
        PartDelta(0, signature=signed),
        PartEnded(0),
        PartStarted(1, Thinking("", redacted=signed)),
    ]


def test_speech_is_one_part_in_pieces() -> None:
    told = Told()

    told.strand.speak(Audio(None, "", "audio_1"))
    told.strand.speak(Audio(Inline("audio/wav", "AAAA"), "he"))
    told.strand.speak(Audio(None, "llo"))

    assert told.take() == [
        PartStarted(0, Audio(None, id="audio_1")),
        PartDelta(0, "he", data="AAAA"),
        PartDelta(0, "llo"),
    ]


def test_a_choice_that_said_nothing_stopped() -> None:
    told = Told(1)

    told.strand.close()

    assert told.take() == [Finished(FinishReason.STOP, 1)]
