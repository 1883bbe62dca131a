"""A whole answer that belongs to no dialect."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from clinx.canonical.content import Part, ToolCall
from clinx.domain.usage import Usage


class FinishReason(StrEnum):
    """Why a model stopped."""

    STOP = "stop"
    """It was done, or met a stop sequence."""
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    """It waits for results. Decoders say so whenever there is a call and the vendor only says that it was done."""
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    """It wants to go on in another request (Anthropic)."""
    ERROR = "error"


class Choice(Struct, frozen=True, omit_defaults=True):
    """One of the answers."""

    parts: tuple[Part, ...]
    """Text, Refusal, Thinking, ToolCall, Image, Audio, Unknown."""
    finish: FinishReason = FinishReason.STOP
    native: str | None = None
    """The reason in the vendor's word; never shown in another dialect."""
    stop_sequence: str | None = None
    """The sequence that was met, where the vendor says which."""


class ChatResponse(Struct, frozen=True):
    """What a model answered."""

    id: str
    """The vendor's; empty when it gave none."""
    model: str
    """The vendor's name for it; callers are shown the name they used."""
    choices: tuple[Choice, ...]
    usage: Usage | None = None


def settled(finish: FinishReason, parts: tuple[Part, ...]) -> FinishReason:
    """Return TOOL_CALLS for an answer that stopped with a call in it; many servers say only that it was done."""
    has_call = finish is FinishReason.STOP and any(isinstance(part, ToolCall) for part in parts)
    return FinishReason.TOOL_CALLS if has_call else finish
