"""Vectors in both spellings: an array of numbers, and the base64 of 32-bit floats, least significant byte first."""

from __future__ import annotations

import base64
import math
import struct
from typing import Final

import msgspec
from msgspec import Raw

from clinx.canonical.embedding import Vector
from clinx.errors import UpstreamBroken

_FLOAT: Final = struct.calcsize("<f")
_QUOTE: Final = ord('"')
_TEXT: Final = msgspec.json.Decoder(str)
_NUMBERS: Final = msgspec.json.Decoder(list[float])


def read_vector(found: Raw) -> Vector:
    """Read a vector in either spelling.

    Raises:
        UpstreamBroken: it is none, or one of its numbers is not finite.
    """
    text = memoryview(found)
    try:
        if text[0] == _QUOTE:
            return Raw(msgspec.json.encode(_floats(_TEXT.decode(text))))
        _NUMBERS.decode(text)
    except (ValueError, struct.error, RecursionError) as error:
        raise UpstreamBroken("The upstream sent an embedding that cannot be read.") from error
    return Raw(bytes(text))


def as_base64(vector: Vector) -> str:
    """Return a vector as base64.

    Raises:
        UpstreamBroken: one of its numbers is too large for it.
    """
    numbers = _NUMBERS.decode(vector)
    try:
        return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
    except OverflowError as error:
        raise UpstreamBroken("The upstream sent an embedding with a number that is too large.") from error


def _floats(text: str) -> tuple[float, ...]:
    data = base64.b64decode(text, validate=True)
    numbers = struct.unpack(f"<{len(data) // _FLOAT}f", data)
    if not all(map(math.isfinite, numbers)):
        raise ValueError("not finite")
    return numbers
