from __future__ import annotations

from collections.abc import Sequence

from clinx.canonical.content import Text, Thinking
from clinx.canonical.events import Event, PartDelta, PartEnded, PartStarted
from clinx.canonical.filters import Chain, filtered
from clinx.canonical.response import ChatResponse, Choice
from clinx.canonical.thinking import TextToThoughts, ThoughtsToText


class Late:
    """Holds every delta back to the end of the answer."""

    def __init__(self) -> None:
        self._held: list[Event] = []

    def feed(self, event: Event) -> Sequence[Event]:
        if not isinstance(event, PartDelta):
            return [event]
        self._held.append(event)
        return []

    def close(self) -> Sequence[Event]:
        return self._held


def answer(*parts: Text | Thinking) -> ChatResponse:
    return ChatResponse("id", "m", (Choice(parts),))


def test_filters_stand_one_behind_the_other() -> None:
    chain = Chain([TextToThoughts(), ThoughtsToText()])

    assert filtered(answer(Text("<think>a</think>b")), chain) == answer(Text("<think>\na\n</think>\n"), Text("b"))


def test_what_one_held_back_goes_through_those_behind_it() -> None:
    chain = Chain([Late(), Late()])

    assert [*chain.feed(PartStarted(0, Text(""))), *chain.feed(PartDelta(0, "a")), *chain.feed(PartEnded(0))] == [
        PartStarted(0, Text("")),
        PartEnded(0),
    ]
    assert chain.close() == [PartDelta(0, "a")]


def test_no_filter_changes_nothing() -> None:
    assert filtered(answer(Text("a")), Chain([])) == answer(Text("a"))
