from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.anthropic.prompt import DOCUMENT, IMAGE, PER_TOOL, TOOLS, count_prompt
from clinx.dialects.body import JsonBody
from clinx.dialects.prompts import MOST_BRACKETS


def words(text: str) -> int:
    return len(text.split())


def counted(**members: Any) -> int:
    return count_prompt(JsonBody.parse(json.dumps(members).encode()), words)


def user(*blocks: Any) -> list[Any]:
    return [{"role": "user", "content": list(blocks)}]


EMPTY = 3 + 3


def test_texts_count_wherever_they_are() -> None:
    assert counted(messages=[{"role": "user", "content": "one two"}]) == EMPTY + 2
    assert counted(messages=user({"type": "text", "text": "one two"})) == EMPTY + 2
    assert counted(system="a b c", messages=user()) == EMPTY + 3
    assert counted(system=[{"type": "text", "text": "a b c"}], messages=user()) == EMPTY + 3


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        ({"type": "image", "source": {"type": "base64", "data": "QUJD"}}, IMAGE),
        ({"type": "document", "title": "my title", "source": {"type": "url", "url": "https://a"}}, DOCUMENT + 2),
        ({"type": "document", "source": {"type": "text", "data": "one two three"}}, 3),
        ({"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "one two"}]}}, 2),
        ({"type": "thinking", "thinking": "one two", "signature": "x y z"}, 2),
        ({"type": "redacted_thinking", "data": "x y z"}, 0),
        ({"type": "tool_use", "id": "x y", "name": "f", "input": {"a": "b"}}, 1 + 2),
        ({"type": "tool_result", "tool_use_id": "x y", "content": "one two"}, 2),
        (
            {"type": "tool_result", "content": [{"type": "text", "text": "one"}, {"type": "image", "source": {}}]},
            1 + IMAGE,
        ),
        (
            {
                "type": "search_result",
                "source": "https://a",
                "title": "t",
                "content": [{"type": "text", "text": "a b"}],
            },
            4,
        ),
        ("odd", 0),
        (None, 0),
    ],
)
def test_blocks_count_by_their_kind(block: Any, tokens: int) -> None:
    assert counted(messages=user(block)) == EMPTY + tokens


def test_tools_count_as_text_and_a_little_more() -> None:
    tools = [{"name": "f"}, {"name": "g"}]

    assert counted(messages=user(), tools=tools) == EMPTY + TOOLS + 2 * PER_TOOL + words(json.dumps(tools))


def test_what_cannot_be_taken_apart_counts_as_its_text() -> None:
    dense = b'{"messages":[' + b"[]," * MOST_BRACKETS + b'[],"one two"]}'

    assert count_prompt(JsonBody.parse(dense), words) == 3 + 2


def test_blocks_inside_blocks_end_somewhere() -> None:
    block: Any = {"type": "text", "text": "deep"}
    for _ in range(50):
        block = {"type": "tool_result", "content": [block]}

    assert counted(messages=user(block)) == EMPTY


def test_bytes_that_are_no_text_count() -> None:
    body = JsonBody.parse(b'{"messages":[{"role":"user","content":[{"type":"text","text":"a\xff b"}]}]}')

    assert count_prompt(body, words) == EMPTY + 2
