"""How many tokens a prompt is, by the vendor's rules, for when nobody reported usage. `size` is the quick bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from clinx.dialects.base import CountTokens
from clinx.dialects.body import JsonBody
from clinx.dialects.lenient import mapping, sequence
from clinx.dialects.openai.inputs import count_input
from clinx.dialects.prompts import count_bytes, count_text, decoded

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
    messages = [_count_message(mapping(message), count) for message in _elements(text)]
    return PER_ANSWER + (sum(messages) if messages else count_bytes(text, count)) + _count_schemas(body, count)


def count_complete(body: JsonBody, count: CountTokens) -> int:
    """Count the prompt of a text completion: strings, or tokens that were counted before."""
    suffix = body.raw("suffix") or b""
    return count_input(body, "prompt", count) + (count_input(body, "suffix", count) if suffix.startswith(b'"') else 0)


def _count_message(message: Mapping[str, object], count: CountTokens) -> int:
    tokens = PER_MESSAGE
    for name in ("role", "refusal", "tool_call_id", "reasoning_content"):
        tokens += count_text(message.get(name), count)
    if isinstance(name := message.get("name"), str):
        tokens += PER_NAME + count(name)
    content = message.get("content")
    tokens += count_text(content, count)
    tokens += sum(_count_part(mapping(part), count) for part in sequence(content))
    calls = [mapping(call).get("function") for call in sequence(message.get("tool_calls"))]
    for call in map(mapping, [*calls, message.get("function_call")]):
        tokens += count_text(call.get("name"), count) + count_text(call.get("arguments"), count)
    return tokens


def _count_part(part: Mapping[str, object], count: CountTokens) -> int:
    match part.get("type"):
        case "image_url":
            return IMAGE_LOW if mapping(part.get("image_url")).get("detail") == "low" else IMAGE
        case "input_audio":
            return RECORDING
        case "file":
            return FILE
        case _:
            return sum(count_text(text, count) for text in part.values())


def _count_schemas(body: JsonBody, count: CountTokens) -> int:
    """Count tool definitions and the like as the text they are written in, a little more for each tool."""
    schemas = [text for name in _SCHEMAS if (text := body.raw(name))]
    tools = sum(len(_elements(text)) for text in schemas)
    return PER_TOOL * tools + sum(count_bytes(text, count) for text in schemas)


def _elements(text: bytes) -> Sequence[object]:
    """Decode an array; empty for what is none, or cannot be read from here."""
    return sequence(decoded(text))
