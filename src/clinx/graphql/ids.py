"""Opaque ids: the type and the key behind them, so that an id of one type is never taken for another's."""

from __future__ import annotations

import base64
import binascii
from typing import Final

import strawberry

from clinx.graphql.errors import Problem

_LONGEST: Final = 512
_LARGEST: Final = 2**63


@strawberry.interface(description="Whatever can be found again by its id.")
class Node:
    """An object with an id."""

    id: strawberry.ID


def to_id(kind: str, key: str | int) -> strawberry.ID:
    """Return the id of an object: of a row's number, or of a name in the tree, which outlives reloads."""
    return strawberry.ID(base64.urlsafe_b64encode(f"{kind}:{key}".encode()).decode().rstrip("="))


def split_id(id_: str) -> tuple[str, str]:
    """Return the type and the key of an id.

    Raises:
        Problem: ``invalid_id``: it is not one of ours.
    """
    try:
        if len(id_) > _LONGEST:
            raise ValueError  # noqa: TRY301
        raw = base64.b64decode(id_.encode("ascii") + b"=" * (-len(id_) % 4), altchars=b"-_", validate=True)
        kind, colon, key = raw.decode("utf-8").partition(":")
    except (ValueError, binascii.Error):
        raise _invalid() from None
    if not colon or not key or "\0" in key or to_id(kind, key) != id_:
        raise _invalid()
    return kind, key


def key_of(id_: str, kind: str) -> str:
    """Return the key of an id that must be of a type.

    Raises:
        Problem: ``invalid_id``: it is not.
    """
    found, key = split_id(id_)
    if found != kind:
        raise _invalid()
    return key


def key_or_name(given: str, kind: str) -> str:
    """Return the key of an id of a type; what is no id at all is taken for the key itself, as for a name.

    Raises:
        Problem: ``invalid_id``: it is an id of something else.
    """
    try:
        split_id(given)
    except Problem:
        return given
    return key_of(given, kind)


def number_of(id_: str, kind: str) -> int:
    """Return the row's number of an id that must be of a type.

    Raises:
        Problem: ``invalid_id``: it is not.
    """
    key = key_of(id_, kind)
    if not (key.isascii() and key.isdigit()) or len(key) > len(str(_LARGEST)) or int(key) >= _LARGEST:
        raise _invalid()
    return int(key)


def _invalid() -> Problem:
    return Problem("invalid_id", "That is not an id of such an object.", "id")
