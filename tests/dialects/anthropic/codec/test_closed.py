from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from clinx.dialects.anthropic.codec.closed import is_closed

CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (CLOSED, True),
        ({**CLOSED, "properties": {"a": {"type": "array", "items": CLOSED}}}, True),
        ({"type": "array", "items": CLOSED}, False),
        ({"a": 1}, False),
        ({**CLOSED, "additionalProperties": True}, False),
        ({"properties": {"a": CLOSED}}, False),
        ({**CLOSED, "anyOf": [CLOSED, {"type": "object"}]}, False),
        ({**CLOSED, "$defs": {"x": {"type": "object"}}}, False),
    ],
)
def test_every_object_must_be_closed(schema: Any, expected: bool) -> None:
    assert is_closed(Raw(json.dumps(schema).encode())) is expected


def test_what_cannot_be_read_is_not() -> None:
    assert not is_closed(Raw(b"{"))
    assert not is_closed(Raw(b"[" * 100_000 + b"]" * 100_000))
