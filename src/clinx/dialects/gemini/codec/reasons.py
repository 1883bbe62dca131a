"""Reasons to finish, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from clinx.canonical.response import FinishReason

_READ: Final[Mapping[str, FinishReason]] = MappingProxyType(
    {
        "STOP": FinishReason.STOP,
        "MAX_TOKENS": FinishReason.LENGTH,
        "CONTINUATION": FinishReason.LENGTH,
        "SAFETY": FinishReason.CONTENT_FILTER,
        "RECITATION": FinishReason.CONTENT_FILTER,
        "LANGUAGE": FinishReason.CONTENT_FILTER,
        "BLOCKLIST": FinishReason.CONTENT_FILTER,
        "PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
        "SPII": FinishReason.CONTENT_FILTER,
        "IMAGE_SAFETY": FinishReason.CONTENT_FILTER,
        "IMAGE_PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
        "IMAGE_RECITATION": FinishReason.CONTENT_FILTER,
        "MODEL_ARMOR": FinishReason.CONTENT_FILTER,
        "ESCALATION": FinishReason.CONTENT_FILTER,
        "PUP_LIMITED_DISABLED": FinishReason.CONTENT_FILTER,
    }
)
"""The others say that the model failed: it called a function in a way that cannot be read, and the like."""

_WRITTEN: Final[Mapping[FinishReason, str]] = MappingProxyType(
    {
        FinishReason.STOP: "STOP",
        FinishReason.LENGTH: "MAX_TOKENS",
        FinishReason.TOOL_CALLS: "STOP",
        FinishReason.CONTENT_FILTER: "SAFETY",
        FinishReason.REFUSAL: "SAFETY",
        FinishReason.PAUSE: "STOP",
        FinishReason.ERROR: "OTHER",
    }
)


def read_finish(native: str | None) -> FinishReason:
    """Return why an answer ended; one without any reason was just done."""
    return FinishReason.STOP if native is None else _READ.get(native, FinishReason.ERROR)


def write_finish(finish: FinishReason) -> str:
    """Return the word of this format."""
    return _WRITTEN[finish]
