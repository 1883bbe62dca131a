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
from clinx.dialects.inline import CROWDED_BYTE, ESCAPE, hidden, is_base64, places

IMAGE_BYTES: Final = 2000
"""What an inline image counts."""

MEDIA_BYTES: Final = 5000
"""What a document counts, and whatever is sent by address: it may be one."""

TOOLS_BYTES: Final = 1000
"""What tools count beside their definitions."""

_NAME: Final = b'"source"'
_ESCAPES: Final = (b"\\u006", b"\\u007")
"""How the letters of the name begin, where they are written as escapes."""

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


def prompt_bytes(body: JsonBody) -> int:
    """Return a number of bytes that no prompt in this body exceeds in tokens."""
    data = body.data
    size = len(data) + (TOOLS_BYTES if body.view("tools") else 0)
    if data.rfind(_NAME) >= 0:
        size += _media(data, body.place("messages") or range(len(data)))
    if data.rfind(ESCAPE) >= 0:
        size += sum(hidden(data, needle, MEDIA_BYTES) for needle in _ESCAPES)
    return size


def _media(data: bytes, where: range) -> int:
    """Return what the flat figures of media add to the size of the body, less the size of inline media."""
    found, rest = places(data, _NAME, where)
    return rest * CROWDED_BYTE + sum(_part(data, place) for place in found if _OPENED.match(data, place))


def _part(data: bytes, place: int) -> int:
    """Return what one source adds."""
    opened = _INLINE.match(data, place)
    if opened is None:
        return MEDIA_BYTES
    begin = opened.end()
    end = data.find(b'"', begin)
    rest = _REST.match(data, end)
    around = opened[0] + (rest[0] if rest else b"")
    if _IS_BASE64.search(around) is None or not is_base64(data, begin, end):
        return MEDIA_BYTES
    return (IMAGE_BYTES if _IS_IMAGE.search(around) else MEDIA_BYTES) - (end - begin)
