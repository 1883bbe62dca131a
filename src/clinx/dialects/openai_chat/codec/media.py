"""Pictures, recordings and files inside messages, both ways."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Raw, Struct

from clinx.canonical.content import Audio, CacheTtl, File, Image, Inline, Part, Remote, Source, Uploaded
from clinx.dialects.openai_chat.endpoints import NAME

Wire: TypeAlias = Mapping[str, object]
"""A JSON object to be written."""

PLAIN: Final = "text/plain"
_ANY: Final = "application/octet-stream"
_PDF: Final = "application/pdf"
_DATA: Final = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),", re.IGNORECASE)
_FORMATS: Final[Mapping[str, str]] = MappingProxyType({"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"})


class CacheControl(Struct, frozen=True):
    """A cache marker, in Anthropic's words, as clients of this format write it too."""

    ttl: str | None = None

    @property
    def kept(self) -> CacheTtl:
        """How long."""
        return "1h" if self.ttl == "1h" else "5m"


class _Url(Struct, frozen=True):
    url: str
    detail: str | None = None


class _Recording(Struct, frozen=True):
    data: str
    format: str = "wav"


class _File(Struct, frozen=True):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class MediaPart(Struct, frozen=True):
    """What a part of a message holds if it is no text."""

    image_url: _Url | str | None = None
    video_url: _Url | str | None = None
    input_audio: _Recording | None = None
    file: _File | None = None
    cache_control: CacheControl | None = None


def read_media(part: MediaPart) -> Part | None:
    """Return the picture, recording, video or file in a part; None when it holds none."""
    cache = part.cache_control.kept if part.cache_control else None
    if part.image_url is not None:
        address = _address(part.image_url)
        return Image(read_source(address.url), address.detail, cache)
    if part.video_url is not None:
        return File(_as_video(read_source(_address(part.video_url).url)), cache=cache)
    if part.input_audio is not None:
        inline = _inline(part.input_audio.data)
        return Audio(inline or Inline(f"audio/{part.input_audio.format}", part.input_audio.data), cache=cache)
    if part.file is not None:
        source = _file_source(part.file)
        return None if source is None else File(source, part.file.filename, cache)
    return None


def read_source(url: str) -> Source:
    """Return what an address stands for: the content itself if it is a data URI."""
    return _inline(url) or Remote(url)


def _address(given: _Url | str) -> _Url:
    return _Url(given) if isinstance(given, str) else given


def _as_video(source: Source) -> Source:
    return Remote(source.url, "video/*") if isinstance(source, Remote) else source


def _file_source(file: _File) -> Source | None:
    if file.file_id is not None:
        return Uploaded(NAME, file.file_id)
    if file.file_data is None:
        return None
    return _inline(file.file_data) or Inline(_PDF, file.file_data)


def _inline(url: str) -> Inline | None:
    """Read a data URI; None for anything else. One that is not base64 is made it."""
    head = _DATA.match(url, 0, 300)
    if head is None:
        return None
    media_type, data = head[1].strip().lower() or PLAIN, url[head.end() :]
    if "base64" in head[2].lower():
        return Inline(media_type, data)
    return Inline(media_type, base64.b64encode(unquote_to_bytes(data)).decode())


def plain_text(source: Source) -> str | None:
    """Return the text of an inline file of plain text; None for other files."""
    if not isinstance(source, Inline) or source.media_type != PLAIN:
        return None
    try:
        return base64.b64decode(source.data).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None


def write_url(source: Source) -> str | None:
    """Return an address for a source; None for one that was uploaded elsewhere."""
    match source:
        case Inline():
            return f"data:{source.media_type or _ANY};base64,{source.data}"
        case Remote():
            return source.url
        case Uploaded():
            return None


def write_image(image: Image) -> Wire | None:
    """Write a picture; None when it cannot be."""
    url = write_url(image.source)
    if url is None:
        return None
    detail = {"detail": image.detail} if image.detail else {}
    return {"type": "image_url", "image_url": {"url": url, **detail}}


def write_audio(audio: Audio) -> Wire | None:
    """Write a recording; None when it cannot be: only what is inline can."""
    if not isinstance(audio.source, Inline):
        return None
    kind = audio.source.media_type.partition("/")[2]
    return {
        "type": "input_audio",
        "input_audio": {"data": audio.source.data, "format": _FORMATS.get(kind, kind)},
    }


def write_file(file: File) -> Wire | None:
    """Write a file, a video, or a text; None when it cannot be."""
    source = file.source
    if isinstance(source, Uploaded):
        return {"type": "file", "file": {"file_id": source.id}} if source.dialect == NAME else None
    if (source.media_type or "").startswith("video/"):
        return {"type": "video_url", "video_url": {"url": write_url(source)}}
    if isinstance(source, Remote):
        return None
    if (text := plain_text(source)) is not None:
        return {"type": "text", "text": text}
    return {"type": "file", "file": {"filename": file.name or "file", "file_data": write_url(source)}}


def raw_of(value: object) -> Raw:
    """Return the JSON text of a decoded value."""
    return Raw(msgspec.json.encode(value))
