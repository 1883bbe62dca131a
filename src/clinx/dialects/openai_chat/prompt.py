"""How many tokens a prompt is, by the vendor's rules, for when nobody reported usage. `size` is the quick bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from clinx.dialects import lenient
from clinx.dialects.base import CountTokens
from clinx.dialects.body import JsonBody

MOST_COMMAS: Final = 1_000_000
MOST_BRACKETS: Final = 250_000
"""An array with more than these is counted as the text it is: to take it apart would take gigabytes."""

_SCHEMAS: Final = ("tools", "functions", "response_format")

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
    """Count a member that holds a string, an array of strings, of tokens, or of non-empty arrays of tokens."""
    text = body.raw(name) or b""
    if b'"' not in text:
        return text.count(b",") + 1
    value = lenient.decode(text)
    return sum(_count_text(each, count) for each in (_sequence(value) or [value]))


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
    """Decode an array; empty for what is none, nests deeper than the decoder goes from here, or is absurdly dense."""
    if text.count(b",") > MOST_COMMAS or text.count(b"{") + text.count(b"[") > MOST_BRACKETS:
        return ()
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
