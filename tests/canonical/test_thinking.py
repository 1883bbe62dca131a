from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinx.canonical.content import Citation, Part, Signature, Text, Thinking, TokenLogprob, ToolCall
from clinx.canonical.events import Event, Finished, PartDelta, PartEnded, PartStarted, Started
from clinx.canonical.filters import EventFilter, filtered
from clinx.canonical.fold import fold
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.canonical.thinking import TagReader, TextToThoughts, ThoughtsToText
from support.codecs import answers, assert_grammar

CALL = ToolCall("c1", "f", "{}")


def answer(*parts: Part) -> ChatResponse:
    return ChatResponse("id", "m", (Choice(parts),))


def through(changes: EventFilter, *parts: Part) -> Sequence[Part]:
    return filtered(answer(*parts), changes).choices[0].parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("<think>hm</think>hello", [Thinking("hm"), Text("hello")]),
        ("\n<think>\nhm\n\nso\n</think>\n\nhello\n", [Thinking("hm\n\nso"), Text("hello\n")]),
        ("<think></think>hello", [Text("hello")]),
        ("<think>\n\n</think>\n\nhello", [Text("hello")]),
        ("<think>hm</think>", [Thinking("hm")]),
        ("<think>hm", [Thinking("hm")]),
        ("<think>hm </thi", [Thinking("hm </thi")]),
        ("<think></thin", [Thinking("</thin")]),
        ("<think>a < b </ c</think>d", [Thinking("a < b </ c"), Text("d")]),
        ("<think>", [Text("")]),
        ("<thi", [Text("<thi")]),
        (" \n", [Text(" \n")]),
        ("", [Text("")]),
        ("Write <think>hm</think>.", [Text("Write <think>hm</think>.")]),
        ("<think>hm</think>and </think> more", [Thinking("hm"), Text("and </think> more")]),
    ],
)
def test_thoughts_that_a_text_begins_with_are_parts_of_their_own(text: str, parts: Sequence[Part]) -> None:
    assert list(through(TextToThoughts(), Text(text), CALL)) == [*parts, CALL]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("hm</think>hello", [Thinking("hm"), Text("hello")]),
        ("\nhm\n</think>\n\nhello\n", [Thinking("hm"), Text("hello\n")]),
        ("<think>\nhm</think>hello", [Thinking("hm"), Text("hello")]),
        ("</think>hello", [Text("hello")]),
        ("\n\n</think>\n\nhello", [Text("hello")]),
        ("hm", [Thinking("hm")]),
        ("hm </thi", [Thinking("hm </thi")]),
        ("<thi", [Thinking("<thi")]),
        ("a <think> b</think>c</think>d", [Thinking("a <think> b"), Text("c</think>d")]),
        (" \n", [Text(" \n")]),
        ("", [Text("")]),
    ],
)
def test_a_text_may_begin_inside_a_thought(text: str, parts: Sequence[Part]) -> None:
    assert list(through(TextToThoughts(is_begun=True), Text(text), CALL, Text("more"))) == [*parts, CALL, Text("more")]


def test_who_tells_thoughts_apart_has_begun_no_text_inside_one() -> None:
    parts = (Thinking("hm"), Text("hello"))

    assert through(TextToThoughts(is_begun=True), *parts) == parts


PIECES = st.lists(st.sampled_from(["<think>", "</think>", "<thi", "nk>", "</", "a", "b<", " ", "\n", "é"]), max_size=8)


@settings(max_examples=200, deadline=None)
@given(pieces=PIECES, is_begun=st.booleans(), data=st.data())
def test_any_split_of_a_text_gives_the_same_thoughts(pieces: list[str], data: st.DataObject, *, is_begun: bool) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    events: list[Event] = [Started("id", "m"), PartStarted(0, Text(""))]
    events += [PartDelta(0, text[start:stop]) for start, stop in pairwise([0, *cuts, len(text)])]
    events += [PartEnded(0), PartStarted(1, Text("<think>x</think>y")), PartEnded(1), Finished(FinishReason.STOP)]
    changes = TextToThoughts(is_begun=is_begun)

    told = [each for event in events for each in changes.feed(event)]

    assert_grammar(told)
    whole = answer(Text(text), Text("<think>x</think>y"))
    assert fold(told) == filtered(whole, TextToThoughts(is_begun=is_begun))


