from __future__ import annotations

import base64
from typing import Any

import pytest
from msgspec import convert

from clinx.canonical.content import Audio, File, Image, Inline, Part, Remote, Uploaded
from clinx.dialects.openai_responses.codec.media import MediaPart, read_media, write_media

NAME = "openai_responses"


@pytest.mark.parametrize(
    ("wire", "part"),
    [
        (
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
            Image(Inline("image/png", "AAAA"), "low"),
        ),
        ({"type": "input_image", "image_url": "https://x", "detail": "auto"}, Image(Remote("https://x"), "auto")),
        ({"type": "input_image", "file_id": "file_1", "detail": "high"}, Image(Uploaded(NAME, "file_1"), "high")),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
            File(Inline("application/pdf", "AAAA"), "a.pdf"),
        ),
        ({"type": "input_file", "file_url": "https://x"}, File(Remote("https://x"))),
        ({"type": "input_file", "file_id": "file_1"}, File(Uploaded(NAME, "file_1"))),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, Audio(Inline("audio/wav", "AAAA"))),
    ],
)
def test_media_go_both_ways(wire: dict[str, Any], part: Image | Audio | File) -> None:
    assert read_media(wire["type"], convert(wire, MediaPart)) == part
    assert write_media(part) == wire


@pytest.mark.parametrize(
    ("kind", "wire", "part"),
    [
        ("input_image", {"image_url": "data:,a%20b"}, Image(Inline("text/plain", "YSUyMGI="))),
        ("input_file", {"file_data": "AAAA"}, File(Inline("application/pdf", "AAAA"))),
        ("input_image", {}, None),
        ("input_file", {}, None),
        ("input_audio", {}, None),
        ("other", {"image_url": "https://x"}, None),
    ],
)
def test_what_is_read_leniently(kind: str, wire: dict[str, Any], part: Part | None) -> None:
    assert read_media(kind, convert(wire, MediaPart)) == part


def test_plain_text_is_text_and_mp3_has_its_name() -> None:
    text = base64.b64encode(b"Hello").decode()

    assert write_media(File(Inline("text/plain", text))) == {"type": "input_text", "text": "Hello"}
    assert write_media(Audio(Inline("audio/mpeg", "AA"))) == {
        "type": "input_audio",
        "input_audio": {"data": "AA", "format": "mp3"},
    }


@pytest.mark.parametrize(
    "part",
    [
        Image(Uploaded("anthropic", "x")),
        File(Uploaded("anthropic", "x")),
        File(Inline("video/mp4", "AA")),
        File(Remote("https://x", "video/*")),
        Audio(Remote("https://x")),
        Audio(None, id="a"),
    ],
)
def test_what_cannot_be_said_is_none(part: Image | Audio | File) -> None:
    assert write_media(part) is None
