"""Strict reading of the few members of a body that the gateway itself relies on.

Every refusal names the member (``param``) and says what was expected and what was found, the way OpenAI does. A member
that is null counts as absent.
"""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec

from clinx.dialects.body import JsonBody
from clinx.errors import InvalidRequest

T = TypeVar("T")

MAX_MODEL: Final = 256
"""The most characters a model name may have."""

MAX_OPTIONS: Final = 4096
"""The most bytes a member may have that is itself read as an object."""

MAX_OPTIONS_MEMBERS: Final = 32
"""The most members such an object may have."""

RESERVED: Final = frozenset(
    {
        *("model", "stream", "stream_options", "include_usage", "n", "best_of", "max_tokens", "max_completion_tokens"),
        *("messages", "prompt", "input", "tools", "functions"),
    }
)
"""The names that the gateway decides by."""

_LONGEST_NAME: Final = 64
"""More characters than any spelling of a reserved name has."""

_LONGEST_MODEL: Final = 12 * MAX_MODEL + 2
"""The most bytes of JSON a model name can take: two escapes for each character, and the quotes."""

_LONGEST_NUMBER: Final = 400
"""The most bytes of a number that is looked at."""

_SHOWN: Final = 24
"""The most digits of a number that are repeated to the caller."""

_KINDS: Final = dict(
    zip(b'"{[tfn', ("a string", "an object", "an array", "a boolean", "a boolean", "null"), strict=True)
)
_OPEN: Final = re.compile(rb"\[[ \t\n\r]*")
_EMPTY: Final = re.compile(rb"\[[ \t\n\r]*\]")


def kind(raw: msgspec.Raw | memoryview) -> str:
    """Name the JSON type of a value with its article: ``a string``."""
    return _KINDS.get(memoryview(raw)[0], "a number")


def missing(name: str) -> InvalidRequest:
    """Return the refusal of a body without a required member."""
    return InvalidRequest(f"Missing required parameter: '{name}'.", param=name)


def wrong_type(name: str, expected: str, raw: msgspec.Raw | memoryview) -> InvalidRequest:
    """Return the refusal of a member of another JSON type."""
    return InvalidRequest(f"Invalid type for '{name}': expected {expected}, but got {kind(raw)} instead.", param=name)


def check_spelling(body: JsonBody) -> None:
    """Refuse a member that some upstreams would take for another one.

    Servers written in Go match names without regard to case (a long s is an s to them), so a body with both
    ``max_tokens`` and ``Max_Tokens`` would be held for one and served as the other.

    Raises:
        InvalidRequest: a name that only folding makes a reserved one.
    """
    names = body.names
    every = "".join(names)
    if every.isascii() and every.islower():
        return
    for name in names:
        if len(name) <= _LONGEST_NAME and name not in RESERVED and (meant := name.casefold()) in RESERVED:
            raise InvalidRequest(f"Unknown parameter: '{name}'.", hint=f"Did you mean '{meant}'?", param=name)


def model(body: JsonBody) -> str:
    """Read ``model``.

    Raises:
        InvalidRequest: absent, not a string, empty, too long, or with characters that cannot be printed.
    """
    text = body.view("model")
    if not text or (found := kind(text)) == "null":
        raise missing("model")
    if found != "a string":
        raise wrong_type("model", "a string", text)
    name = body.value("model") if len(text) <= _LONGEST_MODEL else ""
    if not isinstance(name, str) or not 0 < len(name) <= MAX_MODEL or not name.isprintable():
        expected = f"a name of 1 to {MAX_MODEL} printable characters"
        raise InvalidRequest(f"Invalid value for 'model': expected {expected}.", param="model")
    return name


def check_encoding(body: JsonBody) -> None:
    """Refuse a body whose texts cannot be written anew.

    Raises:
        InvalidRequest: it is no UTF-8.
    """
    try:
        body.data.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest("The request body must be UTF-8.") from error


def is_given(body: JsonBody, name: str) -> bool:
    """Whether the member is there and not null."""
    text = body.view(name)
    return len(text) > 0 and kind(text) != "null"


def boolean(body: JsonBody, name: str) -> bool:
    """Read a flag; False when absent.

    Raises:
        InvalidRequest: not a boolean.
    """
    text = body.view(name)
    if not text or (found := kind(text)) == "null":
        return False
    if found != "a boolean":
        raise wrong_type(name, "a boolean", text)
    return text[0] == ord("t")


def integer(body: JsonBody, name: str, low: int, high: int) -> int | None:
    """Read an integer between ``low`` and ``high``; None when absent.

    Raises:
        InvalidRequest: out of range, or no integer: a boolean, a string, ``1.0``, ``1e2``.
    """
    text = body.view(name)
    if not text or (found := kind(text)) == "null":
        return None
    if found != "a number":
        raise wrong_type(name, "an integer", text)
    value = body.value(name) if len(text) <= _LONGEST_NUMBER else bytes(text[:_SHOWN]).decode()
    if isinstance(value, float):
        raise InvalidRequest(f"Invalid type for '{name}': expected an integer, but got a decimal instead.", param=name)
    if not isinstance(value, int) or not low <= value <= high:
        shown = f"{str(value)[:_SHOWN]}, which is out of range"
        raise InvalidRequest(
            f"Invalid value for '{name}': expected an integer from {low} to {high}, but got {shown}.", param=name
        )
    return value


def members_of(body: JsonBody, name: str) -> JsonBody | None:
    """Read a small member that is itself an object; None when absent.

    Raises:
        InvalidRequest: not an object, or one that is too large.
    """
    text = body.view(name)
    if not text or (found := kind(text)) == "null":
        return None
    if found != "an object":
        raise wrong_type(name, "an object", text)
    members = JsonBody.parse(bytes(text)) if len(text) <= MAX_OPTIONS else None
    if members is None or len(members.names) > MAX_OPTIONS_MEMBERS:
        expected = f"at most {MAX_OPTIONS_MEMBERS} members in {MAX_OPTIONS} bytes"
        raise InvalidRequest(f"Invalid value for '{name}': expected {expected}.", param=name)
    return members


def typed(body: JsonBody, name: str, decoder: msgspec.json.Decoder[T]) -> T | None:
    """Read a member whole, as the decoder's type; None when absent.

    Raises:
        InvalidRequest: of another type somewhere, and ``param`` says where; or no UTF-8.
    """
    if not is_given(body, name):
        return None
    return decoded(body.view(name), name, decoder)


def decoded(text: msgspec.Raw | memoryview, name: str, decoder: msgspec.json.Decoder[T]) -> T:
    """Read the JSON text of a member that is called ``name``.

    Raises:
        InvalidRequest: as `typed`.
    """
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        fault, _, place = str(error).partition(" - at ")
        where = name + place.strip("`").removeprefix("$") if place else name
        raise InvalidRequest(f"Invalid value for '{where}': {_plain(fault)}.", param=where) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"Invalid value for '{name}': expected JSON in UTF-8.", param=name) from error


def _plain(fault: str) -> str:
    return fault[:1].lower() + fault[1:].rstrip(".").replace("`", "")


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
    if is_empty(text):
        raise InvalidRequest(f"Invalid value for '{name}': expected an array with at least 1 element.", param=name)
    return text


def is_empty(text: msgspec.Raw | memoryview) -> bool:
    """Whether the text of an array holds no element."""
    return _EMPTY.match(memoryview(text)) is not None


def first(text: memoryview) -> memoryview:
    """Return the text of a non-empty array from its first element on: enough to tell that element's type."""
    opened = _OPEN.match(text)
    return text[opened.end() if opened else 0 :]
