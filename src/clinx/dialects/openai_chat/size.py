"""How big a prompt is, in bytes, quickly, for a hold: never fewer than its tokens, whatever the body looks like.

Every byte of the body counts, for who knows what a vendor makes of a member (``documents``, ``metadata``), and no
tokenizer makes more than one token of a byte. Media is the exception in both ways: a picture by address costs more
tokens than its few bytes, one sent inline far fewer. So each counts flat, and inline base64 is left out where it is
seen to be the data of a media part.

Every step is a search in C, and backwards: in long texts CPython's `rfind` takes a quarter of the time of `find`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from clinx.dialects.body import JsonBody

MEDIA_BYTES: Final = 2000
"""What an image, a recording or a video counts, inline or by address."""

FILE_BYTES: Final = 5000
"""What a file counts."""

MOST_MEDIA: Final = 2048
"""The most parts of one kind that are looked at, from the end; each byte before them counts `CROWDED_BYTE`."""

CROWDED_BYTE: Final = 1000
"""More than a byte can amount to, if media parts follow each other as closely as they can be written."""


class _Kind(NamedTuple):
    """One way to name a member that holds media."""

    needle: bytes
    """What is in the name, and in nothing else that is common."""
    name: re.Pattern[bytes]
    flat: int


def _kind(needle: bytes, names: bytes, flat: int) -> _Kind:
    return _Kind(needle, re.compile(rb'"(?:' + names + rb')"[ \t\n\r]*+:'), flat)


_KINDS: Final = (
    _kind(b'_url"', rb"(?:image|video|audio)_url", MEDIA_BYTES),
    _kind(b'"input_audio"', rb"input_audio", MEDIA_BYTES),
    _kind(b'"file_', rb"file_(?:id|data|url)", FILE_BYTES),
    _kind(b'"video"', rb"video", MEDIA_BYTES),
)
_ESCAPES: Final = (b"\\u005", b"\\u006", b"\\u007")
"""How such a name may be hidden: with letters written as escapes, which no encoder does."""
_ESCAPE: Final = b"\\u00"
_LOOKED_FOR: Final = (*(kind.needle for kind in _KINDS), _ESCAPE)
_LONGEST_START: Final = len(b'"image')

_OTHERS: Final = rb'(?:"[a-z_]{1,32}"\s*+:\s*+"[^"\\]{0,64}"\s*+,\s*+){0,4}+'
_URI: Final = rb'"data:(?:[^"\\;]|\\/|;(?!base64,)){0,200}+;base64,'
_INLINE: Final = re.compile(
    rb'"(?:'
    rb'input_audio"\s*+:\s*+\{\s*+' + _OTHERS + rb'"data"\s*+:\s*+"'
    rb'|(?:image|video|audio)_url"\s*+:\s*+(?:\{\s*+'
    + _OTHERS
    + rb'"url"\s*+:\s*+)?'
    + _URI
    + rb'|file_data"\s*+:\s*+'
    + _URI
    + rb")"
)
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-\\"
"""The backslash is for those who write a slash as ``\\/``."""
_SAMPLE: Final = 4096
"""Bytes at either end that must be base64; in between, only what every text has is looked for."""
_MARKS_OF_TEXT: Final = (b" ", b",", b".")
_BACKSLASH: Final = ord("\\")


def prompt_bytes(body: JsonBody) -> int:
    """Return a number of bytes that no prompt in this body exceeds in tokens."""
    data = body.data
    for needle in _LOOKED_FOR:
        if data.rfind(needle) >= 0:
            return len(data) + _media(body)
    return len(data)


def _media(body: JsonBody) -> int:
    """Return what the flat figures of media add to the size of the body, less the size of inline media."""
    data, messages, extra = body.data, body.place("messages"), 0
    for kind in _KINDS:
        flat, inline = _parts(data, kind, messages)
        size = sum(map(len, inline))
        extra += flat - size
        if 2 * size > len(data):
            # Most of the body has been seen to be media: nothing else need be looked for in it.
            data, messages = _without(data, inline), range(messages.start, messages.stop - size)
    if data.rfind(_ESCAPE) >= 0:
        extra += sum(_hidden(data, needle) for needle in _ESCAPES)
    return extra


def _parts(data: bytes, kind: _Kind, messages: range) -> tuple[int, list[range]]:
    """Find media of one kind; return the sum of the flat figures, and where inline data lies, backwards."""
    places, rest = _places(data, kind.needle)
    flat, inline = rest * CROWDED_BYTE, list[range]()
    for place in places:
        start = data.rfind(b'"', max(0, place - _LONGEST_START), place + 1)
        if start < 0 or not kind.name.match(data, start):
            continue
        flat += kind.flat
        if start in messages and (found := _inline(data, start)):
            inline.append(found)
    return flat, inline


def _hidden(data: bytes, needle: bytes) -> int:
    """Count each letter that is written as an escape as if it were a file; an escaped backslash is not one."""
    places, rest = _places(data, needle)
    return rest * CROWDED_BYTE + FILE_BYTES * sum(data[place - 1] != _BACKSLASH for place in places)


def _places(data: bytes, needle: bytes) -> tuple[list[int], int]:
    """Find the last `MOST_MEDIA` places of a needle; how many bytes before them were not searched."""
    places: list[int] = []
    place = len(data)
    while len(places) < MOST_MEDIA:
        place = data.rfind(needle, 0, place)
        if place < 0:
            return places, 0
        places.append(place)
    return places, place


def _inline(data: bytes, start: int) -> range:
    """Return where the base64 of a media part lies that is named at ``start``; nowhere if it does not look like any."""
    opened = _INLINE.match(data, start)
    if opened is None:
        return range(0)
    begin = opened.end()
    end = data.find(b'"', begin)
    ends = data[begin : min(begin + _SAMPLE, end)] + data[max(begin, end - _SAMPLE) : end]
    if ends.translate(None, _BASE64) or any(data.find(mark, begin, end) >= 0 for mark in _MARKS_OF_TEXT):
        return range(0)
    return range(begin, end)


def _without(data: bytes, inline: list[range]) -> bytes:
    """Cut out what was found, given backwards."""
    begins = [0, *(part.stop for part in reversed(inline))]
    ends = [*(part.start for part in reversed(inline)), len(data)]
    return b"".join(data[begin:end] for begin, end in zip(begins, ends, strict=True))
