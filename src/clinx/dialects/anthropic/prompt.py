"""How many tokens a prompt is, about, for when nobody else says. `size` is the quick bound."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from clinx.dialects.base import CountTokens
from clinx.dialects.body import JsonBody
from clinx.dialects.lenient import mapping, sequence
from clinx.dialects.prompts import count_bytes, decoded

DEEPEST: Final = 8
"""Blocks inside blocks: a document of parts in the result of a tool is three."""

PER_MESSAGE: Final = 3
PER_ANSWER: Final = 3
"""The answer is primed with a few tokens, once."""
PER_TOOL: Final = 8
TOOLS: Final = 340
"""What the vendor tells the model of how to use tools, once."""
IMAGE: Final = 1600
DOCUMENT: Final = 5000

_UNREAD: Final = frozenset({"type", "signature", "data", "id", "tool_use_id", "content", "encrypted_content"})
"""Members of blocks that are no part of the prompt's text."""
_MEDIA: Final = (("image", IMAGE), ("document", DOCUMENT))


def count_prompt(body: JsonBody, count: CountTokens) -> int:
    """Count the prompt: system, each message's blocks, and the tools' definitions."""
    tokens = PER_ANSWER + _count_member(body, "system", count)
    text = body.raw("messages") or b""
    messages = decoded(text)
    each = sequence(messages)
    if not isinstance(messages, list):
        return tokens + count_bytes(text, count) + _count_tools(body, count)
    for message in each:
        tokens += PER_MESSAGE + _count_content(mapping(message).get("content"), count, DEEPEST)
    return tokens + _count_tools(body, count)


def _count_member(body: JsonBody, name: str, count: CountTokens) -> int:
    text = body.raw(name)
    value = None if text is None else decoded(text)
    return count_bytes(text or b"", count) if value is None else _count_content(value, count, DEEPEST)


def _count_content(content: object, count: CountTokens, depth: int) -> int:
    """Count a text, or blocks."""
    if isinstance(content, str):
        return count(content)
    if not depth:
        return 0
    return sum(_count_block(mapping(block), count, depth - 1) for block in sequence(content))


def _count_block(block: Mapping[str, object], count: CountTokens, depth: int) -> int:
    flat = next((tokens for kind, tokens in _MEDIA if block.get("type") == kind), 0)
    source = mapping(block.get("source"))
    if source.get("type") in ("text", "content"):
        flat = _count_content(source.get("data") or source.get("content"), count, depth)
    tokens = flat + _count_content(block.get("content"), count, depth)
    for name, value in block.items():
        if isinstance(value, str) and name not in _UNREAD:
            tokens += count(value)
    return tokens + (count(json.dumps(block["input"], ensure_ascii=False)) if "input" in block else 0)


def _count_tools(body: JsonBody, count: CountTokens) -> int:
    text = body.raw("tools") or b""
    tools = len(sequence(decoded(text))) if text else 0
    return (TOOLS + PER_TOOL * tools + count_bytes(text, count)) if tools else count_bytes(text, count)
