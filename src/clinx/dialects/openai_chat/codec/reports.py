"""Finish reasons, both ways, and usage as this format reports it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from clinx.canonical.response import FinishReason
from clinx.dialects.openai_chat.codec.media import Wire
from clinx.domain.usage import Usage

_READ: Final[Mapping[str, FinishReason]] = MappingProxyType(
    {
        "length": FinishReason.LENGTH,
        "max_tokens": FinishReason.LENGTH,
        "max_length": FinishReason.LENGTH,
        "error_limit": FinishReason.LENGTH,
        "limit": FinishReason.LENGTH,
        "model_length": FinishReason.LENGTH,
        "tool_calls": FinishReason.TOOL_CALLS,
        "tool_use": FinishReason.TOOL_CALLS,
        "function_call": FinishReason.TOOL_CALLS,
        "content_filter": FinishReason.CONTENT_FILTER,
        "content_filtered": FinishReason.CONTENT_FILTER,
        "sensitive": FinishReason.CONTENT_FILTER,
        "safety": FinishReason.CONTENT_FILTER,
        "error_toxic": FinishReason.CONTENT_FILTER,
        "refusal": FinishReason.REFUSAL,
        "pause_turn": FinishReason.PAUSE,
        "error": FinishReason.ERROR,
        "network_error": FinishReason.ERROR,
        "insufficient_system_resource": FinishReason.ERROR,
    }
)
"""In lower case; whatever else vendors write means that the model was done."""

_WRITTEN: Final[Mapping[FinishReason, str]] = MappingProxyType(
    {
        FinishReason.STOP: "stop",
        FinishReason.LENGTH: "length",
        FinishReason.TOOL_CALLS: "tool_calls",
        FinishReason.CONTENT_FILTER: "content_filter",
        FinishReason.REFUSAL: "content_filter",
        FinishReason.PAUSE: "stop",
        FinishReason.ERROR: "stop",
    }
)


def read_finish(native: str | None) -> FinishReason:
    """Return what a vendor's word means."""
    return _READ.get((native or "").lower(), FinishReason.STOP)


def write_finish(finish: FinishReason) -> str:
    """Return this format's word."""
    return _WRITTEN[finish]


def write_usage(usage: Usage) -> Wire:
    """Write a usage object that `usage.read_usage` reads to the same buckets, but for how long a cache is kept."""
    prompt, answer = usage.input_tokens, usage.output_tokens
    prompt_details = {"cached_tokens": usage.cache_read, "audio_tokens": usage.audio_input}
    if written := usage.cache_write + usage.cache_write_1h:
        prompt_details["cache_write_tokens"] = written
    if usage.image_input:
        prompt_details["image_tokens"] = usage.image_input
    answer_details = {"reasoning_tokens": usage.reasoning, "audio_tokens": usage.audio_output}
    if usage.image_output:
        answer_details["image_tokens"] = usage.image_output
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": answer_details,
    }
