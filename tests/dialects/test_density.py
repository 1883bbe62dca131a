from __future__ import annotations

import pytest

from clinx.dialects.density import MOST_VALUES, is_dense


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"{}," * 2 * MOST_VALUES + b"{}]",
        b"[" + b"1," * 2 * MOST_VALUES + b"1]",
        b"[" + b'"",' * 2 * MOST_VALUES + b'""]',
        b"[" * 2 * MOST_VALUES,
        b"{" + b'"\\"":"}\\\\",' * 2 * MOST_VALUES + b'"a":1}',
    ],
)
def test_many_values_are_dense(text: bytes) -> None:
    assert is_dense(text)
    assert is_dense(memoryview(text))


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b'"' + b"{}[],," * MOST_VALUES + b'"',
        b'[{"content":"' + b'a\\", [{b' * MOST_VALUES + b'"},{"content":"' + b"1,2," * MOST_VALUES + b'"}]',
        b"[" + b"1," * (MOST_VALUES // 2) + b"1" * MOST_VALUES + b"]",
    ],
)
def test_long_texts_are_not_whatever_they_say(text: bytes) -> None:
    assert not is_dense(text)
