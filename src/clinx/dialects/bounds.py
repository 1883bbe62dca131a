"""Bounding an answer: the part that does not depend on where a format writes its limit."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from clinx.dialects.base import Envelope
from clinx.dialects.body import JsonBody


def is_within(envelope: Envelope, tokens: int) -> bool:
    """Whether the caller asked for no more than so many tokens.

    Raises:
        ValueError: no room for even one token.
    """
    if tokens < 1:
        raise ValueError("an answer has at least one token")
    asked = envelope.max_output_tokens
    return asked is not None and asked <= tokens


def rebound(envelope: Envelope, tokens: int, changes: Mapping[str, bytes | None]) -> Envelope:
    """Return the request with its answers bounded to so many tokens, which these changes of its body say."""
    body = JsonBody.parse(envelope.body.patched(changes))
    return structs.replace(envelope, body=body, max_output_tokens=tokens)
