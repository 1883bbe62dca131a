"""How many tokens a prompt is, about, for when nobody else says. `size` is the quick bound."""

from __future__ import annotations

from typing import Final

from clinx.dialects.base import CountTokens
from clinx.dialects.body import JsonBody
from clinx.dialects.google import names
from clinx.dialects.google.parts import count_parts
from clinx.dialects.lenient import mapping, sequence
from clinx.dialects.prompts import count_bytes, decoded
from clinx.errors import InvalidRequest

PER_CONTENT: Final = 2
PER_TOOL: Final = 8


def count_prompt(body: JsonBody, count: CountTokens) -> int:
    """Count the prompt: instructions, each content's parts, and the tools' definitions."""
    try:
        body = names.members_of(body, "generateContentRequest") or body
    except InvalidRequest:
        return count_bytes(body.data, count)
    tokens = _count_schemas(body, count)
    for name in ("systemInstruction", "contents"):
        text = body.raw(names.spelled(body, name))
        if text is not None:
            tokens += _count_member(text, count)
    return tokens


def _count_member(text: bytes, count: CountTokens) -> int:
    value = decoded(text)
    if value is None:
        return count_bytes(text, count)
    items = sequence(value)
    each = items if isinstance(value, list) else [value]
    return sum(PER_CONTENT + count_parts(mapping(content), count) for content in each)


def _count_schemas(body: JsonBody, count: CountTokens) -> int:
    """Count definitions of tools as the text they are written in, a little more for each tool."""
    text = body.raw("tools") or b""
    return PER_TOOL * text.count(b'"name"') + count_bytes(text, count)
