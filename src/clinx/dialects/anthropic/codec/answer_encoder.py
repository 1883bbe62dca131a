"""Canonical to a whole answer of this format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import msgspec
from msgspec import Raw

from clinx.canonical.content import (
    Audio,
    File,
    Image,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
    as_object,
)
from clinx.canonical.response import ChatResponse, Choice
from clinx.dialects.anthropic.codec.citations import write_citations
from clinx.dialects.anthropic.codec.reports import encode_finish, encode_usage
from clinx.dialects.anthropic.endpoints import NAME
from clinx.dialects.base import Answering, Encoded, Loss
from clinx.dialects.losses import UNCITED, harmless, severe

Block: TypeAlias = Mapping[str, object] | Raw


def encode_answer(response: ChatResponse, answering: Answering) -> Encoded:
    """Write a message; of several answers the first."""
    choice = response.choices[0] if response.choices else Choice(())
    losses: list[Loss] = []
    message = {
        **encode_head(response.id, answering),
        "content": list(_content(choice, answering, losses)),
        **encode_finish(choice.finish, choice.stop_sequence),
        "usage": encode_usage(response.usage),
    }
    if len(response.choices) > 1:
        losses.append(severe("n", "This format has room for one answer."))
    return Encoded(msgspec.json.encode(message), tuple(losses))


def encode_head(given_id: str, answering: Answering) -> Mapping[str, object]:
    """Return what a message begins with, whole or streamed."""
    return {
        "id": given_id or answering.new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": answering.envelope.model,
    }


def _content(choice: Choice, answering: Answering, losses: list[Loss]) -> Iterator[Block]:
    for place, part in enumerate(choice.parts):
        path = f"content[{place}]"
        block = encode_part(part, answering)
        if block is not None:
            yield block
        elif isinstance(part, Image | File | Audio | ToolResult | Unknown):
            losses.append(severe(path, "The caller's format has no room for this part of the answer."))
        if isinstance(part, Text) and len(list(write_citations(part.citations))) < len(part.citations):
            losses.append(harmless(f"{path}.citations", UNCITED))
        if isinstance(part, ToolCall) and as_object(part.arguments) is None:
            losses.append(harmless(path, "The arguments of this call are no JSON object and were wrapped in one."))


def encode_part(part: Part, answering: Answering) -> Block | None:
    """Return the block of a part; None for what this format cannot say, and for nothing."""
    match part:
        case Text() | Refusal():
            return _said(part) if part.text else None
        case Thinking():
            return _thinking(part)
        case ToolCall():
            called_with = as_object(part.arguments) or {"raw": part.arguments}
            return {"type": "tool_use", "id": call_id(part, answering), "name": part.name, "input": called_with}
        case Audio():
            return {"type": "text", "text": part.transcript} if part.transcript else None
        case Unknown():
            return part.payload if part.dialect == NAME else None
        case Image() | File() | ToolResult():
            return None


def _said(part: Text | Refusal) -> Block:
    cited = list(write_citations(part.citations)) if isinstance(part, Text) else []
    return {"type": "text", "text": part.text, **({"citations": cited} if cited else {})}


def call_id(part: ToolCall, answering: Answering) -> str:
    """Return the id of a call; a fresh one where the vendor gave none."""
    return part.id or answering.new_id("toolu_")


def _thinking(part: Thinking) -> Block | None:
    """Return a thought: one of another vendor has an empty signature, for clients want to see one."""
    if part.redacted is not None and part.redacted.dialect == NAME:
        return {"type": "redacted_thinking", "data": part.redacted.value}
    signature = part.signature.value if part.signature is not None and part.signature.dialect == NAME else ""
    if not part.text and not signature:
        return None
    return {"type": "thinking", "thinking": part.text, "signature": signature}
