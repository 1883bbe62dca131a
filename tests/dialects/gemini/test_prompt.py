from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.body import JsonBody
from clinx.dialects.gemini.prompt import PER_CONTENT, PER_TOOL, count_prompt
from clinx.dialects.google.parts import DOCUMENT, FILM, IMAGE, RECORDING
from clinx.dialects.prompts import MOST_BRACKETS


def words(text: str) -> int:
    return len(text.split())


def counted(value: Any) -> int:
    return count_prompt(JsonBody.parse(json.dumps(value).encode()), words)


def media(kind: str) -> Any:
    return {"inlineData": {"mimeType": kind, "data": "QUJD"}}


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        ({"contents": [{"parts": [{"text": "one two"}, {"text": "three"}]}]}, PER_CONTENT + 3),
        ({"contents": {"parts": {"text": "one two"}}}, PER_CONTENT + 2),
        ({"system_instruction": {"parts": [{"text": "one"}]}, "contents": [{}]}, 2 * PER_CONTENT + 1),
        ({"contents": [{"parts": [media("image/png"), media("audio/mp3")]}]}, PER_CONTENT + IMAGE + RECORDING),
        ({"contents": [{"parts": [media("video/mp4"), media("x/y")]}]}, PER_CONTENT + FILM + DOCUMENT),
        ({"contents": [{"parts": [{"file_data": {"mime_type": "image/png"}}]}]}, PER_CONTENT + IMAGE),
        ({"contents": [{"parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]}]}, PER_CONTENT + 5),
        ({"contents": [], "tools": [{"functionDeclarations": [{"name": "f"}]}]}, PER_TOOL + 3),
        ({"generateContentRequest": {"contents": [{"parts": [{"text": "one"}]}]}}, PER_CONTENT + 1),
        ({"generateContentRequest": ["one", "two"]}, 3),
        ({"contents": [1, None, {"parts": [2, {"text": 3}]}]}, 3 * PER_CONTENT),
    ],
)
def test_a_prompt_is_counted_part_by_part(value: Any, tokens: int) -> None:
    assert counted(value) == tokens


def test_absurdly_dense_contents_are_counted_as_text() -> None:
    text = b"[" + b"[]," * MOST_BRACKETS + b" []]"

    assert count_prompt(JsonBody.parse(b'{"contents":' + text + b"}"), words) == 2
