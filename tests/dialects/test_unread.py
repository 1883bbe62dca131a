from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.canonical.request import Role
from clinx.dialects.base import Severity, Target
from clinx.dialects.registry import DIALECTS
from clinx.dialects.unread import MOST, Known, unread
from support.codecs import codec_of, envelope_of

KNOWN = Known(frozenset({"role", "content"}), "content", frozenset({"type", "text"}))

ASKED = {
    "openai_chat": (
        {"messages": [{"role": "user", "odd": 1, "content": [{"type": "text", "text": "hi", "rare": 1}]}]},
        ["messages[0].odd", "messages[0].content[0].rare"],
    ),
    "anthropic": (
        {
            "max_tokens": 9,
            "messages": [
                {"role": "user", "odd": 1, "content": [{"type": "text", "text": "hi", "citations": [{"a": 1}]}]}
            ],
        },
        ["messages[0].odd", "messages[0].content[0].citations"],
    ),
    "openai_responses": (
        {"input": [{"role": "user", "odd": 1, "content": [{"type": "input_text", "text": "hi", "rare": 1}]}]},
        ["input[0].odd", "input[0].content[0].rare"],
    ),
    "gemini": (
        {"contents": [{"role": "user", "odd": 1, "parts": [{"text": "hi", "partMetadata": {"a": 1}}]}]},
        ["contents[0].odd", "contents[0].parts[0].partMetadata"],
    ),
}


def found(messages: Any) -> list[str]:
    return [name for names in unread(memoryview(json.dumps(messages).encode()), "m", KNOWN).values() for name in names]


def test_members_that_say_something_are_named_by_their_places() -> None:
    messages = [
        {"role": "user", "content": "hi", "odd": 0, "nothing": None, "empty": [], "no": False, "blank": ""},
        {"role": "user", "content": [{"type": "text", "rare": {"a": 1}}, {"text": "b"}], "content_": "1234567"},
    ]

    assert found(messages) == ["m[0].odd", "m[1].content_", "m[1].content[0].rare"]


def test_there_is_an_end_to_the_names() -> None:
    assert len(found([{f"odd{number}": 1 for number in range(99)}])) == MOST


@pytest.mark.parametrize("messages", ["text", {}, [1], [{"content": [1, {"odd": 1}]}], None])
def test_what_has_another_shape_is_not_looked_at(messages: Any) -> None:
    assert found(messages) == []


@pytest.mark.parametrize("name", ASKED)
def test_every_dialect_names_what_it_does_not_read_of_messages(name: str) -> None:
    body, paths = ASKED[name]
    dialect = DIALECTS[name]
    path = {} if name == "gemini" else {"model": "m"}

    request = codec_of(dialect).decode_request(envelope_of(dialect, json.dumps({**path, **body}).encode()))

    assert [turn.role for turn in request.turns] == [Role.USER]
    for other in DIALECTS.values():
        if other.codec is not None:
            losses = other.codec.encode_request(request, Target("m")).losses
            assert [(loss.path, loss.severity) for loss in losses] == [(path, Severity.HARMLESS) for path in paths]
