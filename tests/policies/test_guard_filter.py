from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, structs

from clinx.canonical.content import (
    Audio,
    Citation,
    Image,
    Inline,
    Part,
    Refusal,
    Signature,
    Text,
    Thinking,
    TokenLogprob,
    ToolCall,
    Unknown,
)
from clinx.canonical.events import Event, Finished, PartDelta, PartEnded, PartStarted, Started, UsageReported
from clinx.canonical.filters import filtered
from clinx.canonical.fold import fold, unfold
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.domain.usage import Usage
from clinx.errors import PolicyRefused
from clinx.policies.guard import GuardAction, GuardRule
from clinx.policies.guard_filter import GuardFilter
from clinx.policies.guard_patterns import Patterns
from clinx.policies.guard_words import WordList
from support.guards import Hits

SECRET = WordList(["secret"], whole=True)
MASK = GuardRule("mask", GuardAction.MASK, words=SECRET, patterns=Patterns(["AKIA[0-9A-Z]{4}"]))
FLAG = GuardRule("flag", GuardAction.FLAG, words=SECRET)
BLOCK = GuardRule("block", GuardAction.BLOCK, words=SECRET)
PICTURE = Image(Inline("image/png", "secret00"))
ODD = Unknown("openai-responses", Raw(b'{"type":"secret","input":"[secret AKIA0123","id":"secret"}'))


def answer(*parts: Part) -> ChatResponse:
    return ChatResponse("id", "model", (Choice(parts),), Usage(input=1, output=2))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Text("a secret"), Text("a ***")),
        (Text("AKIA0123 or AKIA01"), Text("*** or AKIA01")),
        (Refusal("secret!"), Refusal("***!")),
        (Thinking("secret", Signature("anthropic", "secret")), Thinking("***", Signature("anthropic", "secret"))),
        (Audio(Inline("audio/pcm", "c2VjcmV0"), "a secret"), Audio(Inline("audio/pcm", "c2VjcmV0"), "a ***")),
        (ToolCall("id", "secret", r'{"a":"\nsecret"}'), ToolCall("id", "secret", r'{"a":"\n***"}')),
        (PICTURE, PICTURE),
        (ODD, structs.replace(ODD, payload=Raw(b'{"type":"secret","input":"[*** ***","id":"secret"}'))),
    ],
)
def test_all_that_a_model_says_is_masked(part: Part, expected: Part) -> None:
    assert filtered(answer(part), GuardFilter([MASK], Hits())) == answer(expected)


def test_what_is_said_beside_a_text_does_not_give_it_away() -> None:
    cited = Citation("https://e.org", "A secret", "no", native=Unknown("anthropic", Raw(b'{"cited_text":"secret"}')))
    kept = Citation("https://e.org", "Title", "no", native=Unknown("anthropic", Raw(b'{"cited_text":"no"}')))
    token = TokenLogprob("secret", -0.1)

    left = filtered(answer(Text("ok", citations=(cited, kept), logprobs=(token,))), GuardFilter([MASK], Hits()))

    assert left == answer(Text("ok", citations=(Citation("https://e.org", "A ***", "no"), kept)))


def test_a_flagged_answer_is_told_as_it_is() -> None:
    hits, response = Hits(), answer(Text("secret, secret", logprobs=(TokenLogprob("secret", -0.1),)))

    assert filtered(response, GuardFilter([FLAG], hits)) == response
    assert hits.counts == {"flag": 2}


def test_a_blocked_answer_ends() -> None:
    with pytest.raises(PolicyRefused):
        filtered(answer(Thinking("fine"), Text("a secret")), GuardFilter([BLOCK], Hits()))


def test_what_only_a_vendor_understands_is_blocked_and_counted_too() -> None:
    hits = Hits()
    with pytest.raises(PolicyRefused):
        filtered(answer(ODD), GuardFilter([FLAG, BLOCK], hits))

    assert hits.counts == {"flag": 1, "block": 1}


def test_parts_and_choices_are_looked_at_each_by_itself() -> None:
    events: list[Event] = [Started("id", "model")]
    events += [PartStarted(0, Text("se"), choice) for choice in (0, 1)]
    events += [PartDelta(0, text, choice) for text in ("cr", "et") for choice in (0, 1)]
    events += [PartDelta(0, "s", 1), PartEnded(0, 0), PartEnded(0, 1)]
    events += [PartStarted(1, Text("se"), 0), PartEnded(1, 0), PartStarted(2, Text("cret"), 0), PartEnded(2, 0)]
    events += [Finished(FinishReason.STOP, 0), Finished(FinishReason.STOP, 1), UsageReported(Usage(output=1))]
    change = GuardFilter([MASK], Hits())

    told = fold([each for event in events for each in change.feed(event)])

    assert [choice.parts for choice in told.choices] == [(Text("***"), Text("se"), Text("cret")), (Text("secrets"),)]
    assert change.close() == ()


def test_signatures_and_sound_are_not_held_back() -> None:
    change, signature = GuardFilter([MASK], Hits()), Signature("gemini", "proof")
    change.feed(PartStarted(0, Thinking("")))
    change.feed(PartStarted(0, Audio(None), 1))

    assert change.feed(PartDelta(0, "secre", signature=signature)) == (PartDelta(0, "", signature=signature),)
    assert change.feed(PartDelta(0, "secre", 1, data="AAAA")) == (PartDelta(0, "", 1, data="AAAA"),)
    assert change.feed(PartDelta(0, "t")) == ()
    assert change.feed(PartEnded(0)) == (PartDelta(0, "***"), PartEnded(0))


TEXTS = st.text("secrtAKI01 .", max_size=12) | st.sampled_from(["a secret.", "AKIA0123", "secret secret"])
PARTS = st.one_of(
    st.builds(Text, TEXTS), st.builds(Thinking, TEXTS), st.builds(ToolCall, st.just("id"), st.just("f"), TEXTS)
)


@given(st.lists(PARTS, max_size=4), st.integers(1, 5))
def test_any_split_of_an_answer_gives_the_same(parts: list[Part], size: int) -> None:
    response = answer(*parts)
    whole = filtered(response, GuardFilter([MASK], Hits()))

    change = GuardFilter([MASK], Hits())
    told = [each for event in _cut(list(unfold(response)), size) for each in change.feed(event)]

    assert fold([*told, *change.close()]) == whole


def _cut(events: Sequence[Event], size: int) -> list[Event]:
    pieces: list[Event] = []
    for event in events:
        if isinstance(event, PartDelta):
            texts = [event.text[place : place + size] for place in range(0, len(event.text), size)]
            pieces += [PartDelta(event.index, text, event.choice) for text in texts]
        else:
            pieces.append(event)
    return pieces
