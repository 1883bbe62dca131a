"""Usage and stop reasons, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clinx.canonical.response import FinishReason
from clinx.domain.usage import Usage

_READ: Final[Mapping[object, FinishReason]] = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "pause_turn": FinishReason.PAUSE,
    "refusal": FinishReason.REFUSAL,
}
_WRITTEN: Final[Mapping[FinishReason, str]] = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
    FinishReason.REFUSAL: "refusal",
    FinishReason.PAUSE: "pause_turn",
    FinishReason.ERROR: "end_turn",
}


def decode_finish(reason: object) -> FinishReason:
    """Return why the model stopped; that it was done, where the vendor's word is not known."""
    return _READ.get(reason, FinishReason.STOP) if isinstance(reason, str) else FinishReason.STOP


def encode_finish(finish: FinishReason, stop_sequence: str | None) -> Mapping[str, str | None]:
    """Return the members that say why an answer ended."""
    met = finish is FinishReason.STOP and stop_sequence is not None
    return {"stop_reason": "stop_sequence" if met else _WRITTEN[finish], "stop_sequence": stop_sequence}


def encode_usage(usage: Usage | None) -> Mapping[str, object]:
    """Return the usage object; media in a prompt is plain input here, thoughts are a part of the output."""
    used = usage or Usage()
    written = used.cache_write + used.cache_write_1h
    report: dict[str, object] = {
        "input_tokens": used.input_tokens - used.cache_read - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": used.cache_read,
        "output_tokens": used.output_tokens,
    }
    if written:
        report["cache_creation"] = {
            "ephemeral_5m_input_tokens": used.cache_write,
            "ephemeral_1h_input_tokens": used.cache_write_1h,
        }
    if used.reasoning:
        report["output_tokens_details"] = {"thinking_tokens": used.reasoning}
    if used.search:
        report["server_tool_use"] = {"web_search_requests": used.search, "web_fetch_requests": 0}
    return report
