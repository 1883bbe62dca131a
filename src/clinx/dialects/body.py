"""A request body that is read at its top level and never re-encoded.

What a caller sent is what an upstream gets: white space, key order, unknown members and the spelling of numbers
survive. `JsonBody.patched` cuts and pastes bytes; it decodes nothing but the names of the top-level members.

A body's size is bounded where it is received, but what is made of it here is not: three million tiny members fit into
32 MiB. So a body that is not small has its members counted as they are met, and reading stops at the first that is one
too many. The values, however large and whatever is in them, are stepped over once and nothing is made of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from clinx.dialects.density import MOST_VALUES, is_dense
from clinx.errors import InvalidRequest

MAX_MEMBERS: Final = 512
"""The most members the top level may have."""

MAX_NAMES: Final = 16 * 1024
"""The most characters the names of the top level may have together; a body of so many bytes cannot have more."""

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_VALUE: Final = msgspec.json.Decoder()
_NAME: Final = rb'("(?:[^"\\]++|\\.)*+")[ \t\n\r]*:[ \t\n\r]*'
_FIRST: Final = re.compile(rb"[ \t\n\r]*\{[ \t\n\r]*" + _NAME)
_NEXT: Final = re.compile(rb"[ \t\n\r]*,[ \t\n\r]*" + _NAME)
_LAST: Final = re.compile(rb"[ \t\n\r]*\}[ \t\n\r]*")
_ABSENT: Final = memoryview(b"")
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class _Name(str):
    """The name of a member that was counted."""

    __slots__ = ()


_COUNTED_MEMBERS: Final = dict[_Name, msgspec.Raw]


class _Span(NamedTuple):
    """Where one member lies: ``data[key:key_end]`` is its quoted name, ``data[value:end]`` its value."""

    key: int
    key_end: int
    value: int
    end: int


class _Kept(NamedTuple):
    """The member at ``place`` of the original that appears in the result, under ``name``."""

    place: int
    name: str
    renamed: bool


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A JSON object as bytes, with its top-level members at hand undecoded."""

    data: bytes
    _members: Mapping[str, msgspec.Raw] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, data: bytes) -> JsonBody:
        """Read the top level.

        Values are checked to be JSON but not decoded; bytes in them that are no UTF-8 pass through. Of members with
        the same name the last one counts.

        Raises:
            InvalidRequest: empty, not JSON (a byte order mark, NaN, trailing bytes, a lone surrogate), nested too
                deeply, not an object, or with more than `MAX_MEMBERS` members or longer names than `MAX_NAMES`.
        """
        if not data:
            raise InvalidRequest("The request body is empty; expected a JSON object.")
        try:
            members = _MEMBERS.decode(data) if len(data) <= MAX_NAMES else _counted(data)
        except RecursionError as error:
            raise InvalidRequest("The request body is nested too deeply.") from error
        except msgspec.ValidationError as error:
            raise InvalidRequest("The request body must be a JSON object.") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"The request body is not valid JSON: {_fault(error)}.") from error
        if len(members) > MAX_MEMBERS:
            raise _too_many()
        return cls(data, members)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the members, in the body's order."""
        return tuple(self._members)

    def raw(self, name: str) -> bytes | None:
        """Return a copy of the member's JSON text, or None when there is no such member."""
        found = self._members.get(name)
        return None if found is None else bytes(found)

    def view(self, name: str) -> memoryview:
        """Return the member's JSON text without copying it; empty when there is no such member."""
        found = self._members.get(name)
        return _ABSENT if found is None else memoryview(found)

    def place(self, name: str) -> range:
        """Return where in ``data`` the member's JSON text lies; nowhere if it is absent or some name occurs twice."""
        spans = _spans(self.data, self._members)
        if spans is None or name not in self._members:
            return range(0)
        span = spans[self.names.index(name)]
        return range(span.value, span.end)

    def value(self, name: str) -> object:
        """Decode one member; None when it is absent or null.

        Raises:
            InvalidRequest: the member holds bytes that are no UTF-8, a number out of range, or more than `MOST_VALUES`
                values.
        """
        found = self._members.get(name)
        if found is None:
            return None
        if is_dense(memoryview(found)):
            raise InvalidRequest(f"Invalid value for '{name}': more than {MOST_VALUES} values.", param=name)
        try:
            return _VALUE.decode(found)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidRequest(f"Invalid value for '{name}': {_fault(error)}.", param=name) from error

    def patched(self, changes: Mapping[str, bytes | None], rename: Mapping[str, str] = _NOTHING) -> bytes:
        """Return the body with other members, every untouched byte in its place.

        Renames come first, all at once, and keep the member's place and value. A member that already has the new name
        wins; the renamed one is dropped. ``changes`` then speak of the new names: JSON text replaces the value in
        place or appends a new member; None deletes the member together with a comma. White space around a deleted
        member goes with it.

        Without changes this is the very object that was parsed, except when a name occurs twice at the top level:
        such a body is written anew with the last of each, so that no reader can see a value we did not decide upon.
        """
        if not changes and not rename and _is_unique(self.data, self._members):
            return self.data
        spans = _spans(self.data, self._members)
        if spans is None:
            unique = _rebuilt(self._members)
            return JsonBody.parse(unique).patched(changes, rename)
        kept = [member for member in _renamed(self._members, rename) if changes.get(member.name, b"") is not None]
        present = {member.name for member in kept}
        added = [
            json.dumps(name).encode() + b":" + value
            for name, value in changes.items()
            if value is not None and name not in present
        ]
        return _spliced(self.data, spans, [(member, changes.get(member.name)) for member in kept], added)


