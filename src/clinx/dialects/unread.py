"""Members of messages that no decoder reads: on the way to another dialect they are lost, and named as that."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Final

import msgspec
from msgspec import Raw, Struct

from clinx.canonical.request import Extra, Extras

ORIGIN: Final = "unread"
"""Under which name decoders keep them: no encoder puts them back."""

MOST: Final = 16
"""Members beyond are not named."""

_NOTHING: Final = frozenset({b"null", b"[]", b"{}", b"false", b'""'})
"""Values that say nothing."""
_OBJECTS: Final = msgspec.json.Decoder(list[dict[str, Raw]])
_NAMED: Final = Extra(Raw(b"null"))


class Known(Struct, frozen=True):
    """What a dialect reads of its messages."""

    message: frozenset[str]
    """Members of a message."""
    content: str
    """The one of these that holds its parts."""
    part: frozenset[str]
    """Members of a part."""


def unread(text: memoryview, path: str, known: Known) -> Extras:
    """Return the members of an array of messages that are not known, by their places."""
    found = dict.fromkeys(islice(_strays(text, path, known), MOST), _NAMED)
    return {ORIGIN: found} if found else {}


def _strays(text: memoryview, path: str, known: Known) -> Iterator[str]:
    for place, message in enumerate(_objects(text)):
        yield from _names(message, f"{path}[{place}]", known.message)
        parts = message.get(known.content)
        if parts is not None and memoryview(parts)[0] == ord("["):
            for number, part in enumerate(_objects(memoryview(parts))):
                yield from _names(part, f"{path}[{place}].{known.content}[{number}]", known.part)


def _names(members: Mapping[str, Raw], path: str, known: Collection[str]) -> Iterator[str]:
    for name, value in members.items():
        if name not in known and bytes(memoryview(value)[:6]) not in _NOTHING:
            yield f"{path}.{name}"


def _objects(text: memoryview) -> list[dict[str, Raw]]:
    """Return the members of objects in an array; none where something else is in it, which is others' affair."""
    try:
        return _OBJECTS.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
