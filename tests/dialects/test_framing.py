from __future__ import annotations

import json

import pytest

from clinx.dialects.framing import JsonArray


def framed(*chunks: bytes) -> bytes:
    array = JsonArray()
    return b"".join(array.feed(chunk) for chunk in chunks) + array.close()


@pytest.mark.parametrize(
    ("stream", "array"),
    [
        (b"", b"[]\n"),
        (b'data: {"a":1}\n\n', b'[{"a":1}\n]\n'),
        (b'data: {"a":1}\r\n\r\ndata: {"b":2}\n\n', b'[{"a":1}\n,\r\n{"b":2}\n]\n'),
        (b": ping\n\nid: 1\n\ndata:\n\n", b"[]\n"),
        (b'data: {"a":\ndata: 1}\n\n', b'[{"a":\n1}\n]\n'),
    ],
)
def test_the_data_of_events_are_the_elements_of_an_array(stream: bytes, array: bytes) -> None:
    assert framed(stream) == framed(*(bytes([byte]) for byte in stream)) == array
    assert isinstance(json.loads(array), list)


def test_elements_come_as_soon_as_their_events_are_complete() -> None:
    array = JsonArray()

    assert array.feed(b'data: {"a"') == b""
    assert array.feed(b":1}\n\n") == b'[{"a":1}'
    assert array.feed(b"data: 2\n\n") == b"\n,\r\n2"
