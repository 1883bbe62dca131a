from __future__ import annotations

import pytest

from clinx.dialects.openai_chat.chunk import Chunk, read_chunk, whole_number
from clinx.dialects.openai_chat.response import Choice


@pytest.mark.parametrize(
    ("data", "chunk"),
    [
        (b"{}", Chunk()),
        (b'{"choices":[{"delta":{"content":"a"}}]}', Chunk([Choice(delta={"content": "a"})])),
        (
            b'{"object":"o","usage":{"a":1},"error":"e","choices":[{"index":2,"delta":7,"text":"t","usage":{}},8]}',
            Chunk([Choice(index=2, text="t", usage={}), Choice(index=None)], {"a": 1}, "e", "o"),
        ),
        (b'{"choices":[{"delta":{"content":"a"},"message":[]}]}', Chunk([Choice(None, None, {"content": "a"})])),
        (b'{"choices":"none","x_groq":[]}', Chunk(x_groq=[])),
        (b'{"choices":"\xff"}', Chunk()),
    ],
)
def test_as_much_is_read_as_can_be(data: bytes, chunk: Chunk) -> None:
    assert read_chunk(data) == chunk


@pytest.mark.parametrize("data", [b"", b"[]", b"7", b"null", b'"text"', b"<html>", b'{"choices":[', b"[" * 100_000])
def test_what_is_no_object_is_no_chunk(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_chunk(data)


@pytest.mark.parametrize(
    ("index", "number"),
    [(1.0, 1), ("2", 2), (True, 1), (None, 0), ("first", 0), ([], 0), (float("inf"), 0), (float("nan"), 0)],
)
def test_an_index_is_a_number_somehow(index: object, number: int) -> None:
    assert whole_number(index) == number
