from __future__ import annotations

import base64
import json
import struct

import pytest
from msgspec import Raw

from clinx.dialects.embeddings.vectors import as_base64, read_vector
from clinx.errors import UpstreamBroken


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def said(value: object) -> Raw:
    return Raw(json.dumps(value).encode())


def test_numbers_stay_as_they_are_written() -> None:
    assert read_vector(Raw(b"[0.10, -1e-3,2]")) == Raw(b"[0.10, -1e-3,2]")


def test_base64_is_little_endian_floats() -> None:
    assert read_vector(Raw(b'"AACAPgAAAL8="')) == Raw(b"[0.25,-0.5]")
    assert as_base64(Raw(b"[0.25,-0.5]")) == "AACAPgAAAL8="


def test_what_was_packed_is_the_same_after_it_was_numbers() -> None:
    text = packed(0.1, -3.4e38, 1e-40, 0.0)

    assert as_base64(read_vector(said(text))) == text


@pytest.mark.parametrize("empty", [Raw(b"[]"), Raw(b'""')])
def test_a_vector_may_be_empty(empty: Raw) -> None:
    assert read_vector(empty) == Raw(b"[]")
    assert as_base64(Raw(b"[]")) == ""


@pytest.mark.parametrize(
    "found",
    [
        *(b"null", b"7", b"{}", b'["1"]', b"[true]", b"[null]", b"[1e999]", b"[[1]]"),
        *(b'"AACAPg="', b'"AACA"', b'"AACAPgAA"', b'"????"', '"é"'.encode(), b'"\xff"'),
        *(b'"%s"' % packed(number).encode() for number in (float("nan"), float("inf"))),
    ],
)
def test_what_is_no_vector_is_broken(found: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read_vector(Raw(found))


def test_a_number_that_is_no_32_bit_float_cannot_be_packed() -> None:
    with pytest.raises(UpstreamBroken, match="too large"):
        as_base64(Raw(b"[1e39]"))
