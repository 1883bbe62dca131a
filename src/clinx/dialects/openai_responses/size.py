"""How big a prompt is, in bytes, quickly, for a hold: never fewer than its tokens, whatever the body looks like.

Every byte of the body counts, for no tokenizer makes more than one token of a byte. Media is the exception in both
ways: a picture by address costs more tokens than its few bytes, one sent inline far fewer. So each counts flat, and
inline base64 is left out where it lies in the input and is seen to be just that.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from clinx.dialects.body import JsonBody
from clinx.dialects.inline import CROWDED_BYTE, ESCAPE, hidden, is_base64, places

MEDIA_BYTES: Final = 2000
"""What an image or a recording counts, inline or by address."""

FILE_BYTES: Final = 5000
"""What a file counts, and whatever may be one."""


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
_ESCAPES: Final = (b"\\u005", b"\\u006", b"\\u007")
"""How the letters of such names begin, where they are written as escapes."""
_LONGEST_START: Final = len(b'"image')


def prompt_bytes(body: JsonBody) -> int:
    """Return a number of bytes that no prompt in this body exceeds in tokens."""
    data = body.data
    size = len(data)
    kinds = [kind for kind in _KINDS if data.rfind(kind.needle) >= 0]
    if kinds:
        place = body.place("input")
        size += sum(_media(data, kind, place) for kind in kinds)
    if data.rfind(ESCAPE) >= 0:
        size += sum(hidden(data, needle, FILE_BYTES) for needle in _ESCAPES)
    return size


def _media(data: bytes, kind: _Kind, inside: range) -> int:
    """Return what the media of one kind add to the size of the body, less the size of what is inline."""
    found, rest = places(data, kind.needle)
    extra = rest * CROWDED_BYTE
    for place in found:
        start = data.rfind(b'"', max(0, place - _LONGEST_START), place + 1)
        if start >= 0 and kind.name.match(data, start):
            extra += kind.flat - (_inline(data, start) if start in inside else 0)
    return extra


def _inline(data: bytes, start: int) -> int:
    """Return how long the base64 of a media part is that is named at ``start``; 0 if it does not look like any."""
    opened = _INLINE.match(data, start)
    if opened is None:
        return 0
    begin = opened.end()
    end = data.find(b'"', begin)
    return end - begin if is_base64(data, begin, end) else 0
