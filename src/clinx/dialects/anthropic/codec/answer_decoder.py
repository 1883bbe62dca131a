"""A whole answer to canonical, leniently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import msgspec
from msgspec import Raw

from clinx.canonical.content import Part, Signature, Text, Thinking, ToolCall, Unknown
from clinx.canonical.response import ChatResponse, Choice, settled
from clinx.dialects import lenient
from clinx.dialects.anthropic.codec.citations import read_citations
from clinx.dialects.anthropic.codec.reports import decode_finish
from clinx.dialects.anthropic.endpoints import NAME
from clinx.dialects.anthropic.usage import read_usage
from clinx.dialects.lenient import text_in


def decode_answer(body: bytes) -> ChatResponse:
    """Read a message.

    Raises:
        UpstreamBroken: it is no JSON object.
    """
    with lenient.reading_answer():
        message = lenient.object_in(lenient.decode_clean(body))
    parts = tuple(_parts(message.get("content")))
    reason = message.get("stop_reason")
    choice = Choice(
        parts,
        settled(decode_finish(reason), parts),
        text_in(reason) or None,
        text_in(message.get("stop_sequence")) or None,
    )
    usage = read_usage(message.get("usage"))
    return ChatResponse(text_in(message.get("id")), text_in(message.get("model")), (choice,), usage)


def _parts(content: object) -> Iterator[Part]:
    for block in cast("list[object]", content) if isinstance(content, list) else ():
        if isinstance(block, dict):
            yield decode_part(cast("Mapping[str, object]", block))


def decode_part(block: Mapping[str, object]) -> Part:
    """Read a block of an answer; of an unknown kind it stays as it is."""
    match block.get("type"):
        case "text":
            return Text(text_in(block.get("text")), citations=read_citations(block.get("citations")))
        case "thinking":
            return Thinking(text_in(block.get("thinking")), signature_in(block.get("signature")))
        case "redacted_thinking":
            return Thinking("", redacted=signature_in(block.get("data")))
        case "tool_use":
            return ToolCall(text_in(block.get("id")), text_in(block.get("name")), _arguments(block.get("input")))
        case _:
            return Unknown(NAME, Raw(msgspec.json.encode(block)))


def signature_in(value: object) -> Signature | None:
    """Return what proves a thought; None if there is nothing."""
    return Signature(NAME, value) if isinstance(value, str) and value else None


def _arguments(given: object) -> str:
    """Return the arguments as text; some vendors send them as text."""
    if isinstance(given, str):
        return given
    return msgspec.json.encode(given).decode() if isinstance(given, dict) else ""
