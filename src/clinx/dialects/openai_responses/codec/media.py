"""Pictures, recordings and files, both ways."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from clinx.canonical.content import Audio, File, Image, Inline, Part, Remote, Source, Uploaded
from clinx.dialects.openai_responses.endpoints import NAME

Wire: TypeAlias = Mapping[str, object]
"""A JSON object to be written."""

_PLAIN: Final = "text/plain"
_PDF: Final = "application/pdf"
_DATA: Final = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),", re.IGNORECASE)
_LONGEST_HEAD: Final = 300
_FORMATS: Final[Mapping[str, str]] = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"}


class _Recording(Struct, frozen=True):
    data: str
    format: str = "wav"


class MediaPart(Struct, frozen=True):
    """What a part of a message holds if it is no text."""

    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: _Recording | None = None


def read_media(kind: str, part: MediaPart) -> Part | None:
    """Return the picture, recording or file of a part of this type; None when it holds none."""
    if kind == "input_image":
        picture = _picture(part)
        return None if picture is None else Image(picture, part.detail)
    if kind == "input_file":
        document = _document(part)
        return None if document is None else File(document, part.filename)
    if kind == "input_audio" and part.input_audio is not None:
        return Audio(Inline(f"audio/{part.input_audio.format}", part.input_audio.data))
    return None


def _picture(part: MediaPart) -> Source | None:
    if part.image_url is not None:
        return _inline(part.image_url) or Remote(part.image_url)
    return None if part.file_id is None else Uploaded(NAME, part.file_id)


def _document(part: MediaPart) -> Source | None:
    if part.file_data is not None:
        return _inline(part.file_data) or Inline(_PDF, part.file_data)
    if part.file_url is not None:
        return Remote(part.file_url)
    return None if part.file_id is None else Uploaded(NAME, part.file_id)


def _inline(url: str) -> Inline | None:
    """Read a data URI; None for anything else. One that is not base64 is made it."""
    head = _DATA.match(url, 0, _LONGEST_HEAD)
    if head is None:
        return None
    media_type, data = head[1].strip().lower() or _PLAIN, url[head.end() :]
    if "base64" in head[2].lower():
        return Inline(media_type, data)
    return Inline(media_type, base64.b64encode(data.encode()).decode())


def write_media(part: Image | Audio | File) -> Wire | None:
    """Write a picture, recording or file of a user's; None when this format cannot say it."""
    match part:
        case Image():
            return _written_image(part)
        case Audio():
            return _written_recording(part)
        case File():
            return _written_file(part)


def _written_image(part: Image) -> Wire | None:
    detail = {"detail": part.detail or "auto"}
    match part.source:
        case Inline() as source:
            return {"type": "input_image", "image_url": _data_uri(source), **detail}
        case Remote() as source:
            return {"type": "input_image", "image_url": source.url, **detail}
        case Uploaded() as source:
            return {"type": "input_image", "file_id": source.id, **detail} if source.dialect == NAME else None


def _written_recording(part: Audio) -> Wire | None:
    if not isinstance(part.source, Inline):
        return None
    kind = part.source.media_type.partition("/")[2]
    return {"type": "input_audio", "input_audio": {"data": part.source.data, "format": _FORMATS.get(kind, kind)}}


def _written_file(part: File) -> Wire | None:
    source = part.source
    if isinstance(source, Uploaded):
        return {"type": "input_file", "file_id": source.id} if source.dialect == NAME else None
    if (source.media_type or "").startswith("video/"):
        return None
    if isinstance(source, Remote):
        return {"type": "input_file", "file_url": source.url}
    if (text := _plain_text(source)) is not None:
        return {"type": "input_text", "text": text}
    return {"type": "input_file", "filename": part.name or "file", "file_data": _data_uri(source)}


def _data_uri(source: Inline) -> str:
    return f"data:{source.media_type};base64,{source.data}"


def _plain_text(source: Inline) -> str | None:
    """Return the text of a file of plain text; None for other files."""
    if source.media_type != _PLAIN:
        return None
    try:
        return base64.b64decode(source.data).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None
