from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from clinx.dialects.body import JsonBody
from clinx.dialects.openai_chat.prompt import count_chat, count_complete
from clinx.dialects.prompts import MOST_BRACKETS, MOST_COMMAS


def body(**members: Any) -> JsonBody:
    return JsonBody.parse(json.dumps(members).encode())


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


def words(text: str) -> int:
    """A tokenizer whose tokens one can count by eye."""
    return len(text.split())


@pytest.mark.parametrize(
    ("messages", "tokens"),
    [
        ([{"role": "user", "content": "one two"}], 3 + 3 + 1 + 2),
        ([{"role": "system", "content": "a"}, {"role": "user", "content": "b"}], 3 + 2 * (3 + 1 + 1)),
        ([{"role": "user", "name": "Ann", "content": "a"}], 3 + 3 + 1 + 1 + 1 + 1),
        (user({"type": "text", "text": "one two"}), 3 + 3 + 1 + (1 + 2)),
        (user({"type": "image_url", "image_url": {"url": "u"}}), 3 + 3 + 1 + 765),
        (user({"type": "image_url", "image_url": {"url": "u", "detail": "low"}}), 3 + 3 + 1 + 85),
        (user({"type": "input_audio", "input_audio": {}}), 3 + 3 + 1 + 100),
        (user({"type": "file", "file": {}}), 3 + 3 + 1 + 5000),
        (
            [{"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "a b"}}]}],
            3 + 3 + 1 + 1 + 2,
        ),
        ([{"role": "assistant", "function_call": {"name": "f", "arguments": "a b"}}], 3 + 3 + 1 + 1 + 2),
        ([{"role": "tool", "tool_call_id": "call_1", "content": "a"}], 3 + 3 + 1 + 1 + 1),
        ([{"role": 7, "content": 8, "tool_calls": [9], "name": []}], 3 + 3),
        (["Hi"], 3 + 3),
    ],
)
def test_a_chat_counts_its_messages(messages: Any, tokens: int) -> None:
    assert count_chat(body(messages=messages), words) == tokens


def test_a_chat_counts_its_tools() -> None:
    given = body(messages=[{"role": "user", "content": "a"}], tools=[{"x": 1}, {"y": 2}], functions=[{}])

    assert count_chat(given, words) == 3 + (3 + 1 + 1) + 3 * 8 + 4 + 1


def test_a_chat_with_bytes_that_are_no_text_is_counted_all_the_same() -> None:
    given = JsonBody.parse(b'{"messages":[{"role":"user","content":"a \xff"}],"tools":["\xff"]}')

    assert count_chat(given, words) == 3 + 3 + 1 + 2 + 8 + 1


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [("one two", 2), (["one two", "three"], 3), ([5, 6, 7], 3), ([[5, 6], [7]], 3), ("", 0), (["a", 7], 1)],
)
def test_a_completion_counts_texts_and_tokens(prompt: Any, tokens: int) -> None:
    assert count_complete(body(prompt=prompt), words) == tokens
    assert count_complete(body(prompt=prompt, suffix="the end"), words) == tokens + 2
    assert count_complete(body(prompt=prompt, suffix=["the end"]), words) == tokens


def test_a_chat_that_nests_too_deeply_to_be_taken_apart_counts_as_the_text_it_is() -> None:
    deep = b'[{"role":"user","content":' + b"[" * 100_000 + b"]" * 100_000 + b"}]"
    given = JsonBody(b"", {"messages": msgspec.Raw(deep)})

    assert count_chat(given, len) == 3 + len(deep)


@pytest.mark.parametrize(
    "dense",
    ["0," * (MOST_COMMAS + 1), "{}," * (MOST_BRACKETS + 1), "[]," * (MOST_BRACKETS + 1)],
    ids=["numbers", "objects", "arrays"],
)
def test_what_would_take_gigabytes_to_take_apart_counts_as_the_text_it_is(dense: str) -> None:
    text = f"[{dense}0]"
    given = JsonBody.parse(f'{{"messages":{text},"tools":{text}}}'.encode())

    assert count_chat(given, len) == 3 + 2 * len(text)
