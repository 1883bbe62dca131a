from __future__ import annotations

from typing import Any

import pytest

from clinx.dialects.google.parts import DOCUMENT, FILM, IMAGE, RECORDING, count_parts


def words(text: str) -> int:
    return len(text.split())


def media(kind: str, name: str = "inlineData", mime: str = "mimeType") -> Any:
    return {name: {mime: kind, "data": "QUJD"}}


@pytest.mark.parametrize(
    ("parts", "tokens"),
    [
        ([{"text": "one two"}, {"text": "three"}], 3),
        ({"text": "one two"}, 2),
        ([], 0),
        (None, 0),
        (7, 0),
        ([2, None, {"text": 3}], 0),
        ([media("image/png"), media("audio/mp3")], IMAGE + RECORDING),
        ([media("video/mp4"), media("application/pdf")], FILM + DOCUMENT),
        ([media("image/png", "file_data", "mime_type")], IMAGE),
        ([{"functionCall": {"name": "f", "args": {"a": 1}}}], 5),
    ],
)
def test_the_parts_of_a_content_are_counted(parts: Any, tokens: int) -> None:
    assert count_parts({"parts": parts}, words) == tokens
