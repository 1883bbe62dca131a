from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.body import JsonBody
from clinx.dialects.google.size import IMAGE_BYTES, MEDIA_BYTES, MOST_BRACES, prompt_bytes

DATA = "QUJD" * 1000


def sized(value: Any, member: str = "contents") -> tuple[int, int]:
    """The bound, and the size of the body."""
    data = json.dumps(value).encode()
    return prompt_bytes(JsonBody.parse(data), member), len(data)


def blob(kind: str = "image/png", name: str = "inlineData", mime: str = "mimeType") -> Any:
    return {name: {mime: kind, "data": DATA}}


def test_text_counts_every_byte() -> None:
    bound, size = sized({"contents": [{"parts": [{"text": "Hello ü"}]}]})

    assert bound == size


@pytest.mark.parametrize("part", [blob(), blob(name="inline_data", mime="mime_type"), blob("IMAGE/jpeg")])
def test_an_inline_image_counts_flat(part: Any) -> None:
    bound, size = sized({"contents": [{"parts": [{"text": "See"}, part]}]})

    assert bound == size - len(DATA) - 2 + IMAGE_BYTES


@pytest.mark.parametrize(("kind", "ratio"), [("audio/mp3", 16), ("video/mp4", 16), ("application/pdf", 4)])
def test_longer_media_counts_by_its_size(kind: str, ratio: int) -> None:
    bound, size = sized({"contents": [{"parts": [blob(kind)]}]})

    assert bound == size - len(DATA) - 2 + MEDIA_BYTES + (len(DATA) + 2) // ratio


@pytest.mark.parametrize(
    "part",
    [
        blob("text/plain"),
        {"inlineData": {"data": DATA}},
        {"inlineData": {"mimeType": "image/png", "mime_type": "text/plain", "data": DATA}},
        {"inlineData": {"mimeType": 1, "data": DATA}},
        {"functionCall": {"name": "f", "args": blob()}},
        {"functionResponse": {"name": "f", "response": blob()}},
        {"text": "inlineData"},
    ],
)
def test_anything_else_inline_counts_as_the_text_it_may_be(part: Any) -> None:
    bound, size = sized({"contents": [{"parts": [part]}]})

    assert bound == size


@pytest.mark.parametrize("contents", [{"parts": [blob()]}, [{"parts": blob()}], [1, blob()]])
def test_contents_of_other_types_count_every_byte(contents: Any) -> None:
    bound, size = sized({"contents": contents})

    assert bound == size


def test_dense_contents_count_every_byte() -> None:
    bound, size = sized({"contents": [{"parts": [blob(), *({"text": ""} for _ in range(MOST_BRACES))]}]})

    assert bound == size


@pytest.mark.parametrize("name", ["fileData", "file_data"])
def test_a_file_by_address_counts_flat(name: str) -> None:
    bound, size = sized({"contents": [{"parts": [{name: {"fileUri": "gs://b/film"}}]}]})

    assert bound == size + MEDIA_BYTES


def test_a_hidden_name_counts_for_each_letter() -> None:
    data = b'{"contents":[{"parts":[{"f\\u0069le\\u0044ata":{"fileUri":"gs://b/film"}}]}]}'

    assert prompt_bytes(JsonBody.parse(data)) == len(data) + 2 * MEDIA_BYTES


@pytest.mark.parametrize(
    ("member", "value"),
    [("content", {"parts": [blob()]}), ("requests", [{"content": {"parts": [blob()]}}, {}])],
)
def test_what_is_to_be_embedded_is_looked_at_as_well(member: str, value: Any) -> None:
    bound, size = sized({member: value}, member)

    assert bound == size - len(DATA) - 2 + IMAGE_BYTES
