"""Embeddings without a model: the same text always has the same direction, and different texts hardly ever do."""

from __future__ import annotations

import base64
import hashlib
import math
import random
import struct


def unit_vector(text: str, dimensions: int) -> list[float]:
    """Return a vector of length 1 that depends on the text alone; each number fits into 32 bits."""
    source = random.Random(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())  # noqa: S311  (a fixture, not a secret)
    numbers = [source.gauss(0.0, 1.0) for _ in range(dimensions)]
    length = math.sqrt(sum(number * number for number in numbers))
    return list(struct.unpack(f"<{dimensions}f", struct.pack(f"<{dimensions}f", *(n / length for n in numbers))))


def as_base64(vector: list[float]) -> str:
    """Write a vector as little-endian 32-bit floats, the way OpenAI does."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
