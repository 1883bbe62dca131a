from __future__ import annotations

import pytest

from clinx.canonical.content import Audio, File, Image, Inline, Remote, Uploaded
from clinx.dialects.gemini.codec.media import Blob, read_blob, write_media

FILE = "https://generativelanguage.googleapis.com/v1beta/files/abc"


@pytest.mark.parametrize(
    ("blob", "part"),
    [
        (Blob("image/png", "QUJD"), Image(Inline("image/png", "QUJD"))),
        (Blob("Audio/MP3; rate=1", "QUJD"), Audio(Inline("audio/mp3", "QUJD"))),
        (Blob("application/pdf", "QUJD"), File(Inline("application/pdf", "QUJD"))),
        (Blob(None, "QUJD"), File(Inline("application/octet-stream", "QUJD"))),
        (Blob("image/png", "-_A\n"), Image(Inline("image/png", "+/A"))),
        (Blob("image/png", None, "https://x.example/a.png"), Image(Remote("https://x.example/a.png", "image/png"))),
        (Blob(None, None, "https://youtu.be/x"), File(Remote("https://youtu.be/x"))),
        (Blob("image/png", None, FILE), Image(Uploaded("gemini", FILE))),
        (Blob("video/mp4", None, "gs://b/film.mp4"), File(Uploaded("gemini", "gs://b/film.mp4"))),
        (Blob("image/png"), None),
    ],
)
def test_media_is_read_by_its_type(blob: Blob, part: object) -> None:
    assert read_blob(blob) == part


@pytest.mark.parametrize(
    ("part", "written"),
    [
        (Image(Inline("image/png", "QUJD")), {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}),
        (File(Inline("", "QUJD")), {"inlineData": {"mimeType": "application/octet-stream", "data": "QUJD"}}),
        (Audio(Remote("https://x/a", "audio/ogg")), {"fileData": {"mimeType": "audio/ogg", "fileUri": "https://x/a"}}),
        (Image(Uploaded("gemini", FILE)), {"fileData": {"fileUri": FILE}}),
        (Image(Uploaded("openai_chat", "file-1")), None),
        (Audio(None, "said"), None),
    ],
)
def test_media_is_written(part: Image | Audio | File, written: object) -> None:
    assert write_media(part) == written


@pytest.mark.parametrize(
    ("part", "media_type"),
    [
        (Image(Remote("https://x/a.PNG?size=1")), "image/png"),
        (Image(Remote("https://x/a")), "image/jpeg"),
        (Image(Remote("https://x/a.unknown")), "image/jpeg"),
        (Audio(Remote("https://x/a.mp3")), "audio/mp3"),
        (Audio(Remote("https://x/a")), "audio/wav"),
        (File(Remote("https://x/a", "video/*")), "video/mp4"),
        (File(Remote("https://x/a.webm", "video/*")), "video/webm"),
        (File(Remote("https://x/a")), "application/pdf"),
    ],
)
def test_a_type_that_nobody_said_is_guessed_from_the_address(part: Image | Audio | File, media_type: str) -> None:
    written = write_media(part)

    assert written is not None
    assert written["fileData"] == {"mimeType": media_type, "fileUri": getattr(part.source, "url", None)}
