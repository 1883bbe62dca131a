"""Whether a schema is one that the vendor holds a model to: every object in it says that it has no other members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import msgspec
from msgspec import Raw

_OBJECT: Final = msgspec.json.Decoder(dict[str, object])


def is_closed(schema: Raw) -> bool:
    """Whether a JSON Schema is of an object, and all objects in it are closed."""
    try:
        members = _OBJECT.decode(schema)
        return members.get("type") == "object" and _is_closed(members)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _is_closed(schema: object) -> bool:
    if isinstance(schema, list):
        return all(map(_is_closed, cast("list[object]", schema)))
    if not isinstance(schema, dict):
        return True
    members = cast("Mapping[str, object]", schema)
    is_object = members.get("type") == "object" or isinstance(members.get("properties"), dict)
    if is_object and members.get("additionalProperties") is not False:
        return False
    return all(map(_is_closed, members.values()))