def _counted(data: bytes) -> dict[str, msgspec.Raw]:
    """Read the top level; stop at the first member too many. One that repeats a name counts, too."""
    count = size = 0

    def name(_: type, text: str) -> _Name:
        nonlocal count, size
        count += 1
        size += len(text)
        if count > MAX_MEMBERS:
            raise _too_many()
        if size > MAX_NAMES:
            raise InvalidRequest(f"The request body has too long names: expected at most {MAX_NAMES} characters.")
        return _Name(text)

    members = msgspec.json.decode(data, type=_COUNTED_MEMBERS, dec_hook=name)
    return {str(name): raw for name, raw in members.items()}


def _too_many() -> InvalidRequest:
    return InvalidRequest(f"The request body has too many members: expected at most {MAX_MEMBERS}.")


def _fault(error: Exception) -> str:
    """Say what the parser minded, without its preamble."""
    if isinstance(error, UnicodeDecodeError):
        return "text that is not UTF-8"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error).removeprefix("JSON is malformed: ")


def _spans(data: bytes, members: Mapping[str, msgspec.Raw]) -> list[_Span] | None:
    """Find every member by walking the top level with the known values; None when a name occurs twice.

    The text is valid JSON. Each step starts at a member and steps over a value that the text was seen to hold, so a
    walk that meets the closing brace after as many members as there are distinct names has met each name once.
    """
    spans: list[_Span] = []
    for raw in members.values():
        name = _NEXT.match(data, spans[-1].end) if spans else _FIRST.match(data)
        value = memoryview(raw)
        if name is None or not data.startswith(value, name.end()):
            return None
        spans.append(_Span(name.start(1), name.end(1), name.end(), name.end() + len(value)))
    return spans if not spans or _LAST.fullmatch(data, spans[-1].end) else None


def _is_unique(data: bytes, members: Mapping[str, msgspec.Raw]) -> bool:
    """Whether no name occurs twice: the walk of `_spans`, of which nothing is kept."""
    end, pattern = 0, _FIRST
    for raw in members.values():
        name = pattern.match(data, end)
        value = memoryview(raw)
        if name is None or not data.startswith(value, start := name.end()):
            return False
        end, pattern = start + len(value), _NEXT
    return not members or _LAST.fullmatch(data, end) is not None


def _rebuilt(members: Mapping[str, msgspec.Raw]) -> bytes:
    return b"{" + b",".join(json.dumps(name).encode() + b":" + bytes(raw) for name, raw in members.items()) + b"}"


def _renamed(members: Mapping[str, msgspec.Raw], rename: Mapping[str, str]) -> Iterator[_Kept]:
    """Apply the renames; of several claims to a name the first stays, and one that had it all along wins."""
    staying = {name for name in members if rename.get(name, name) == name}
    claimed: set[str] = set()
    for place, name in enumerate(members):
        if name in staying:
            yield _Kept(place, name, renamed=False)
        elif (target := rename[name]) not in staying and target not in claimed:
            claimed.add(target)
            yield _Kept(place, target, renamed=True)


def _spliced(
    data: bytes, spans: Sequence[_Span], kept: Sequence[tuple[_Kept, bytes | None]], added: Sequence[bytes]
) -> bytes:
    """Join the kept members, each behind its own separator, and the added ones before the closing brace."""
    start, end = (spans[0].key, spans[-1].end) if spans else (data.index(b"{") + 1,) * 2
    view = memoryview(data)
    pieces: list[bytes | memoryview] = [view[:start]]
    for count, (member, value) in enumerate(kept):
        span = spans[member.place]
        if count:
            pieces.append(view[spans[member.place - 1].end : span.key])
        pieces.append(json.dumps(member.name).encode() if member.renamed else view[span.key : span.key_end])
        pieces.append(view[span.key_end : span.value])
        pieces.append(view[span.value : span.end] if value is None else value)
    for count, text in enumerate(added):
        pieces.append(b"," + text if kept or count else text)
    pieces.append(view[end:])
    return b"".join(pieces)
