"""How many tokens a prompt is, about, for when nobody else says. `size` is the quick bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clinx.dialects.base import CountTokens
from clinx.dialects.body import JsonBody
from clinx.dialects.lenient import mapping, sequence
from clinx.dialects.prompts import count_bytes, count_text, decoded

PER_ITEM: Final = 3
PER_ANSWER: Final = 3
"""The answer is primed with a few tokens, once."""
PER_TOOL: Final = 8
IMAGE_LOW: Final = 85
IMAGE: Final = 765
"""A square picture of 1,024 pixels; the size of others is not looked at."""
RECORDING: Final = 100
FILE: Final = 5000

_READ: Final = ("role", "name", "arguments", "input", "text", "refusal")
_LISTS: Final = ("content", "output", "summary")


def count_prompt(body: JsonBody, count: CountTokens) -> int:
    """Count the prompt: instructions, each item's texts, calls and media, and the tools' definitions.

    What is stored at the vendor is not known here and not counted.
    """
    return (
        PER_ANSWER
        + _count_member(body, "instructions", count)
        + _count_member(body, "input", count)
        + _count_schemas(body, count)
    )


def _count_member(body: JsonBody, name: str, count: CountTokens) -> int:
    text = body.raw(name)
    value = None if text is None else decoded(text)
    if isinstance(value, str):
        return PER_ITEM + count(value)
    items = sequence(value)
    if isinstance(value, list):
        return sum(PER_ITEM + _count_item(mapping(item), count) for item in items)
    return count_bytes(text or b"", count)


def _count_item(item: Mapping[str, object], count: CountTokens) -> int:
    tokens = sum(count_text(item.get(name), count) for name in _READ)
    for name in _LISTS:
        value = item.get(name)
        tokens += count_text(value, count)
        tokens += sum(_count_part(mapping(part), count) for part in sequence(value))
    return tokens


def _count_part(part: Mapping[str, object], count: CountTokens) -> int:
    match part.get("type"):
        case "input_image":
            return IMAGE_LOW if part.get("detail") == "low" else IMAGE
        case "input_audio":
            return RECORDING
        case "input_file":
            return FILE
        case _:
            return sum(count_text(part.get(name), count) for name in _READ)


def _count_schemas(body: JsonBody, count: CountTokens) -> int:
    """Count tool definitions and the form of the answer as the text they are written in."""
    tools = body.raw("tools") or b""
    form = body.raw("text") or b""
    number = len(sequence(decoded(tools))) if tools else 0
    return PER_TOOL * number + count_bytes(tools, count) + count_bytes(form, count)
