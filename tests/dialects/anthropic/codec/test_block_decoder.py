from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import (
    File,
    Image,
    Inline,
    Part,
    Remote,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
    Uploaded,
)
from clinx.dialects.anthropic.codec.block_decoder import BlockDecoder, CacheControl, cache_of, text_of
from clinx.errors import InvalidRequest


def decoded(*blocks: Any) -> tuple[Part, ...]:
    return BlockDecoder().decode([Raw(json.dumps(block).encode()) for block in blocks], "content")


def inline(media_type: str, data: str = "QUJD") -> dict[str, str]:
    return {"type": "base64", "media_type": media_type, "data": data}


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "Hi"}, Text("Hi")),
        ({"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}, Text("Hi", "5m")),
        ({"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}}, Text("Hi", "1h")),
        ({"type": "image", "source": inline("image/PNG")}, Image(Inline("image/png", "QUJD"))),
        ({"type": "image", "source": {"type": "url", "url": "https://a"}}, Image(Remote("https://a"))),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, Image(Uploaded("anthropic", "f"))),
        (
            {"type": "document", "title": "a.pdf", "source": inline("application/pdf")},
            File(Inline("application/pdf", "QUJD"), "a.pdf"),
        ),
        (
            {"type": "document", "source": {"type": "url", "url": "https://a"}},
            File(Remote("https://a", "application/pdf")),
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "plain ü"}},
            File(Inline("text/plain", base64.b64encode("plain ü".encode()).decode())),
        ),
        ({"type": "thinking", "thinking": "hm", "signature": "s"}, Thinking("hm", Signature("anthropic", "s"))),
        ({"type": "thinking", "thinking": "hm", "signature": ""}, Thinking("hm")),
        ({"type": "redacted_thinking", "data": "x"}, Thinking("", redacted=Signature("anthropic", "x"))),
        ({"type": "tool_result", "tool_use_id": "t"}, ToolResult("t", ())),
        ({"type": "tool_result", "tool_use_id": "t", "content": None}, ToolResult("t", ())),
        ({"type": "tool_result", "tool_use_id": "t", "content": "42"}, ToolResult("t", (Text("42"),))),
        (
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "content": [{"type": "text", "text": "no"}, {"type": "image", "source": inline("image/png")}],
                "is_error": True,
            },
            ToolResult("t", (Text("no"), Image(Inline("image/png", "QUJD"))), is_error=True),
        ),
    ],
)
def test_a_block_becomes_a_part(block: Any, part: Part) -> None:
    assert decoded(block) == (part,)


def test_the_input_of_a_call_stays_the_text_it_was() -> None:
    raw = Raw(b'{"type":"tool_use","id":"t","name":"f","input":{ "a": 1e2 }}')

    assert BlockDecoder().decode([raw], "content") == (ToolCall("t", "f", '{ "a": 1e2 }'),)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "search_result", "source": "https://a", "title": "t", "content": []},
        {"type": "image", "source": {"type": "hologram"}},
    ],
)
def test_what_is_not_known_stays_as_it_is(block: Any) -> None:
    (part,) = decoded(block)

    assert isinstance(part, Unknown)
    assert (part.dialect, json.loads(bytes(part.payload))) == ("anthropic", block)


@pytest.mark.parametrize(
    ("block", "param"),
    [
        ("Hi", "content[0]"),
        ({}, "content[0]"),
        ({"type": "text"}, "content[0].text"),
        ({"type": "text", "text": 1}, "content[0].text"),
        ({"type": "text", "text": "x", "cache_control": {"ttl": "2h"}}, "content[0].cache_control.ttl"),
        ({"type": "image"}, "content[0].source"),
        ({"type": "image", "source": {"type": "base64", "data": "x"}}, "content[0].source.media_type"),
        ({"type": "document", "source": {"type": "base64"}}, "content[0].source.data"),
        ({"type": "document", "source": "https://a"}, "content[0].source"),
        ({"type": "tool_use", "id": "t", "name": "f"}, "content[0].input"),
        ({"type": "tool_use", "id": "t", "name": "f", "input": "{}"}, "content[0].input"),
        ({"type": "tool_use", "name": "f", "input": {}}, "content[0].id"),
        ({"type": "tool_result", "content": "42"}, "content[0].tool_use_id"),
        ({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text"}]}, "content[0].content[0].text"),
        ({"type": "thinking"}, "content[0].thinking"),
        ({"type": "redacted_thinking"}, "content[0].data"),
    ],
)
def test_a_block_that_is_not_as_its_kind_is_refused_by_its_place(block: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decoded(block)

    assert refused.value.param == param


def test_what_canonical_has_no_place_for_is_kept_aside() -> None:
    decoder = BlockDecoder()
    block = {
        "type": "document",
        "source": inline("application/pdf"),
        "context": "old",
        "citations": {"enabled": True},
    }

    decoder.decode([Raw(json.dumps(block).encode())], "messages[0].content")

    assert {name: bytes(extra.value) for name, extra in decoder.extras.items()} == {
        "messages[0].content[0].context": b'"old"',
        "messages[0].content[0].citations": b'{"enabled": true}',
    }


def test_a_text_is_a_content_of_one_block() -> None:
    assert BlockDecoder().decode("Hi", "content") == (Text("Hi"),)


def test_absent_and_null_are_nothing() -> None:
    assert text_of(Raw()) is None
    assert text_of(Raw(b"null")) is None
    assert cache_of(None) is None
    assert cache_of(CacheControl()) == "5m"
