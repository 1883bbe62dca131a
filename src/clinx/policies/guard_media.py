"""Strings that may be media: what is beside them tells whether they are a picture in Base64, or text.

A document may come as plain text, or as text in Base64, in the same member as a picture. Only what is said to be no
text and looks like Base64 is passed over.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from clinx.policies.guard_string import FoundString

KINDS: Final = frozenset({"type", "format", "media_type", "mimeType", "mime_type"})
"""Members that say of what kind their neighbours are."""

_MEDIA_TYPES: Final = frozenset({"media_type", "mimeType", "mime_type"})
_NO_TEXT: Final = frozenset({"redacted_thinking", "image_generation_call"})
_TEXT_TYPE: Final = re.compile(
    r"\s*(?:text/.*|.*(?:json|xml|yaml|csv|javascript|markdown)\s*(?:;.*)?)", re.IGNORECASE | re.DOTALL
)
_URL: Final = re.compile(r"data:([^,;]{0,100})[^,]{0,100};base64,", re.IGNORECASE)
_BREAKS: Final = re.compile(r"[\r\n]+")
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/=_\-\r\n]*+")
_URL_SAFE: Final = str.maketrans("-_", "+/")


def read_media(string: FoundString, kinds: Iterable[tuple[str, str]]) -> FoundString | None:
    """Return what of such a string is looked at; None for nothing.

    Args:
        string: what it says as it stands.
        kinds: the names and values of those members beside it that are among `KINDS`.
    """
    url = _URL.match(string.text)
    start = 0 if url is None else url.end()
    if _ENCODED.fullmatch(string.text, start) is None:
        return string
    told = [(name, value) for name, value in kinds if name != "format"]
    types = [value for name, value in told if name in _MEDIA_TYPES] + ([url[1]] if url is not None and url[1] else [])
    is_text = any(map(_TEXT_TYPE.fullmatch, types)) or ("type", "text") in told
    if not is_text and (types or any(name == "format" or value in _NO_TEXT for name, value in kinds)):
        return None
    return replace(string, decoded=_decoded(string.text[start:]), prefix=string.text[:start])


def _decoded(encoded: str) -> str | None:
    """Return the text that Base64 stands for; None where it is none, or no text."""
    bare = _BREAKS.sub("", encoded).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode()
    except ValueError:
        return None
