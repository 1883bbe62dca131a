"""Contents of a request to turns.

Calls and their results need no ids here: a result answers the earliest call of its name that none has answered. Both
are given ids by their place, unless they have one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeVar

import msgspec
from msgspec import Raw, Struct, structs

from clinx.canonical.content import (
    Image,
    Part,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from clinx.canonical.request import Role, Turn
from clinx.dialects import members
from clinx.dialects.gemini.codec.media import Blob, read_blob
from clinx.dialects.gemini.endpoints import NAME
from clinx.dialects.google.names import get, snake
from clinx.dialects.unread import Known
from clinx.errors import InvalidRequest

T = TypeVar("T")
Members = Mapping[str, Raw]

_ROLES: Final[Mapping[str | None, Role]] = MappingProxyType(
    {
        None: Role.USER,
        "": Role.USER,
        "user": Role.USER,
        "function": Role.USER,
        "model": Role.ASSISTANT,
        "system": Role.SYSTEM,
    }
)

_BESIDE: Final = frozenset({"thought", "thoughtSignature", "mediaResolution", "partMetadata"})
"""Members of a part that stand beside what it holds, and without which it is the same."""


class Content(Struct, frozen=True):
    """One message."""

    role: str | None = None
    parts: list[dict[str, Raw]] | dict[str, Raw] | None = None


class _Call(Struct, frozen=True):
    name: str
    args: dict[str, Raw] | None = None
    id: str | None = None


class _Response(Struct, frozen=True):
    name: str = ""
    response: Raw = Raw()
    id: str | None = None
    parts: list[dict[str, Raw]] | None = None


class _Asked(Struct):
    """A call that waits for its result."""

    name: str
    id: str


_CONTENTS: Final[msgspec.json.Decoder[list[Content] | Content]] = msgspec.json.Decoder(list[Content] | Content)
_CALL: Final = msgspec.json.Decoder(_Call)
_CALL_TEXT: Final = msgspec.json.Decoder(dict[str, Raw])
_RESPONSE: Final = msgspec.json.Decoder(_Response)
_RESULT: Final = msgspec.json.Decoder(dict[str, Raw])
_BLOB: Final = msgspec.json.Decoder(dict[str, str | None])
_TEXT: Final = msgspec.json.Decoder(str)
_FLAG: Final = msgspec.json.Decoder(bool)


_HELD: Final = ("text", "inlineData", "fileData", "functionCall", "functionResponse", "thought", "thoughtSignature")
KNOWN: Final = Known(frozenset({"role", "parts"}), "parts", frozenset({*_HELD, *map(snake, _HELD)}))
"""What is read of contents."""


class Contents:
    """Reads the contents of one request."""

    __slots__ = ("_asked", "_ids")

    def __init__(self) -> None:
        """Begin without calls."""
        self._asked: list[_Asked] = []
        self._ids: set[str] = set()

    def turns(self, text: memoryview) -> tuple[Turn, ...]:
        """Read all contents.

        Raises:
            InvalidRequest: of another type somewhere, or a role that is not known.
        """
        found = members.decoded(text, "contents", _CONTENTS)
        each = [found] if isinstance(found, Content) else found
        return tuple(self._turn(content, place) for place, content in enumerate(each))

    def _turn(self, content: Content, place: int) -> Turn:
        role = _ROLES.get(content.role)
        if role is None:
            where = f"contents[{place}].role"
            raise InvalidRequest(f"Invalid value for '{where}': expected 'user' or 'model'.", param=where)
        parts: list[Part] = []
        for number, given in enumerate(parts_of(content)):
            parts.extend(self._part(given, (place, number)))
        results = [part for part in parts if isinstance(part, ToolResult)]
        return Turn(role, (*results, *(part for part in parts if not isinstance(part, ToolResult))))

    def _part(self, part: Members, place: tuple[int, int]) -> Iterator[Part]:
        where = f"contents[{place[0]}].parts[{place[1]}]"
        if (call := get(part, "functionCall")) is not None:
            yield self._call(call, signature_of(part, where), place)
        elif (response := get(part, "functionResponse")) is not None:
            yield self._result(members.decoded(response, f"{where}.functionResponse", _RESPONSE), where, place)
        else:
            yield from read_part(part, where)

    def _call(self, text: Raw, signature: Signature | None, place: tuple[int, int]) -> ToolCall:
        where = f"contents[{place[0]}].parts[{place[1]}].functionCall"
        call = members.decoded(text, where, _CALL)
        arguments = members.decoded(text, where, _CALL_TEXT).get("args") if call.args is not None else None
        identity = call.id or _made_id(place)
        while identity in self._ids:
            identity += "_"
        self._ids.add(identity)
        self._asked.append(_Asked(call.name, identity))
        return ToolCall(identity, call.name, "{}" if arguments is None else _plain(arguments), signature)

    def _result(self, given: _Response, where: str, place: tuple[int, int]) -> ToolResult:
        asked = self._answered(given)
        identity = asked.id if asked else _made_id(place)
        text, is_error = _said(given, where)
        media = [part for more in given.parts or () for part in read_part(more, where)]
        return ToolResult(identity, (*text, *media), is_error, given.name or (asked.name if asked else None))

    def _answered(self, given: _Response) -> _Asked | None:
        """Return the call that a result answers, and wait for it no longer."""
        by_id = (asked for asked in self._asked if given.id and asked.id == given.id)
        by_name = (asked for asked in self._asked if asked.name == given.name)
        found = next(by_id, None) or next(by_name, None)
        if found is not None:
            self._asked.remove(found)
        return found


def parts_of(content: Content) -> list[dict[str, Raw]]:
    """Return the parts of a content, of which one alone need not be in an array."""
    return [content.parts] if isinstance(content.parts, dict) else content.parts or []


def read_part(part: Members, where: str) -> Iterator[Part]:
    """Read a part that is no call and no result; nothing for an empty one.

    Raises:
        InvalidRequest: of another type somewhere.
    """
    signature = signature_of(part, where)
    blob = get(part, "inlineData") or get(part, "fileData")
    held = [name for name in part if name not in _BESIDE and name not in map(snake, _BESIDE)]
    if held == ["text"]:
        yield from _read_text(part, where, signature)
    elif blob is not None and len(held) == 1:
        read = read_blob(_blob(blob, where))
        if read is None:
            raise InvalidRequest(f"Invalid value for '{where}': expected data or an address.", param=where)
        yield structs.replace(read, signature=signature) if isinstance(read, Image) and signature else read
    elif held:
        yield Unknown(NAME, Raw(msgspec.json.encode(part)))
    elif signature is not None:
        yield Text("", signature=signature)


def _read_text(part: Members, where: str, signature: Signature | None) -> Iterator[Part]:
    text = members.decoded(part["text"], f"{where}.text", _TEXT)
    thought = part.get("thought")
    if thought is not None and members.decoded(thought, f"{where}.thought", _FLAG):
        yield Thinking(text, signature)
    elif text or signature:
        yield Text(text, signature=signature)


def _blob(text: Raw, where: str) -> Blob:
    found = members.decoded(text, where, _BLOB)
    return Blob(*(found.get(name) or found.get(snake(name)) for name in ("mimeType", "data", "fileUri")))


def signature_of(part: Members, where: str) -> Signature | None:
    """Return the signature of a part."""
    text = get(part, "thoughtSignature")
    return None if text is None else Signature(NAME, members.decoded(text, f"{where}.thoughtSignature", _TEXT))


def _said(given: _Response, where: str) -> tuple[tuple[Text, ...], bool]:
    """Return what a function returned as text, and whether it failed: what is alone under a known name is all of it."""
    if bytes(given.response) in {b"", b"null"}:
        return (), False
    found = members.decoded(given.response, f"{where}.functionResponse.response", _RESULT)
    if len(found) == 1:
        name, value = next(iter(found.items()))
        if name in {"output", "error"} and members.kind(value) == "a string":
            text = members.decoded(value, where, _TEXT)
            return ((Text(text),) if text else ()), name == "error"
    return (Text(_plain(given.response)),), False


def _plain(text: Raw) -> str:
    return bytes(text).decode("utf-8", "replace")


def _made_id(place: tuple[int, int]) -> str:
    return f"call_{place[0]}_{place[1]}"
