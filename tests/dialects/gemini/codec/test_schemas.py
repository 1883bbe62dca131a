from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from clinx.dialects.gemini.codec.schemas import DEEPEST, from_subset, to_subset


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


def narrowed(value: Any) -> Any:
    found = to_subset(raw(value))
    return json.loads(bytes(found)) if isinstance(found, Raw) else found


def nested(levels: int) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string", "enum": ["x"]}}, "required": ["a"]},
        {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1},
        {"anyOf": [{"type": "string"}, {"type": "number"}]},
        {},
    ],
)
def test_what_the_subset_can_say_keeps_its_very_text(schema: Any) -> None:
    given = raw(schema)

    assert to_subset(given) is given
    assert from_subset(given) is given


@pytest.mark.parametrize(
    ("schema", "subset"),
    [
        (
            {"$schema": "x", "$id": "y", "type": "object", "additionalProperties": False, "default": {}},
            {"type": "object"},
        ),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            {"anyOf": [{"type": "string"}], "nullable": True},
        ),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"type": "string", "format": "uuid"}, {"type": "string"}),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        (
            {"properties": {"default": {"items": {"examples": [1], "type": "string"}}}},
            {"properties": {"default": {"items": {"type": "string"}}}},
        ),
    ],
)
def test_what_can_be_said_otherwise_is(schema: Any, subset: Any) -> None:
    assert narrowed(schema) == subset


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/a", "$defs": {"a": {}}},
        {"oneOf": [{"type": "string"}]},
        {"allOf": []},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": ["string", "integer"]},
        {"type": ["string", "integer", "null"]},
        {"const": 1},
        {"enum": [1, 2]},
        {"enum": ["a", None]},
        {"exclusiveMinimum": 1},
        {"properties": {"a": {"not": {}}}},
        {"properties": []},
        {"items": [{}]},
        True,
        nested(DEEPEST),
    ],
)
def test_what_the_subset_cannot_say_is_left_to_the_other_member(schema: Any) -> None:
    assert to_subset(raw(schema)) is None


@pytest.mark.parametrize(
    ("subset", "schema"),
    [
        (
            {"type": "OBJECT", "properties": {"TYPE": {"type": "STRING"}}, "propertyOrdering": ["TYPE"]},
            {"type": "object", "properties": {"TYPE": {"type": "string"}}},
        ),
        ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "STRING", "nullable": False}, {"type": "string"}),
        ({"type": "STRING", "enum": ["a"], "nullable": True}, {"type": ["string", "null"], "enum": ["a", None]}),
        (
            {"anyOf": [{"type": "STRING"}], "nullable": True},
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
        ),
        (
            {"type": "ARRAY", "items": {"type": "NUMBER"}, "minItems": "2"},
            {"type": "array", "items": {"type": "number"}, "minItems": 2},
        ),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "X"}}}, {"$ref": "#/$defs/a", "$defs": {"a": {"type": "X"}}}),
    ],
)
def test_the_subset_is_read_as_json_schema(subset: Any, schema: Any) -> None:
    assert json.loads(bytes(from_subset(raw(subset)))) == schema


@pytest.mark.parametrize("text", [b"7", b"{", b'{"items":1}', b"\xff"])
def test_what_is_no_schema_stays_as_it_is(text: bytes) -> None:
    assert to_subset(Raw(text)) is None
    assert bytes(from_subset(Raw(text))) == text
