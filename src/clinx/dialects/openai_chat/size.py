"""How big a prompt is, in bytes, quickly, for a hold: never fewer than its tokens, whatever the body looks like.

Every byte of the body counts, for who knows what a vendor makes of a member (``documents``, ``metadata``), and no
tokenizer makes more than one token of a byte. Media is the exception in both ways: a picture by address costs more
tokens than its few bytes, one sent inline far fewer. So each counts flat, and inline base64 is left out where it is
seen to be the data of a media part.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from clinx.dialects.body import JsonBody
from clinx.dialects.inline import CROWDED_BYTE, ESCAPE, hidden, is_base64, places

MEDIA_BYTES: Final = 2000
"""What an image, a recording or a video counts, inline or by address."""

FILE_BYTES: Final = 5000
"""What a file counts."""


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
"""How the letters of such names begin, where they are written as escapes."""
_LOOKED_FOR: Final = (*(kind.needle for kind in _KINDS), ESCAPE)
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
    if data.rfind(ESCAPE) >= 0:
        extra += sum(hidden(data, needle, FILE_BYTES) for needle in _ESCAPES)
    return extra


def _parts(data: bytes, kind: _Kind, messages: range) -> tuple[int, list[range]]:
    """Find media of one kind; return the sum of the flat figures, and where inline data lies, backwards."""
    found, rest = places(data, kind.needle)
    flat, inline = rest * CROWDED_BYTE, list[range]()
    for place in found:
        start = data.rfind(b'"', max(0, place - _LONGEST_START), place + 1)
        if start < 0 or not kind.name.match(data, start):
            continue
        flat += kind.flat
        if start in messages and (part := _inline(data, start)):
            inline.append(part)
    return flat, inline


def _inline(data: bytes, start: int) -> range:
    """Return where the base64 of a media part lies that is named at ``start``; nowhere if it does not look like any."""
    opened = _INLINE.match(data, start)
    if opened is None:
        return range(0)
    begin = opened.end()
    end = data.find(b'"', begin)
    return range(begin, end) if is_base64(data, begin, end) else range(0)


def _without(data: bytes, inline: list[range]) -> bytes:
    """Cut out what was found, given backwards."""
    begins = [0, *(part.stop for part in reversed(inline))]
    ends = [*(part.start for part in reversed(inline)), len(data)]
    return b"".join(data[begin:end] for begin, end in zip(begins, ends, strict=True))
