from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.body import JsonBody
from clinx.dialects.openai_responses.prompt import (
    FILE,
    IMAGE,
    IMAGE_LOW,
    PER_ANSWER,
    PER_ITEM,
    PER_TOOL,
    RECORDING,
    count_prompt,
)


def counted(**members: Any) -> int:
    """Counted with a token for each character."""
    return count_prompt(JsonBody.parse(json.dumps(members).encode()), len)


def test_a_text_and_instructions() -> None:
    assert counted(input="Hello", instructions="Be kind") == PER_ANSWER + PER_ITEM + 5 + PER_ITEM + 7


@pytest.mark.parametrize(
    ("item", "tokens"),
    [
        ({"role": "user", "content": "Hello"}, 9),
        ({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}, 9),
        ({"role": "user", "content": [{"type": "input_image", "image_url": "https://x"}]}, 4 + IMAGE),
        ({"role": "user", "content": [{"type": "input_image", "detail": "low"}]}, 4 + IMAGE_LOW),
        ({"role": "user", "content": [{"type": "input_file", "file_id": "x"}]}, 4 + FILE),
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, 4 + RECORDING),
        ({"type": "function_call", "call_id": "c", "name": "sum", "arguments": "{}"}, 5),
        ({"type": "function_call_output", "call_id": "c", "output": "three"}, 5),
        ({"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "xxxx"}, 2),
        ("odd", 0),
    ],
)
def test_an_item(item: Any, tokens: int) -> None:
    assert counted(input=[item]) == PER_ANSWER + PER_ITEM + tokens


def test_tools_and_the_form_count_as_the_text_they_are() -> None:
    assert counted(input="", tools=[{"a": 1}]) == PER_ANSWER + PER_ITEM + PER_TOOL + len('[{"a": 1}]')
    assert counted(input="", text={"a": 1}) == PER_ANSWER + PER_ITEM + len('{"a": 1}')


def test_what_is_absurdly_dense_counts_as_text() -> None:
    data = b'{"input":[' + b"{}," * 250_001 + b"{}]}"

    assert count_prompt(JsonBody.parse(data), len) == PER_ANSWER + len(data) - len(b'{"input":}')
