"""Strict reading of the few members of a body that the gateway itself relies on.

Every refusal names the member (``param``) and says what was expected and what was found, the way OpenAI does. A member
that is null counts as absent.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from clinx.dialects.body import JsonBody
from clinx.errors import InvalidRequest

MAX_MODEL: Final = 256
"""The most characters a model name may have."""

_SHOWN: Final = 24
"""The most digits of a number that are repeated to the caller."""

_KINDS: Final = {'"': "a string", "{": "an object", "[": "an array", "t": "a boolean", "f": "a boolean", "n": "null"}
_OPEN: Final = re.compile(rb"\[[ \t\n\r]*")
_EMPTY: Final = re.compile(rb"\[[ \t\n\r]*\]")


def kind(raw: msgspec.Raw | memoryview) -> str:
    """Name the JSON type of a value with its article: ``a string``."""
    return _KINDS.get(chr(memoryview(raw)[0]), "a number")


def missing(name: str) -> InvalidRequest:
    """Return the refusal of a body without a required member."""
    return InvalidRequest(f"Missing required parameter: '{name}'.", param=name)


def wrong_type(name: str, expected: str, raw: msgspec.Raw | memoryview) -> InvalidRequest:
    """Return the refusal of a member of another JSON type."""
    return InvalidRequest(f"Invalid type for '{name}': expected {expected}, but got {kind(raw)} instead.", param=name)


def model(body: JsonBody) -> str:
    """Read ``model``.

    Raises:
        InvalidRequest: absent, not a string, empty, too long, or with characters that cannot be printed.
    """
    if not is_given(body, "model"):
        raise missing("model")
    name = body.value("model")
    if not isinstance(name, str):
        raise wrong_type("model", "a string", body.view("model"))
    if not 0 < len(name) <= MAX_MODEL or not name.isprintable():
        expected = f"a name of 1 to {MAX_MODEL} printable characters"
        raise InvalidRequest(f"Invalid value for 'model': expected {expected}.", param="model")
    return name


def is_given(body: JsonBody, name: str) -> bool:
    """Whether the member is there and not null."""
    text = body.view(name)
    return len(text) > 0 and kind(text) != "null"


def boolean(body: JsonBody, name: str) -> bool:
    """Read a flag; False when absent.

    Raises:
        InvalidRequest: not a boolean.
    """
    if not is_given(body, name):
        return False
    text = body.view(name)
    if kind(text) != "a boolean":
        raise wrong_type(name, "a boolean", text)
    return text[0] == ord("t")


def integer(body: JsonBody, name: str, low: int, high: int) -> int | None:
    """Read an integer between ``low`` and ``high``; None when absent.

    Raises:
        InvalidRequest: out of range, or no integer: a boolean, a string, ``1.0``, ``1e2``.
    """
    if not is_given(body, name):
        return None
    value = body.value(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(name, "an integer", body.view(name))
    if isinstance(value, float):
        raise InvalidRequest(f"Invalid type for '{name}': expected an integer, but got a decimal instead.", param=name)
    if not low <= value <= high:
        found = f"{str(value)[:_SHOWN]}, which is out of range"
        raise InvalidRequest(
            f"Invalid value for '{name}': expected an integer from {low} to {high}, but got {found}.", param=name
        )
    return value


def members_of(body: JsonBody, name: str) -> JsonBody | None:
    """Read a member that is itself an object; None when absent.

    Raises:
        InvalidRequest: not an object.
    """
    if not is_given(body, name):
        return None
    text = body.raw(name) or b""
    if not text.startswith(b"{"):
        raise wrong_type(name, "an object", memoryview(text))
    return JsonBody.parse(text)


def array(body: JsonBody, name: str) -> memoryview:
    """Return the JSON text of a required, non-empty array; its elements are not looked at.

    Raises:
        InvalidRequest: absent, not an array, or empty.
    """
    if not is_given(body, name):
        raise missing(name)
    text = body.view(name)
    if text[0] != ord("["):
        raise wrong_type(name, "an array", text)
    if _EMPTY.match(text):
        raise InvalidRequest(f"Invalid value for '{name}': expected an array with at least 1 element.", param=name)
    return text


def first(text: memoryview) -> memoryview:
    """Return the text of a non-empty array from its first element on: enough to tell that element's type."""
    opened = _OPEN.match(text)
    return text[opened.end() if opened else 0 :]
