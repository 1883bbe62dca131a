"""Canonical to a whole answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from clinx.canonical.content import (
    Audio,
    File,
    Image,
    Inline,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from clinx.canonical.response import ChatResponse, Choice
from clinx.dialects.base import Answering, Encoded, Loss
from clinx.dialects.logprobs import write_logprobs
from clinx.dialects.losses import UNCITED, harmless, severe
from clinx.dialects.openai_responses.codec.annotations import write_annotations
from clinx.dialects.openai_responses.codec.item_encoder import Item
from clinx.dialects.openai_responses.codec.media import Wire
from clinx.dialects.openai_responses.codec.proof import write_proof
from clinx.dialects.openai_responses.codec.reports import write_finish, write_usage
from clinx.dialects.openai_responses.endpoints import NAME

COMPLETED: Final = "completed"

_ECHOED: Final[Mapping[str, object]] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What an answer repeats of its request, and what it says where the request is silent."""


def encode_answer(response: ChatResponse, answering: Answering) -> Encoded:
    """Write a response; of several answers the first."""
    choice = response.choices[0] if response.choices else Choice(())
    items = [item for part in choice.parts if (item := encode_part(part, answering)) is not None]
    whole = {
        **encode_head(response.id, answering),
        **write_finish(choice.finish),
        "output": items,
        "usage": write_usage(response.usage),
    }
    return Encoded(msgspec.json.encode(whole), tuple(_losses(response)))


def encode_head(identity: str, answering: Answering) -> Wire:
    """Return what a response says of itself and of its request, whole or streamed."""
    body = answering.envelope.body
    echoed = {name: Raw(text) if (text := body.raw(name)) else usual for name, usual in _ECHOED.items()}
    return {
        "id": identity or answering.new_id("resp_"),
        "object": "response",
        "created_at": answering.now,
        "model": answering.envelope.model,
        "background": False,
        "previous_response_id": None,
        "store": False,
        **echoed,
    }


def encode_part(part: Part, answering: Answering) -> Item | None:
    """Return the item of a part; None for what this format cannot say, and for nothing."""
    match part:
        case Text() | Audio() | Refusal():
            said = said_part(part)
            return message_item(answering.new_id("msg_"), [said]) if any(list(said.values())[1:]) else None
        case Thinking():
            return _thought(part, answering)
        case ToolCall():
            return call_item(part, part.arguments or "{}", answering)
        case Image(source=Inline() as source):
            identity = answering.new_id("ig_")
            kind = {"output_format": source.media_type.removeprefix("image/")}
            return {"id": identity, "type": "image_generation_call", "status": COMPLETED, **kind, "result": source.data}
        case Unknown() if part.dialect == NAME:
            return part.payload
        case Image() | File() | ToolResult() | Unknown():
            return None


def said_part(part: Text | Audio | Refusal) -> Wire:
    """Return the part of a message that says a text."""
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    if isinstance(part, Audio):
        return {"type": "output_text", "text": part.transcript, "annotations": [], "logprobs": []}
    cited, logprobs = list(write_annotations(part.citations, len(part.text))), write_logprobs(part.logprobs)
    return {"type": "output_text", "text": part.text, "annotations": cited, "logprobs": logprobs}


def message_item(identity: str, content: Sequence[Wire], status: str = COMPLETED) -> Wire:
    """Return a message of the model's."""
    return {"id": identity, "type": "message", "status": status, "role": "assistant", "content": content}


def call_item(part: ToolCall, arguments: str, answering: Answering, status: str = COMPLETED) -> Wire:
    """Return a call; it has an id of its own beside that of the call, which a fresh one replaces if there is none."""
    return {
        "id": answering.new_id("fc_"),
        "type": "function_call",
        "status": status,
        "call_id": part.id or answering.new_id("call_"),
        "name": part.name,
        "arguments": arguments,
    }


def thought_item(identity: str, text: str, proof: str | None) -> Wire:
    """Return a thought; what was thought is its summary."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"id": identity, "type": "reasoning", "summary": summary, "encrypted_content": proof}


def _thought(part: Thinking, answering: Answering) -> Wire | None:
    proof = write_proof(part)
    if not part.text and proof is None:
        return None
    return thought_item(part.id or answering.new_id("rs_"), part.text, proof)


def _losses(response: ChatResponse) -> Iterator[Loss]:
    if len(response.choices) > 1:
        yield severe("n", "This format has room for one answer.")
    for place, part in enumerate(response.choices[0].parts if response.choices else ()):
        if isinstance(part, Text) and len(list(write_annotations(part.citations, 0))) < len(part.citations):
            yield harmless(f"output[{place}].annotations", UNCITED)
        is_foreign = isinstance(part, Unknown) and part.dialect != NAME
        if is_foreign or (isinstance(part, Image) and not isinstance(part.source, Inline)) or isinstance(part, File):
            yield harmless(f"output[{place}]", "This content has no place in the caller's format.")
