"""Pictures, recordings and files inside contents, both ways."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec import Struct

from clinx.canonical.content import Audio, File, Image, Inline, Remote, Source, Uploaded
from clinx.dialects.gemini.endpoints import NAME

Wire: TypeAlias = Mapping[str, object]
"""A JSON object to be written."""

_ANY: Final = "application/octet-stream"
_FILES: Final = re.compile(r"gs://|https://generativelanguage\.googleapis\.com/|files/")
"""How the address of something begins that was uploaded to the vendor."""
_ENDING: Final = re.compile(r"\.([a-zA-Z0-9]{2,4})(?:[?#]|$)")
_BY_ENDING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "png": "image/png",
        "webp": "image/webp",
        "gif": "image/gif",
        "heic": "image/heic",
        "mp3": "audio/mp3",
        "ogg": "audio/ogg",
        "flac": "audio/flac",
        "mp4": "video/mp4",
        "mov": "video/quicktime",
        "webm": "video/webm",
        "pdf": "application/pdf",
        "txt": "text/plain",
    }
)
_URL_SAFE: Final = str.maketrans("-_", "+/", " \t\r\n")


class Blob(Struct, frozen=True, rename="camel"):
    """Content in a part, or behind its address."""

    mime_type: str | None = None
    data: str | None = None
    file_uri: str | None = None


def read_blob(blob: Blob) -> Image | Audio | File | None:
    """Return the picture, recording or file; None when there is neither content nor an address."""
    media_type = (blob.mime_type or "").partition(";")[0].strip().lower()
    source = _source(blob, media_type)
    if source is None:
        return None
    match media_type.partition("/")[0]:
        case "image":
            return Image(source)
        case "audio":
            return Audio(source)
        case _:
            return File(source)


def _source(blob: Blob, media_type: str) -> Source | None:
    if blob.data is not None:
        return Inline(media_type or _ANY, blob.data.translate(_URL_SAFE))
    if blob.file_uri is None:
        return None
    return Uploaded(NAME, blob.file_uri) if _FILES.match(blob.file_uri) else Remote(blob.file_uri, media_type or None)


def write_media(part: Image | Audio | File) -> Wire | None:
    """Write a picture, recording or file; None when it cannot be: it was uploaded to somebody else."""
    match part.source:
        case Inline():
            return {"inlineData": {"mimeType": part.source.media_type or _ANY, "data": part.source.data}}
        case Remote():
            return {"fileData": {"mimeType": _media_type(part, part.source), "fileUri": part.source.url}}
        case Uploaded():
            return {"fileData": {"fileUri": part.source.id}} if part.source.dialect == NAME else None
        case None:
            return None


def _media_type(part: Image | Audio | File, source: Remote) -> str:
    """Return the media type of what is behind an address; the vendor wants to be told."""
    if source.media_type is not None and not source.media_type.endswith("*"):
        return source.media_type
    ending = _ENDING.search(source.url)
    guessed = _BY_ENDING.get(ending[1].lower()) if ending else None
    if guessed is not None:
        return guessed
    if isinstance(part, Image):
        return "image/jpeg"
    if isinstance(part, Audio):
        return "audio/wav"
    return "video/mp4" if source.media_type == "video/*" else "application/pdf"
