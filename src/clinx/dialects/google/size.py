"""How big a prompt is, in bytes, quickly, for a hold: never fewer than its tokens, whatever the body looks like.

Every byte of the body counts, for no tokenizer makes more than one token of a byte. Media is the exception in both
ways: a file by address costs more tokens than its few bytes, a picture sent inline far fewer. So each counts flat, and
inline base64 is left out where it is the data of a part; anywhere else, such as in what a function was called with, it
is text.
"""

from __future__ import annotations

from typing import Final

import msgspec

from clinx.dialects.body import JsonBody

IMAGE_BYTES: Final = 2500
"""What an inline image counts."""

MEDIA_BYTES: Final = 5000
"""What other media count, and whatever is sent by address."""

BYTES_PER_TOKEN: Final = {"audio": 16, "video": 16, "application/pdf": 4}
"""Of inline media that are no image: fewer than there are for each token a second or a page costs."""

MOST_BRACES: Final = 10_000
"""In contents with more than these no media is looked for, and it counts as the text it is."""

_INLINE: Final = (b'"inlineData"', b'"inline_data"')
_FILES: Final = (b'"fileData"', b'"file_data"')
_HIDDEN: Final = (b"\\u004", b"\\u005", b"\\u006", b"\\u007")
"""How such a name may be hidden: with letters written as escapes, which no encoder does."""


class _Blob(msgspec.Struct):
    mime: object = msgspec.field(name="mimeType", default=None)
    mime_type: object = None
    data: msgspec.Raw = msgspec.Raw()


class _Part(msgspec.Struct):
    blob: _Blob | None = msgspec.field(name="inlineData", default=None)
    inline_data: _Blob | None = None


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Holder(msgspec.Struct):
    content: _Content | None = None


_DECODERS: Final = {
    "contents": msgspec.json.Decoder(list[_Content]),
    "content": msgspec.json.Decoder(_Content),
    "requests": msgspec.json.Decoder(list[_Holder]),
}


def prompt_bytes(body: JsonBody, member: str = "contents") -> int:
    """Return a number of bytes that no prompt in this body exceeds in tokens.

    Args:
        body: the request.
        member: where its contents are.
    """
    data = body.data
    size = len(data) + MEDIA_BYTES * sum(data.count(name) for name in _FILES)
    if data.rfind(b"\\u00") >= 0:
        size += MEDIA_BYTES * sum(data.count(letter) for letter in _HIDDEN)
    if any(data.rfind(name) >= 0 for name in _INLINE):
        size += sum(map(_extra, _blobs(body, member)))
    return size


def _blobs(body: JsonBody, member: str) -> list[_Blob]:
    """Return what is sent inline; nothing when the text is too dense, or of other types than it should be."""
    if body.data.count(b"{") > MOST_BRACES:
        return []
    try:
        found = _DECODERS[member].decode(body.view(member))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return [blob for content in _contents(found) for part in content.parts or () for blob in _of(part)]


def _contents(found: list[_Content] | _Content | list[_Holder]) -> list[_Content]:
    if isinstance(found, _Content):
        return [found]
    each = (one.content if isinstance(one, _Holder) else one for one in found)
    return [content for content in each if content is not None]


def _of(part: _Part) -> list[_Blob]:
    return [blob for blob in (part.blob, part.inline_data) if blob is not None]


def _extra(blob: _Blob) -> int:
    """Return what an inline part adds to the size of the body it is in: mostly less than nothing."""
    size = len(memoryview(blob.data))
    kinds = [kind for kind in (blob.mime, blob.mime_type) if kind is not None]
    kind = kinds[0] if len(kinds) == 1 and isinstance(kinds[0], str) else ""
    family = kind.partition("/")[0].lower()
    if family == "image":
        return IMAGE_BYTES - size
    ratio = BYTES_PER_TOKEN.get(family) or BYTES_PER_TOKEN.get(kind)
    return MEDIA_BYTES + size // ratio - size if ratio else 0
