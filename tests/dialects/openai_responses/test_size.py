from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.body import JsonBody
from clinx.dialects.openai_responses.size import FILE_BYTES, MEDIA_BYTES, prompt_bytes

DATA = "A" * 10_000


def measured(part: dict[str, Any], **members: Any) -> tuple[int, int]:
    """The size, and the body's own."""
    item = {"role": "user", "content": [part]}
    data = json.dumps({"model": "m", "input": [item], **members}).encode()
    return prompt_bytes(JsonBody.parse(data)), len(data)


def test_text_counts_its_bytes() -> None:
    size, length = measured({"type": "input_text", "text": "image_url"})

    assert size == length


@pytest.mark.parametrize(
    ("part", "flat"),
    [
        ({"type": "input_image", "image_url": f"data:image/png;base64,{DATA}"}, MEDIA_BYTES),
        ({"type": "input_file", "filename": "a", "file_data": f"data:application/pdf;base64,{DATA}"}, FILE_BYTES),
        ({"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}}, MEDIA_BYTES),
        ({"type": "input_audio", "input_audio": {"format": "wav", "data": DATA}}, MEDIA_BYTES),
    ],
)
def test_inline_media_counts_flat(part: dict[str, Any], flat: int) -> None:
    size, length = measured(part)

    assert size == length - len(DATA) + flat


@pytest.mark.parametrize(
    ("part", "flat"),
    [
        ({"type": "input_image", "image_url": "https://x/y.png"}, MEDIA_BYTES),
        ({"type": "input_image", "file_id": "file_1"}, FILE_BYTES),
        ({"type": "input_file", "file_url": "https://x/y.pdf"}, FILE_BYTES),
        ({"type": "input_image", "image_url": "data:image/png;base64,no base64, but. text"}, MEDIA_BYTES),
    ],
)
def test_media_elsewhere_counts_flat_on_top(part: dict[str, Any], flat: int) -> None:
    size, length = measured(part)

    assert size == length + flat


def test_what_looks_like_media_outside_the_input_is_not_left_out() -> None:
    size, length = measured({"type": "input_text"}, other={"image_url": f"data:image/png;base64,{DATA}"})

    assert size == length + MEDIA_BYTES


def test_a_hidden_name_counts_as_files() -> None:
    data = b'{"input":[{"content":[{"im\\u0061ge_url":"https://x"}]}]}'

    assert prompt_bytes(JsonBody.parse(data)) == len(data) + FILE_BYTES
