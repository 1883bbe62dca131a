from __future__ import annotations

import base64

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
)
from clinx.canonical.events import Failed, Finished, PartDelta, PartEnded, PartStarted, Started, UsageReported
from clinx.canonical.fold import Fold, Growing, fold, unfold
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken

SIGNED = Signature("anthropic", "sig")
PICTURE = Image(Remote("https://pictures.test/1.png"))


def grown(part: Part, *deltas: PartDelta) -> Part:
    growing = Growing(part)
    for delta in deltas:
        growing.add(delta)
    return growing.part()


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        (Text("a"), Text("abc", signature=SIGNED)),
        (Thinking("a"), Thinking("abc", SIGNED)),
        (ToolCall("i", "f", "a"), ToolCall("i", "f", "abc", SIGNED)),
        (Refusal("a"), Refusal("abc")),
        (PICTURE, Image(Remote("https://pictures.test/1.png"), signature=SIGNED)),
        (Audio(None, "a"), Audio(None, "abc")),
        (ToolResult("i", ()), ToolResult("i", ())),
        (File(Remote("u")), File(Remote("u"))),
        (Unknown("d", Raw(b"1")), Unknown("d", Raw(b"1"))),
    ],
)
def test_a_part_grows_by_its_text_and_is_signed(part: Part, whole: Part) -> None:
    assert grown(part, PartDelta(0, "b"), PartDelta(0, "c", signature=SIGNED)) == whole


def test_speech_grows_by_pieces_of_base64_that_are_complete_in_themselves() -> None:
    pieces = [base64.b64encode(piece).decode() for piece in (b"one", b"two!")]

    whole = grown(
        Audio(Inline("audio/wav", pieces[0]), "he"), PartDelta(0, "llo", data=pieces[1]), PartDelta(0, data="A")
    )

    assert whole == Audio(Inline("audio/wav", base64.b64encode(b"onetwo!").decode()), "hello")


def test_speech_that_nobody_named_the_kind_of() -> None:
    assert grown(Audio(None), PartDelta(0, data="AAAA")) == Audio(Inline("audio/pcm", "AAAA"))


def test_events_of_several_choices_fold_in_the_order_of_their_numbers() -> None:
    events = [
        Started("id", "up"),
        PartStarted(0, Text(""), 1),
        PartStarted(0, Text(""), 0),
        PartDelta(0, "one", 1),
        PartDelta(0, "zero", 0),
        PartDelta(7, "of no part", 0),
        PartEnded(0, 1),
        UsageReported(Usage(input=1)),
        UsageReported(Usage(input=2)),
        Finished(FinishReason.LENGTH, 1, "max", "END"),
    ]

    assert fold(events) == ChatResponse(
        "id",
        "up",
        (Choice((Text("zero"),)), Choice((Text("one"),), FinishReason.LENGTH, "max", "END")),
        Usage(input=2),
    )


def test_a_failure_is_no_answer() -> None:
    with pytest.raises(UpstreamBroken):
        fold([Started("id", "up"), Failed("no")])


def test_a_fold_can_be_looked_at_before_its_end() -> None:
    gathered = Fold()
    gathered.add(PartStarted(0, Text("")))
    gathered.add(PartDelta(0, "so"))

    assert gathered.response() == ChatResponse("", "", (Choice((Text("so"),)),))


def test_a_whole_answer_is_told_part_by_part() -> None:
    answer = ChatResponse(
        "id",
        "up",
        (Choice((Thinking("hm", SIGNED), ToolCall("i", "f", ""), PICTURE), FinishReason.TOOL_CALLS, "tool_use"),),
        Usage(output=3),
    )

    assert list(unfold(answer)) == [
        Started("id", "up"),
        PartStarted(0, Thinking("")),
        PartDelta(0, "hm", signature=SIGNED),
        PartEnded(0),
        PartStarted(1, ToolCall("i", "f", "")),
        PartEnded(1),
        PartStarted(2, PICTURE),
        PartEnded(2),
        Finished(FinishReason.TOOL_CALLS, native="tool_use"),
        UsageReported(Usage(output=3)),
    ]


@pytest.mark.parametrize(
    "part",
    [
        Text("a", "5m", SIGNED),
        Refusal("no"),
        Thinking("", redacted=SIGNED, id="rs_1"),
        Audio(Inline("audio/wav", "AAAA"), "hi", "audio_1"),
        File(Inline("text/plain", "AAAA")),
        Unknown("d", Raw(b"{}")),
        ToolResult("i", (Text("x"),)),
    ],
)
def test_every_part_comes_back(part: Part) -> None:
    answer = ChatResponse("", "", (Choice((part,)),))

    assert fold(unfold(answer)) == answer
