from __future__ import annotations

import base64

import pytest
from msgspec import Raw
from msgspec.json import Decoder

from clinx.canonical.content import Audio, File, Image, Inline, Part, Remote, Source, Uploaded
from clinx.dialects import members
from clinx.dialects.openai_chat.codec.media import (
    MediaPart,
    plain_text,
    raw_of,
    read_media,
    read_source,
    write_audio,
    write_file,
    write_image,
    write_url,
)

PART = Decoder(MediaPart)


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://pictures.test/1.png", Remote("https://pictures.test/1.png")),
        ("data:image/png;base64,AAAA", Inline("image/png", "AAAA")),
        ("DATA:Image/PNG;charset=x;BASE64,AAAA", Inline("image/png", "AAAA")),
        ("data:,hi%20", Inline("text/plain", base64.b64encode(b"hi ").decode())),
        ("data:image/png;base64", Remote("data:image/png;base64")),
    ],
)
def test_a_data_uri_is_the_content_itself(url: str, source: Source) -> None:
    assert read_source(url) == source


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('{"image_url":{"url":"u","detail":"low"}}', Image(Remote("u"), "low")),
        ('{"image_url":"u","cache_control":{"type":"ephemeral"}}', Image(Remote("u"), cache="5m")),
        ('{"video_url":{"url":"u"}}', File(Remote("u", "video/*"))),
        ('{"video_url":"data:video/mp4;base64,AA=="}', File(Inline("video/mp4", "AA=="))),
        ('{"input_audio":{"data":"AAAA","format":"mp3"}}', Audio(Inline("audio/mp3", "AAAA"))),
        ('{"input_audio":{"data":"data:audio/ogg;base64,AAAA"}}', Audio(Inline("audio/ogg", "AAAA"))),
        ('{"file":{"file_id":"file-1"}}', File(Uploaded("openai_chat", "file-1"))),
        (
            '{"file":{"file_data":"data:text/csv;base64,AAAA","filename":"a.csv"},"cache_control":{"ttl":"1h"}}',
            File(Inline("text/csv", "AAAA"), "a.csv", "1h"),
        ),
        ('{"file":{"file_data":"AAAA"}}', File(Inline("application/pdf", "AAAA"))),
        ('{"file":{}}', None),
        ("{}", None),
    ],
)
def test_media_are_read(text: str, part: Part | None) -> None:
    assert read_media(members.decoded(Raw(text.encode()), "part", PART)) == part


def test_sources_have_addresses_unless_they_were_uploaded_elsewhere() -> None:
    assert write_url(Inline("image/png", "AAAA")) == "data:image/png;base64,AAAA"
    assert write_url(Inline("", "AAAA")) == "data:application/octet-stream;base64,AAAA"
    assert write_url(Remote("u")) == "u"
    assert write_url(Uploaded("gemini", "f")) is None


def test_pictures_are_written() -> None:
    assert write_image(Image(Remote("u"), "high")) == {"type": "image_url", "image_url": {"url": "u", "detail": "high"}}
    assert write_image(Image(Remote("u"))) == {"type": "image_url", "image_url": {"url": "u"}}
    assert write_image(Image(Uploaded("gemini", "f"))) is None


@pytest.mark.parametrize(("kind", "written"), [("audio/mpeg", "mp3"), ("audio/x-wav", "wav"), ("audio/flac", "flac")])
def test_recordings_are_written(kind: str, written: str) -> None:
    audio = Audio(Inline(kind, "AAAA"))

    assert write_audio(audio) == {"type": "input_audio", "input_audio": {"data": "AAAA", "format": written}}


def test_a_recording_elsewhere_cannot_be_written() -> None:
    assert write_audio(Audio(Remote("u"))) is None
    assert write_audio(Audio(None)) is None


@pytest.mark.parametrize(
    ("file", "written"),
    [
        (File(Uploaded("openai_chat", "f")), {"type": "file", "file": {"file_id": "f"}}),
        (File(Uploaded("anthropic", "f")), None),
        (File(Remote("u", "video/*")), {"type": "video_url", "video_url": {"url": "u"}}),
        (File(Remote("u", "application/pdf")), None),
        (File(Remote("u")), None),
        (File(Inline("text/plain", "aGk=")), {"type": "text", "text": "hi"}),
        (
            File(Inline("application/pdf", "AAAA"), "a.pdf"),
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        ),
        (
            File(Inline("text/plain", "A"), None),
            {"type": "file", "file": {"filename": "file", "file_data": "data:text/plain;base64,A"}},
        ),
    ],
)
def test_files_are_written(file: File, written: object) -> None:
    assert write_file(file) == written


def test_only_plain_text_has_text() -> None:
    assert plain_text(Inline("text/plain", "aMO8")) == "hü"
    assert plain_text(Inline("text/plain", "/w==")) == "�"
    assert plain_text(Inline("text/csv", "aGk=")) is None
    assert plain_text(Remote("u")) is None


def test_a_value_has_its_text() -> None:
    assert raw_of({"a": 1}) == Raw(b'{"a":1}')
