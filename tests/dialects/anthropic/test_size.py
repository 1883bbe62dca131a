from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from clinx.dialects.anthropic.prompt import count_prompt
from clinx.dialects.anthropic.size import IMAGE_BYTES, MEDIA_BYTES, TOOLS_BYTES, prompt_bytes
from clinx.dialects.body import JsonBody
from clinx.dialects.inline import CROWDED_BYTE, MOST_MEDIA

BASE64 = base64.b64encode(bytes(range(256)) * 200).decode()


def body(**members: Any) -> JsonBody:
    return JsonBody.parse(json.dumps(members).encode())


def user(*blocks: Any) -> list[Any]:
    return [{"role": "user", "content": list(blocks)}]


def picture(**source: Any) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": BASE64, **source}}


@pytest.mark.parametrize(
    "members",
    [
        {"messages": user({"type": "text", "text": "Hi"}), "system": "a long text", "metadata": {"a": "b"}},
        {"messages": user({"type": "text", "text": '{"source":{"type":"url"}}'})},
        {"messages": user({"type": "search_result", "source": "https://example.com", "content": []})},
        {"messages": user({"type": "text", "text": "\u00fc and \\u006c"}), "metadata": {"source": {}}},
    ],
)
def test_every_byte_of_a_body_counts(members: Any) -> None:
    given = body(**members)

    assert prompt_bytes(given) == len(given.data)


@pytest.mark.parametrize(
    ("block", "flat"),
    [
        (picture(), IMAGE_BYTES),
        ({"source": {"data": BASE64, "media_type": "image/png", "type": "base64"}, "type": "image"}, IMAGE_BYTES),
        ({"type": "document", "title": "a", "source": picture(media_type="application/pdf")["source"]}, MEDIA_BYTES),
    ],
)
def test_inline_media_counts_flat_instead_of_its_own_size(block: Any, flat: int) -> None:
    given = body(messages=user(block, block), model="m")
    spaced = JsonBody.parse(given.data.replace(b": ", b"\t:\n "))

    assert prompt_bytes(given) == len(given.data) + 2 * (flat - len(BASE64))
    assert prompt_bytes(spaced) == len(spaced.data) + 2 * (flat - len(BASE64))


@pytest.mark.parametrize(
    "source",
    [
        {"type": "url", "url": "https://example.com/a.png"},
        {"type": "file", "file_id": "file_1"},
        {"type": "text", "media_type": "text/plain", "data": BASE64},
        {"type": "base64", "media_type": "image/png", "data": "not base64 at all, " * 1000},
        {"type": "base64", "media_type": "image/png", "data": "A" * 5000 + " " + "A" * 5000},
        {"type": "base64", "more": {"type": "image"}, "data": BASE64},
        {},
    ],
    ids=["address", "file", "text", "no base64", "a space", "nested", "nothing"],
)
def test_what_is_no_inline_media_counts_in_full_and_flat(source: Any) -> None:
    given = body(messages=user({"type": "document", "source": source}))

    assert prompt_bytes(given) == len(given.data) + MEDIA_BYTES


def test_a_picture_in_the_result_of_a_tool_counts_flat() -> None:
    given = body(messages=user({"type": "tool_result", "tool_use_id": "t", "content": [picture()]}))

    assert prompt_bytes(given) == len(given.data) + IMAGE_BYTES - len(BASE64)


def test_a_slash_may_be_written_with_a_backslash() -> None:
    text = json.dumps({"messages": user(picture())}).replace("/", "\\/")

    assert prompt_bytes(JsonBody.parse(text.encode())) < MEDIA_BYTES + 200


def test_tools_count_more_than_their_text() -> None:
    given = body(messages=user("Hi"), tools=[{"name": "f", "input_schema": {"source": {}}}])

    assert prompt_bytes(given) == len(given.data) + TOOLS_BYTES


@pytest.mark.parametrize("hidden", [r"s\u006furce", r"sou\u0072ce", r"s\u006Furce"])
def test_media_is_not_hidden_by_escapes(hidden: str) -> None:
    given = JsonBody.parse(f'{{"messages":[{{"content":[{{"{hidden}":{{"type":"url"}}}}]}}]}}'.encode())

    assert prompt_bytes(given) >= len(given.data) + MEDIA_BYTES


def test_a_body_that_names_something_twice_is_searched_whole() -> None:
    part = json.dumps(user(picture())).encode()
    given = JsonBody.parse(b'{"messages":' + part + b',"messages":' + part + b"}")

    assert prompt_bytes(given) == len(given.data) + 2 * (IMAGE_BYTES - len(BASE64))


def test_more_media_than_anybody_sends_counts_more_than_it_can_be() -> None:
    part = b',{"source":{}}'
    given = JsonBody.parse(b'{"messages":[{"content":[0' + part * (MOST_MEDIA + 50) + b"]}]}")

    assert prompt_bytes(given) > len(given.data) + MOST_MEDIA * MEDIA_BYTES + 49 * len(part) * CROWDED_BYTE


@pytest.mark.parametrize(
    "members",
    [
        {"messages": user(picture(), {"type": "document", "source": {"type": "url", "url": "https://a"}})},
        {"messages": user({"type": "document", "source": {"type": "text", "data": "words " * 50}})},
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "f", "input": {"a": "b"}}]}]},
        {"messages": [{}], "tools": [{"name": "f", "input_schema": {"type": "object"}}], "system": "x"},
    ],
)
def test_no_prompt_has_more_tokens_than_its_size(members: Any) -> None:
    given = body(**members)

    assert count_prompt(given, lambda text: len(text.encode())) <= prompt_bytes(given)
