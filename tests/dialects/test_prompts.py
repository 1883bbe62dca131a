from __future__ import annotations

import pytest

from clinx.dialects.prompts import MOST_BRACKETS, MOST_COMMAS, count_bytes, count_text, decoded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"a": [1]}', {"a": [1]}),
        (b"nonsense", None),
        (b"[" * (MOST_BRACKETS + 1), None),
        (b"[" + b"1," * MOST_COMMAS + b"1,1]", None),
    ],
)
def test_what_cannot_be_taken_apart_is_not(text: bytes, expected: object) -> None:
    assert decoded(text) == expected


def test_only_texts_are_counted() -> None:
    assert (count_text("four", len), count_text(["four"], len), count_text(None, len)) == (4, 0, 0)
    assert (count_bytes('"ü"'.encode(), len), count_bytes(b"\xff", len), count_bytes(b"", len)) == (3, 1, 0)