def test_a_thought_is_told_as_it_grows() -> None:
    reader = TagReader()

    assert [list(reader.feed(piece)) for piece in ["<th", "ink>", "a", " ", "b", " </", "think>\n", "c", " "]] == [
        *([], [], [Thinking("a")], [], [Thinking(" b")], [], []),
        *([Text("c")], [Text(" ")]),
    ]


def test_what_goes_with_a_text_stays_with_the_rest_of_it() -> None:
    signed = Signature("gemini", "s")
    text = Text(
        "<think>hm</think>hello",
        None,
        signed,
        (Citation("https://a.test", start=17, end=22), Citation("https://b.test")),
        (TokenLogprob("t", -0.5),),
    )

    assert through(TextToThoughts(), text) == (
        Thinking("hm"),
        Text(
            "hello",
            None,
            signed,
            (Citation("https://a.test", start=0, end=5), Citation("https://b.test")),
            (TokenLogprob("t", -0.5),),
        ),
    )
    assert through(TextToThoughts(), Text("<think>hm", None, signed)) == (Thinking("hm"), Text("", None, signed))
    assert through(TextToThoughts(), Text("hi", None, signed)) == (Text("hi", None, signed),)


@settings(max_examples=30, deadline=None)
@given(answers())
def test_answers_without_tags_stay_as_they_are(given: ChatResponse) -> None:
    assert filtered(given, TextToThoughts()) == given


def test_thoughts_become_text_between_tags() -> None:
    parts = [Thinking("hm", Signature("anthropic", "s")), Text("hello"), CALL]

    assert through(ThoughtsToText(), *parts) == (Text("<think>\nhm\n</think>\n"), Text("hello"), CALL)


def test_hidden_thoughts_leave_no_trace() -> None:
    hidden = Thinking("", redacted=Signature("anthropic", "x"))

    assert through(ThoughtsToText(), hidden, Text("a"), hidden, CALL) == (Text("a"), CALL)


def test_thoughts_in_a_text_are_closed_even_where_the_answer_ends_in_them() -> None:
    changes = ThoughtsToText()
    events: list[Event] = [
        Started("id", "m"),
        PartStarted(0, Thinking("a")),
        PartDelta(0, "b"),
        PartDelta(0, signature=Signature("anthropic", "s")),
        PartEnded(0),
        Finished(FinishReason.LENGTH),
    ]

    assert [each for event in events for each in changes.feed(event)] == [
        Started("id", "m"),
        PartStarted(0, Text("")),
        PartDelta(0, "<think>\na"),
        PartDelta(0, "b"),
        PartDelta(0, "\n</think>\n"),
        PartEnded(0),
        Finished(FinishReason.LENGTH),
    ]
    assert changes.close() == ()


@settings(max_examples=30, deadline=None)
@given(answers())
def test_thoughts_come_back_out_of_a_text(given: ChatResponse) -> None:
    (choice,) = given.choices
    thoughts = [part.text.strip() for part in choice.parts if isinstance(part, Thinking)]

    back = filtered(filtered(given, ThoughtsToText()), TextToThoughts())

    assert [part.text for part in back.choices[0].parts if isinstance(part, Thinking)] == list(filter(None, thoughts))


def test_each_choice_has_thoughts_of_its_own() -> None:
    both = ChatResponse("id", "m", (Choice((Text("<think>a</think>b"),)), Choice((Text("c"),))))

    assert [choice.parts for choice in filtered(both, TextToThoughts()).choices] == [
        (Thinking("a"), Text("b")),
        (Text("c"),),
    ]
