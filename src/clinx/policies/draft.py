"""A body while rules change it: the members that were touched, decoded once; everything else stays bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from clinx.dialects.body import JsonBody
from clinx.errors import InvalidRequest


class _Nothing:
    """What a template is that asks for something the request does not say."""

    def __bool__(self) -> bool:
        return False


NOTHING: Final = _Nothing()
_UNREAD: Final = object()


class Draft:
    """Changes to the top level of a body, seen by every later rule."""

    __slots__ = ("_body", "_changed", "_fresh", "_values")

    def __init__(self, body: JsonBody) -> None:
        """Change nothing yet."""
        self._body = body
        self._values: dict[str, object] = {}
        """What was asked for or changed; `NOTHING` for a member that is not there, why where it cannot be read."""
        self._changed: dict[str, None] = {}
        """The names of those that were changed, in that order."""
        self._fresh: set[str] = set()
        """Of them, those that nobody was told of."""

    def has(self, name: str) -> bool:
        """Tell whether there is such a member now; nothing is decoded."""
        return self._values[name] is not NOTHING if name in self._values else bool(self._body.view(name))

    def names(self) -> tuple[str, ...]:
        """The names of the members there are now."""
        added = (name for name in self._changed if name not in self._body.names)
        return tuple(name for name in (*self._body.names, *added) if self.has(name))

    def find(self, name: str, instead: object = NOTHING) -> object:
        """Return a member, decoded, or something else where there is none. It may be changed in place, before `put`.

        Raises:
            InvalidRequest: it holds bytes that are no text, or more values than are decoded.
        """
        value = self._values.get(name, _UNREAD)
        if value is _UNREAD:
            value = self._values[name] = self._read(name)
        if isinstance(value, InvalidRequest):
            raise value
        return instead if value is NOTHING else value

    def _read(self, name: str) -> object:
        """Decode a member; what is wrong with it is kept in its place, for each rule that asks would find it anew."""
        if not self._body.view(name):
            return NOTHING
        try:
            return self._body.value(name)
        except InvalidRequest as error:
            return error

    def put(self, name: str, value: object) -> None:
        """Set a member; `NOTHING` takes it out."""
        self._values[name] = value
        self._changed[name] = None
        self._fresh.add(name)

    def fresh(self) -> set[str]:
        """Return the names of the members that were changed since this was asked last."""
        fresh, self._fresh = self._fresh, set()
        return fresh

    def changes(self) -> Mapping[str, bytes | None]:
        """Return the changed members as `JsonBody.patched` takes them.

        Raises:
            InvalidRequest: one of them is nested too deeply now.
        """
        try:
            return {
                name: msgspec.json.encode(value) if (value := self._values[name]) is not NOTHING else None
                for name in self._changed
                if self.has(name) or self._body.view(name)
            }
        except RecursionError as error:
            raise InvalidRequest("The request body is nested too deeply.") from error
