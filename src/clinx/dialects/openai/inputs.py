"""Prompts and inputs: a text, tokens, or a list of either, told apart without making anything of what is in them.

A list of a million tiny prompts fits into a small body. So elements are looked at one by one only when the text is
small; otherwise reading stops making values at the first element too many, and tokens are checked as bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from clinx.dialects import lenient, members
from clinx.dialects.base import CountTokens
from clinx.dialects.body import JsonBody
from clinx.dialects.lenient import sequence
from clinx.dialects.prompts import count_text
from clinx.errors import InvalidRequest

MAX_PROMPTS: Final = 2048
"""The most prompts of one request: OpenAI's own limit for embeddings."""

MAX_TOKEN_BYTES: Final = 8 * 1024 * 1024
"""The most bytes of JSON that tokens may take: more than a million of them."""

_SMALL: Final = 64 * 1024
_ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_FIRST_ELEMENTS: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(
    msgspec.defstruct(
        "FirstElements",
        [(f"element_{place}", msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for place in range(MAX_PROMPTS + 1)],
        array_like=True,
    )
)
"""Makes values of the first elements only, and steps over the rest: what a list decoder cannot be told to do."""

_OF_TOKENS: Final = b"0123456789, \t\n\r"
"""All that is between the brackets of an array of tokens, and of no other JSON array."""


def count_prompts(body: JsonBody, name: str) -> int:
    """Return how many prompts a member holds: a string or an array of tokens is one; arrays of these are many.

    Raises:
        InvalidRequest: absent, an empty array, an array of anything else or of mixed things, or too large.
    """
    text = body.view(name)
    if not text or (found := members.kind(text)) == "null":
        raise members.missing(name)
    if found == "a string":
        return 1
    if found != "an array":
        raise members.wrong_type(name, "a string or an array", text)
    first = members.kind(members.first(members.array(body, name)))
    if first == "a string":
        return len(_alike(name, text, first))
    if len(text) > MAX_TOKEN_BYTES:
        raise InvalidRequest(
            f"Invalid value for '{name}': expected at most {MAX_TOKEN_BYTES} bytes of tokens.", param=name
        )
    if first == "an array":
        prompts = _alike(name, text, first)
        for prompt in prompts:
            _check_tokens(name, prompt)
        return len(prompts)
    _check_tokens(name, text)
    return 1


def count_input(body: JsonBody, name: str, count: CountTokens) -> int:
    """Count a member that holds a string, an array of strings, of tokens, or of non-empty arrays of tokens."""
    text = body.raw(name) or b""
    if b'"' not in text:
        return text.count(b",") + 1
    value = lenient.decode(text)
    return sum(count_text(each, count) for each in (sequence(value) or [value]))


def _alike(name: str, text: memoryview, wanted: str) -> Sequence[msgspec.Raw]:
    """Return the elements of an array, all of them of one kind."""
    elements = _elements(text)
    if len(elements) > MAX_PROMPTS:
        raise InvalidRequest(f"Invalid value for '{name}': expected at most {MAX_PROMPTS} elements.", param=name)
    if any(members.kind(element) != wanted for element in elements):
        raise _mixed(name)
    return elements


def _elements(text: memoryview) -> Sequence[msgspec.Raw]:
    """Return the elements of an array as JSON text; of a large one, not many more than there may be."""
    if len(text) <= _SMALL:
        return _ELEMENTS.decode(text)
    found: tuple[msgspec.Raw | msgspec.UnsetType, ...] = msgspec.structs.astuple(_FIRST_ELEMENTS.decode(text))
    return [element for element in found if element is not msgspec.UNSET]


def _check_tokens(name: str, text: msgspec.Raw | memoryview) -> None:
    """Check that an array, which is valid JSON, holds nothing but non-negative integers, and at least one."""
    if members.is_empty(text):
        raise InvalidRequest(f"Invalid value for '{name}': expected no empty array.", param=name)
    if bytes(text).translate(None, _OF_TOKENS) != b"[]":
        raise _mixed(name)


def _mixed(name: str) -> InvalidRequest:
    expected = "an array of strings, of tokens, or of arrays of tokens"
    return InvalidRequest(f"Invalid type for '{name}': expected {expected}.", param=name)
