from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from clinx.dialects.body import JsonBody
from clinx.dialects.openai_chat.prompt import (
    MEDIA_BYTES,
    MOST_MEDIA,
    count_chat,
    count_complete,
    count_input,
    prompt_bytes,
)

BASE64 = base64.b64encode(bytes(range(256)) * 200).decode()
DATA_URI = "data:image/png;base64," + BASE64


def body(**members: Any) -> JsonBody:
    return JsonBody.parse(json.dumps(members).encode())


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


def words(text: str) -> int:
    """A tokenizer whose tokens one can count by eye."""
    return len(text.split())


@pytest.mark.parametrize(
    ("part", "size"),
    [
        ({"type": "image_url", "image_url": {"url": DATA_URI}}, len(BASE64)),
        ({"type": "image_url", "image_url": DATA_URI}, len(BASE64)),
        (
            {"type": "image_url", "image_url": {"detail": "low", "url": "data:image/svg+xml;a=b;base64," + BASE64}},
            len(BASE64),
        ),
        ({"type": "file", "file": {"filename": "a.pdf", "file_data": DATA_URI}}, len(BASE64)),
        ({"type": "input_audio", "input_audio": {"data": BASE64, "format": "wav"}}, len(BASE64)),
        ({"type": "input_audio", "input_audio": {"format": "wav", "data": BASE64}}, len(BASE64)),
    ],
)
def test_inline_media_does_not_count_its_own_size(part: Any, size: int) -> None:
    given = body(messages=user(part, part))

    assert prompt_bytes(given) == len(given.view("messages")) - 2 * (size - MEDIA_BYTES)


def test_a_slash_may_be_written_with_a_backslash() -> None:
    text = json.dumps({"messages": user({"type": "image_url", "image_url": {"url": DATA_URI}})}).replace("/", "\\/")
    given = JsonBody.parse(text.encode())

    assert prompt_bytes(given) < MEDIA_BYTES + 200


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "text": DATA_URI},
        {"type": "text", "text": '"url":"' + DATA_URI},
        {"type": "text", "text": '{"input_audio":{"data":"' + BASE64},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "not base64 " * 1000}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "tiny"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/;base64," + BASE64}},
    ],
    ids=["text", "text with a name", "text like a recording", "no base64", "small", "an address"],
)
def test_what_only_looks_like_media_counts_in_full(part: Any) -> None:
    given = body(messages=user(part))

    assert prompt_bytes(given) == len(given.view("messages"))


def test_more_media_than_anybody_sends_counts_in_full() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * (MEDIA_BYTES + 1)}}
    given = body(messages=user(*[image] * (MOST_MEDIA + 5)))

    assert prompt_bytes(given) == len(given.view("messages")) - MOST_MEDIA


def test_media_outside_messages_counts_in_full() -> None:
    given = body(messages=user("Hi"), tools=[{"url": DATA_URI}])

    assert prompt_bytes(given) == len(given.view("messages")) + len(given.view("tools"))


def test_all_that_becomes_prompt_counts() -> None:
    given = body(prompt="ab", suffix="cd", tools=[], functions=[1], response_format={}, user="someone", model="m")

    assert prompt_bytes(given) == len('"ab"' + '"cd"' + "[]" + "[1]" + "{}")


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
    [("one two", 2), (["one two", "three"], 3), ([5, 6, 7], 3), ([[5, 6], [7]], 3), ("", 0)],
)
def test_an_input_counts_texts_and_tokens(prompt: Any, tokens: int) -> None:
    assert count_input(body(input=prompt), "input", words) == tokens
    assert count_complete(body(prompt=prompt), words) == tokens
    assert count_complete(body(prompt=prompt, suffix="the end"), words) == tokens + 2
    assert count_complete(body(prompt=prompt, suffix=["the end"]), words) == tokens


def test_a_chat_that_nests_too_deeply_to_be_taken_apart_counts_as_the_text_it_is() -> None:
    deep = b'[{"role":"user","content":' + b"[" * 100_000 + b"]" * 100_000 + b"}]"
    given = JsonBody(b"", {"messages": msgspec.Raw(deep)})

    assert count_chat(given, len) == 3 + len(deep)
