"""How big a prompt is, in bytes, quickly, for a hold: never fewer than its tokens, whatever the body looks like.

Every byte of the body counts, for no tokenizer makes more than one token of a byte. Media is the exception in both
ways: a picture by address costs more tokens than its few bytes, one sent inline far fewer. So each counts flat, and
inline base64 is left out where it lies in the input and is seen to be just that.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from clinx.dialects.body import JsonBody

MEDIA_BYTES: Final = 2000
"""What an image or a recording counts, inline or by address."""

FILE_BYTES: Final = 5000
"""What a file counts, and whatever may be one."""

MOST_MEDIA: Final = 2048
"""The most parts of one kind that are looked at, from the end; each byte before them counts `CROWDED_BYTE`."""

CROWDED_BYTE: Final = 1000
"""More than a byte can amount to, if media parts follow each other as closely as they can be written."""


class _Kind(NamedTuple):
    """What is in the names of members that hold media, how the whole name looks, and what one counts."""

    needle: bytes
    name: re.Pattern[bytes]
    flat: int


_WS: Final = rb"[ \t\n\r]*+"
_KINDS: Final = (
    _Kind(b'image_url"', re.compile(rb'"image_url"' + _WS + b":"), MEDIA_BYTES),
    _Kind(b'"file_', re.compile(rb'"file_(?:id|data|url)"' + _WS + b":"), FILE_BYTES),
    _Kind(b'"input_audio"', re.compile(rb'"input_audio"' + _WS + b":"), MEDIA_BYTES),
)
_INLINE: Final = re.compile(
    rb'"(?:image_url|file_data)"' + _WS + b":" + _WS + rb'"data:(?:[^"\\;]|\\/|;(?!base64,)){0,200}+;base64,'
    rb'|"input_audio"' + _WS + b":" + _WS + rb"\{" + _WS + rb'(?:"format"' + _WS + b":" + _WS
    + rb'"[^"\\]{0,64}"' + _WS + b"," + _WS + rb')?"data"' + _WS + b":" + _WS + b'"'
)  # fmt: skip
_ESCAPE: Final = b"\\u00"
_ESCAPES: Final = (b"\\u005", b"\\u006", b"\\u007")
"""How such a name may be hidden: with letters written as escapes, which no encoder does."""
_BACKSLASH: Final = ord("\\")
_LONGEST_START: Final = len(b'"image')
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-\\"
"""The backslash is for those who write a slash as ``\\/``."""
_SAMPLE: Final = 4096
"""Bytes at either end that must be base64; in between, only what every text has is looked for."""
_MARKS_OF_TEXT: Final = (b" ", b",", b".")


def prompt_bytes(body: JsonBody) -> int:
    """Return a number of bytes that no prompt in this body exceeds in tokens."""
    data = body.data
    size = len(data)
    kinds = [kind for kind in _KINDS if data.rfind(kind.needle) >= 0]
    if kinds:
        place = body.place("input")
        size += sum(_media(data, kind, place) for kind in kinds)
    if data.rfind(_ESCAPE) >= 0:
        size += sum(_hidden(data, needle) for needle in _ESCAPES)
    return size


def _media(data: bytes, kind: _Kind, inside: range) -> int:
    """Return what the media of one kind add to the size of the body, less the size of what is inline."""
    extra, place = 0, len(data)
    for _ in range(MOST_MEDIA):
        place = data.rfind(kind.needle, 0, place)
        if place < 0:
            return extra
        start = data.rfind(b'"', max(0, place - _LONGEST_START), place + 1)
        if start >= 0 and kind.name.match(data, start):
            extra += kind.flat - (_inline(data, start) if start in inside else 0)
    return extra + place * CROWDED_BYTE


def _inline(data: bytes, start: int) -> int:
    """Return how long the base64 of a media part is that is named at ``start``; 0 if it does not look like any."""
    opened = _INLINE.match(data, start)
    if opened is None:
        return 0
    begin = opened.end()
    end = data.find(b'"', begin)
    ends = data[begin : min(begin + _SAMPLE, end)] + data[max(begin, end - _SAMPLE) : end]
    if ends.translate(None, _BASE64) or any(data.find(mark, begin, end) >= 0 for mark in _MARKS_OF_TEXT):
        return 0
    return end - begin


def _hidden(data: bytes, needle: bytes) -> int:
    """Count each letter that is written as an escape as if it were a file; an escaped backslash is not one."""
    place, size = len(data), 0
    for _ in range(MOST_MEDIA):
        place = data.rfind(needle, 0, place)
        if place < 0:
            return size
        size += FILE_BYTES if data[place - 1] != _BACKSLASH else 0
    return size + place * CROWDED_BYTE
