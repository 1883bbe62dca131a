from __future__ import annotations

from typing import Any

import pytest

from clinx.canonical.content import Signature, ToolCall
from clinx.dialects.openai_chat.codec.calls import Call, Calls


def piece(name: str | None = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}, **more}


def gathered(*pieces: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Every call that the pieces belong to: its id, name and arguments."""
    calls, found = Calls(), dict[int, Call]()
    for each in pieces:
        call = calls.of(each)
        call.add(each)
        found[id(call)] = call
    return [(call.id, call.name, "".join(call.arguments)) for call in found.values()]


@pytest.mark.parametrize(
    "pieces",
    [
        # As OpenAI says it.
        (piece("f", "", index=0, id="a"), piece(None, "{}", index=0), piece("g", "[]", index=1, id="b")),
        # In turns.
        (piece("f", "{", index=0, id="a"), piece("g", "[]", index=1, id="b"), piece(None, "}", index=0)),
        # The same index for all.
        (piece("f", "{}", index=0, id="a"), piece("g", "[]", index=0, id="b")),
        # No index.
        (piece("f", "{", id="a"), piece("", "}", id="a"), piece("g", "[]", id="b")),
        # The id again and again, and the name too.
        (piece("f", "{", index=0, id="a"), piece("f", "}", index=0, id="a"), piece("g", "[]", index=1, id="b")),
        # A name in pieces.
        (
            piece("", None, index=0, id="a"),
            piece("f", None, index=0),
            piece(None, "{}", index=0),
            piece("g", "[]", id="b"),
        ),
    ],
)
def test_pieces_find_their_calls(pieces: tuple[dict[str, Any], ...]) -> None:
    assert gathered(*pieces) == [("a", "f", "{}"), ("b", "g", "[]")]


def test_calls_without_an_index_and_an_id_are_told_apart_by_their_names() -> None:
    assert gathered(piece("f", "{"), piece(None, "}"), piece("f", "{}"), piece("g", {"a": 1})) == [
        ("", "f", "{}"),
        ("", "f", "{}"),
        ("", "g", '{"a":1}'),
    ]


def test_a_name_may_come_in_pieces_until_arguments_do() -> None:
    assert gathered(piece("get_", index=0), piece("weather", "{", index=0), piece("x", "}", index=0)) == [
        ("", "get_weather", "{}")
    ]


def test_pieces_of_no_sense_are_a_call_without_a_name() -> None:
    assert gathered({"index": "0", "id": 7, "function": "f"}) == [("", "", "")]


def test_a_call_is_complete_when_its_arguments_are_an_object() -> None:
    call = Call(0, "a")

    states = [call.is_complete]
    for text in ("", '{"a":', "1}"):
        call.add(piece("f", text))
        states.append(call.is_complete)

    assert states == [False, False, False, True]


def test_a_call_starts_with_what_is_known_of_it() -> None:
    call = Call(0, "a")
    call.add(piece("f", "{}", extra_content={"google": {"thought_signature": "s"}}))

    assert call.start() == ToolCall("a", "f", "", Signature("gemini", "s"))


def test_there_may_be_no_call() -> None:
    calls = Calls()
    before = calls.are_any
    calls.of(piece("f"))

    assert (before, calls.are_any) == (False, True)
