from __future__ import annotations

import pytest

from clinx.dialects.inline import CROWDED_BYTE, MOST_MEDIA, hidden, is_base64, places


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"iVBORw0KGgo=", True),
        (b"iVBO\\/Rw0KGgo_-", True),
        (b"", True),
        (b"Hello world", False),
        (b"A" * 9000 + b" " + b"A" * 9000, False),
        (b"A" * 9000 + b"!", False),
        (b"A" * 9000 + b"!" + b"A" * 9000, True),
    ],
)
def test_base64_is_told_by_its_ends_and_by_what_every_text_has(data: bytes, expected: bool) -> None:
    assert is_base64(b'"' + data + b'"', 1, 1 + len(data)) is expected


def test_places_are_found_backwards() -> None:
    assert places(b"a-a--a", b"a") == ([5, 2, 0], 0)
    assert places(b"a-a--a", b"a", range(1, 5)) == ([2], 0)


def test_there_is_an_end_to_looking() -> None:
    found, rest = places(b"a" * (MOST_MEDIA + 5), b"a")

    assert (len(found), rest) == (MOST_MEDIA, 5)


def test_letters_that_are_escapes_count_each() -> None:
    assert hidden(rb'{"image\u005furl": 1, "x": "\\u005f"}', b"\\u005", 100) == 100
    assert hidden(b"", b"\\u005", 100) == 0
    assert hidden(b"\\u005" * (MOST_MEDIA + 1), b"\\u005", 1) == MOST_MEDIA + 5 * CROWDED_BYTE
