"""Usage and states of a response, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clinx.canonical.response import FinishReason
from clinx.dialects.lenient import mapping
from clinx.dialects.openai_responses.codec.media import Wire
from clinx.dialects.openai_responses.response import FAILED
from clinx.domain.usage import Usage

_REASONS: Final[Mapping[str, FinishReason]] = {"content_filter": FinishReason.CONTENT_FILTER}
"""Why a response is incomplete; otherwise it met a bound."""
_INCOMPLETE: Final[Mapping[FinishReason, str]] = {
    FinishReason.LENGTH: "max_output_tokens",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.REFUSAL: "content_filter",
}
_ERROR: Final[Wire] = {"code": "server_error", "message": "The model failed."}


def read_finish(response: Mapping[str, object]) -> tuple[FinishReason, str | None]:
    """Return why a response ended, and the vendor's word for it."""
    status = response.get("status")
    word = status if isinstance(status, str) else None
    if word in FAILED:
        return FinishReason.ERROR, word
    if word != "incomplete":
        return FinishReason.STOP, word
    reason = mapping(response.get("incomplete_details")).get("reason")
    if not isinstance(reason, str):
        return FinishReason.LENGTH, word
    return _REASONS.get(reason, FinishReason.LENGTH), reason


def write_finish(finish: FinishReason) -> Wire:
    """Return the members that say how a response ended."""
    if finish is FinishReason.ERROR:
        return {"status": "failed", "error": _ERROR, "incomplete_details": None}
    reason = _INCOMPLETE.get(finish)
    if reason is None:
        return {"status": "completed", "error": None, "incomplete_details": None}
    return {"status": "incomplete", "error": None, "incomplete_details": {"reason": reason}}


def write_usage(usage: Usage | None) -> Wire | None:
    """Write a usage object; media are plain tokens here."""
    if usage is None:
        return None
    prompt, answer = usage.input_tokens, usage.output_tokens
    details = {"cached_tokens": usage.cache_read}
    if written := usage.cache_write + usage.cache_write_1h:
        details["cache_write_tokens"] = written
    return {
        "input_tokens": prompt,
        "input_tokens_details": details,
        "output_tokens": answer,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": prompt + answer,
    }
