from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from clinx.dialects.body import JsonBody
from clinx.dialects.inline import CROWDED_BYTE, MOST_MEDIA
from clinx.dialects.openai_chat.size import FILE_BYTES, MEDIA_BYTES, prompt_bytes

BASE64 = base64.b64encode(bytes(range(256)) * 200).decode()
DATA_URI = "data:image/png;base64," + BASE64


def body(**members: Any) -> JsonBody:
    return JsonBody.parse(json.dumps(members).encode())


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


@pytest.mark.parametrize(
    "members",
    [
        {"messages": user("Hi"), "documents": [{"text": "a long document"}], "metadata": {"a": "b"}, "model": "m"},
        {"messages": user({"type": "text", "text": '{"image_url": "escaped, so only text"}'})},
        {"messages": user({"type": "text", "text": "image_url and \u00fc and \\u006c"})},
        {"messages": user({"type": "text", "text": "file_id"}), "stop": ["video"]},
    ],
)
def test_every_byte_of_a_body_counts(members: Any) -> None:
    given = body(**members)

    assert prompt_bytes(given) == len(given.data)


@pytest.mark.parametrize(
    ("part", "flat"),
    [
        ({"type": "image_url", "image_url": {"url": DATA_URI}}, MEDIA_BYTES),
        ({"type": "image_url", "image_url": DATA_URI}, MEDIA_BYTES),
        (
            {"type": "image_url", "image_url": {"detail": "low", "url": "data:image/svg+xml;a=b;base64," + BASE64}},
            MEDIA_BYTES,
        ),
        ({"type": "video_url", "video_url": {"url": DATA_URI}}, MEDIA_BYTES),
        ({"type": "audio_url", "audio_url": {"url": DATA_URI}}, MEDIA_BYTES),
        ({"type": "file", "file": {"filename": "a.pdf", "file_data": DATA_URI}}, FILE_BYTES),
        ({"type": "input_audio", "input_audio": {"data": BASE64, "format": "wav"}}, MEDIA_BYTES),
        ({"type": "input_audio", "input_audio": {"format": "wav", "data": BASE64}}, MEDIA_BYTES),
    ],
)
def test_inline_media_counts_flat_instead_of_its_own_size(part: Any, flat: int) -> None:
    given = body(messages=user(part, part), model="m")

    assert prompt_bytes(given) == len(given.data) + 2 * (flat - len(BASE64))


@pytest.mark.parametrize(
    ("part", "flat"),
    [
        ({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, MEDIA_BYTES),
        ({"type": "input_image", "image_url": "https://example.com/a.png"}, MEDIA_BYTES),
        ({"image_url": "https://example.com/a.png"}, MEDIA_BYTES),
        ({"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}, MEDIA_BYTES),
        ({"type": "video", "video": ["https://example.com/1.png"]}, MEDIA_BYTES),
        ({"type": "file", "file": {"file_id": "file-1"}}, FILE_BYTES),
        ({"type": "input_file", "file_url": "https://example.com/a.pdf"}, FILE_BYTES),
    ],
)
def test_media_by_address_counts_more_than_its_few_bytes(part: Any, flat: int) -> None:
    given = body(messages=user(part, "Hi", part))
    spaced = JsonBody.parse(given.data.replace(b": ", b"\t:\n "))

    assert prompt_bytes(given) == len(given.data) + 2 * flat
    assert prompt_bytes(spaced) == len(spaced.data) + 2 * flat


@pytest.mark.parametrize("hidden", [r"image\u005furl", r"image_\u0075rl", r"\u0069mage_u\u0072l", r"image_ur\u006C"])
def test_media_is_not_hidden_by_escapes(hidden: str) -> None:
    given = JsonBody.parse(f'{{"messages":[{{"content":[{{"{hidden}":"https://a"}}]}}]}}'.encode())

    assert prompt_bytes(given) >= len(given.data) + MEDIA_BYTES


def test_a_slash_may_be_written_with_a_backslash() -> None:
    text = json.dumps({"messages": user({"type": "image_url", "image_url": {"url": DATA_URI}})}).replace("/", "\\/")
    given = JsonBody.parse(text.encode())

    assert prompt_bytes(given) < MEDIA_BYTES + 200


@pytest.mark.parametrize(
    ("part", "flat"),
    [
        ({"type": "text", "text": DATA_URI}, 0),
        ({"type": "text", "text": '"image_url":"' + DATA_URI}, 0),
        ({"type": "text", "text": '{"input_audio":{"data":"' + BASE64}, 0),
        ({"type": "text", "url": DATA_URI}, 0),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64," + "not base64 " * 1000}}, MEDIA_BYTES),
        ({"type": "image_url", "image_url": {"url": "data:;base64," + "A" * 5000 + " " + "A" * 5000}}, MEDIA_BYTES),
        ({"type": "image_url", "image_url": {"url": "https://example.com/;base64," + BASE64}}, MEDIA_BYTES),
    ],
    ids=["text", "text with a name", "text like a recording", "another place", "no base64", "a space", "an address"],
)
def test_what_only_looks_like_inline_media_counts_in_full(part: Any, flat: int) -> None:
    given = body(messages=user(part))

    assert prompt_bytes(given) == len(given.data) + flat


def test_inline_media_outside_messages_counts_in_full() -> None:
    given = body(messages=user("Hi"), tools=[{"image_url": DATA_URI}])

    assert prompt_bytes(given) == len(given.data) + MEDIA_BYTES


def test_inline_media_of_a_body_that_names_something_twice_counts_in_full() -> None:
    part = json.dumps(user({"type": "image_url", "image_url": {"url": DATA_URI}})).encode()
    given = JsonBody.parse(b'{"messages":' + part + b',"messages":' + part + b"}")

    assert prompt_bytes(given) == len(given.data) + 2 * MEDIA_BYTES


def test_media_of_all_kinds_together_is_found() -> None:
    recording = {"type": "input_audio", "input_audio": {"data": BASE64, "format": "wav"}}
    image = {"type": "image_url", "image_url": {"url": DATA_URI}}
    given = body(model="m", messages=user(recording, image, image, image, recording, {"file": {"file_id": "f"}}))

    assert prompt_bytes(given) == len(given.data) + 5 * (MEDIA_BYTES - len(BASE64)) + FILE_BYTES


def test_more_media_than_anybody_sends_counts_more_than_it_can_be() -> None:
    part = b',{"image_url":"u"}'
    given = JsonBody.parse(b'{"messages":[{"content":[0' + part * (MOST_MEDIA + 50) + b"]}]}")

    assert prompt_bytes(given) > len(given.data) + MOST_MEDIA * MEDIA_BYTES + 49 * len(part) * CROWDED_BYTE
