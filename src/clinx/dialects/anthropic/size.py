"""How big a prompt is, in bytes, quickly, for a hold: never fewer than its tokens, whatever the body looks like.

Every byte of the body counts, for no tokenizer makes more than one token of a byte. Media is the exception in both
ways: a picture by address costs more tokens than its few bytes, one sent inline far fewer. So each ``source`` in the
messages counts flat, and inline base64 is left out where it is seen to be just that. Tools count more than their text:
the vendor explains to the model how to use them.
"""

from __future__ import annotations

import re
from typing import Final

from clinx.dialects.body import JsonBody

IMAGE_BYTES: Final = 2000
"""What an inline image counts."""

MEDIA_BYTES: Final = 5000
"""What a document counts, and whatever is sent by address: it may be one."""

TOOLS_BYTES: Final = 1000
"""What tools count beside their definitions."""

MOST_MEDIA: Final = 2048
"""The most parts that are looked at, from the end; each byte before them counts `CROWDED_BYTE`."""

CROWDED_BYTE: Final = 1000
"""More than a byte can amount to, if media parts follow each other as closely as they can be written."""

_NAME: Final = b'"source"'
_ESCAPE: Final = b"\\u00"
_ESCAPES: Final = (b"\\u006", b"\\u007")
"""How the name may be hidden: with letters written as escapes, which no encoder does."""
_BACKSLASH: Final = ord("\\")

_WS: Final = rb"[ \t\n\r]*+"
_MEMBER: Final = rb'"[a-z_]{1,32}"' + _WS + b":" + _WS + rb'"(?:[^"\\]|\\/){0,64}+"' + _WS
_OPENED: Final = re.compile(_NAME + _WS + b":" + _WS + rb"\{")
_INLINE: Final = re.compile(
    _NAME
    + _WS
    + b":"
    + _WS
    + rb"\{"
    + _WS
    + b"(?:"
    + _MEMBER
    + b","
    + _WS
    + rb'){0,4}+"data"'
    + _WS
    + b":"
    + _WS
    + b'"'
)
_REST: Final = re.compile(rb'"' + _WS + b"(?:," + _WS + _MEMBER + rb"){0,4}+\}")
_IS_BASE64: Final = re.compile(rb'"type"' + _WS + b":" + _WS + rb'"base64"')
_IS_IMAGE: Final = re.compile(rb'"media_type"' + _WS + b":" + _WS + rb'"image\\?/')
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-\\"
"""The backslash is for those who write a slash as ``\\/``."""
_SAMPLE: Final = 4096
"""Bytes at either end that must be base64; in between, only what every text has is looked for."""
_MARKS_OF_TEXT: Final = (b" ", b",", b".")


def prompt_bytes(body: JsonBody) -> int:
    """Return a number of bytes that no prompt in this body exceeds in tokens."""
    data = body.data
    size = len(data) + (TOOLS_BYTES if body.view("tools") else 0)
    if data.rfind(_NAME) >= 0:
        size += _media(data, body.place("messages") or range(len(data)))
    if data.rfind(_ESCAPE) >= 0:
        size += sum(_hidden(data, needle) for needle in _ESCAPES)
    return size


def _media(data: bytes, where: range) -> int:
    """Return what the flat figures of media add to the size of the body, less the size of inline media."""
    extra, place = 0, where.stop
    for _ in range(MOST_MEDIA):
        place = data.rfind(_NAME, where.start, place)
        if place < 0:
            return extra
        if _OPENED.match(data, place):
            extra += _part(data, place)
    return extra + (place - where.start) * CROWDED_BYTE


def _part(data: bytes, place: int) -> int:
    """Return what one source adds."""
    opened = _INLINE.match(data, place)
    if opened is None:
        return MEDIA_BYTES
    begin = opened.end()
    end = data.find(b'"', begin)
    rest = _REST.match(data, end)
    around = opened[0] + (rest[0] if rest else b"")
    if _IS_BASE64.search(around) is None or not _is_base64(data, begin, end):
        return MEDIA_BYTES
    return (IMAGE_BYTES if _IS_IMAGE.search(around) else MEDIA_BYTES) - (end - begin)


def _is_base64(data: bytes, begin: int, end: int) -> bool:
    ends = data[begin : min(begin + _SAMPLE, end)] + data[max(begin, end - _SAMPLE) : end]
    return not ends.translate(None, _BASE64) and all(data.find(mark, begin, end) < 0 for mark in _MARKS_OF_TEXT)


def _hidden(data: bytes, needle: bytes) -> int:
    """Count each letter that is written as an escape as if it were a document; an escaped backslash is not one."""
    place, size = len(data), 0
    for _ in range(MOST_MEDIA):
        place = data.rfind(needle, 0, place)
        if place < 0:
            return size
        size += MEDIA_BYTES if data[place - 1] != _BACKSLASH else 0
    return size + place * CROWDED_BYTE
