"""How big a prompt is: in bytes, quickly, for a hold; in tokens, by the vendor's rules, when nobody reported usage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from clinx.dialects import lenient
from clinx.dialects.base import CountTokens
from clinx.dialects.body import JsonBody

MEDIA_BYTES: Final = 6 * 1024
"""What an inline image, recording or file counts instead of its own size."""

MOST_MEDIA: Final = 512
"""The most images, and recordings, that are looked for; any more count in full."""

_TEXTS: Final = ("messages", "prompt", "suffix")
_SCHEMAS: Final = ("tools", "functions", "response_format")
_IN_URI: Final = b";base64,"
_IN_RECORDING: Final = b'"input_audio"'
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-\\"
"""The backslash is for those who write a slash as ``\\/``."""
_DATA_URI: Final = re.compile(rb'"(?:url|image_url|file_data)"\s*:\s*"data:(?:[^"\\]|\\/){0,200}\Z')
_RECORDING: Final = re.compile(rb'"input_audio"\s*:\s*\{\s*(?:"format"\s*:\s*"[^"\\]{0,20}"\s*,\s*)?"data"\s*:\s*"')
_LOOK_BACK: Final = 256

PER_MESSAGE: Final = 3
PER_NAME: Final = 1
PER_ANSWER: Final = 3
"""The answer is primed with a few tokens, once."""
PER_TOOL: Final = 8
IMAGE_LOW: Final = 85
IMAGE: Final = 765
"""A square picture of 1,024 pixels; the size of others is not looked at."""
RECORDING: Final = 100
FILE: Final = 5000


def prompt_bytes(body: JsonBody) -> int:
    """Return the size of all that becomes prompt, in bytes of JSON: never fewer than its tokens.

    Inline media in messages counts `MEDIA_BYTES` each, if it is where media belongs and looks like base64; so a text
    that only resembles a data URI keeps its full size.
    """
    size = sum(len(body.view(name)) for name in _TEXTS + _SCHEMAS)
    if body.data.rfind(_IN_URI) < 0 and body.data.rfind(_IN_RECORDING) < 0:
        return size
    return size - sum(max(0, length - MEDIA_BYTES) for length in _media(body.raw("messages") or b""))


def _media(text: bytes) -> Iterator[int]:
    """Find inline media; give the length of each.

    Every step is a search in C, and backwards: in long texts CPython's `rfind` takes a quarter of the time of `find`.
    """
    for marker in _places(text, _IN_URI):
        if _DATA_URI.search(text, max(0, marker - _LOOK_BACK), marker):
            yield _base64_length(text, marker + len(_IN_URI))
    for marker in _places(text, _IN_RECORDING):
        if recording := _RECORDING.match(text, marker):
            yield _base64_length(text, recording.end())


def _places(text: bytes, needle: bytes) -> Iterator[int]:
    """Find the last `MOST_MEDIA` places of a needle; any before them are not worth the time a hostile text may cost."""
    place = len(text)
    for _ in range(MOST_MEDIA):
        place = text.rfind(needle, 0, place)
        if place < 0:
            return
        yield place


def _base64_length(text: bytes, start: int) -> int:
    """Return the length of the string that goes on at ``start``; 0 if it is not all base64."""
    content = text[start : text.find(b'"', start)]
    return 0 if content.translate(None, _BASE64) else len(content)


def count_chat(body: JsonBody, count: CountTokens) -> int:
    """Count the prompt of a chat: each message's role, name, text, calls and media, and the tools' definitions."""
    text = body.raw("messages") or b""
    messages = [_count_message(_mapping(message), count) for message in _elements(text)]
    return PER_ANSWER + (sum(messages) if messages else _count_bytes(text, count)) + _count_schemas(body, count)


def count_complete(body: JsonBody, count: CountTokens) -> int:
    """Count the prompt of a text completion: strings, or tokens that were counted before."""
    suffix = body.raw("suffix") or b""
    return count_input(body, "prompt", count) + (count_input(body, "suffix", count) if suffix.startswith(b'"') else 0)


def count_input(body: JsonBody, name: str, count: CountTokens) -> int:
    """Count a member that holds a string, an array of strings, of tokens, or of arrays of tokens."""
    return _count_input(lenient.decode(body.view(name)), count)


def _count_input(value: object, count: CountTokens) -> int:
    if isinstance(value, str):
        return count(value)
    if isinstance(value, list):
        return sum(_count_input(element, count) for element in cast("list[object]", value))
    return 1


def _count_message(message: Mapping[str, object], count: CountTokens) -> int:
    tokens = PER_MESSAGE
    for name in ("role", "refusal", "tool_call_id", "reasoning_content"):
        tokens += _count_text(message.get(name), count)
    if isinstance(name := message.get("name"), str):
        tokens += PER_NAME + count(name)
    content = message.get("content")
    tokens += _count_text(content, count)
    tokens += sum(_count_part(_mapping(part), count) for part in _sequence(content))
    calls = [_mapping(call).get("function") for call in _sequence(message.get("tool_calls"))]
    for call in map(_mapping, [*calls, message.get("function_call")]):
        tokens += _count_text(call.get("name"), count) + _count_text(call.get("arguments"), count)
    return tokens


def _count_part(part: Mapping[str, object], count: CountTokens) -> int:
    match part.get("type"):
        case "image_url":
            return IMAGE_LOW if _mapping(part.get("image_url")).get("detail") == "low" else IMAGE
        case "input_audio":
            return RECORDING
        case "file":
            return FILE
        case _:
            return sum(_count_text(text, count) for text in part.values())


def _count_schemas(body: JsonBody, count: CountTokens) -> int:
    """Count tool definitions and the like as the text they are written in, a little more for each tool."""
    schemas = [text for name in _SCHEMAS if (text := body.raw(name))]
    tools = sum(len(_elements(text)) for text in schemas)
    return PER_TOOL * tools + sum(_count_bytes(text, count) for text in schemas)


def _count_bytes(text: bytes, count: CountTokens) -> int:
    return count(text.decode("utf-8", "replace"))


def _elements(text: bytes) -> Sequence[object]:
    """Decode an array; empty for what is none, or nests deeper than the decoder goes from here."""
    try:
        return _sequence(lenient.decode(text))
    except ValueError:
        return ()


def _count_text(value: object, count: CountTokens) -> int:
    return count(value) if isinstance(value, str) else 0


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _sequence(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, list) else ()
