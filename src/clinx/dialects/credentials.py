"""Where clients of the known wire formats put their key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

MAX_CREDENTIAL: Final = 512
"""The most characters a credential may have; anything longer is not one of ours, and not worth hashing."""

_SUBPROTOCOL: Final = "openai-insecure-api-key."


def find_credential(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """Find the caller's key, wherever its client puts it.

    The first that is not empty counts, in this order: ``Authorization`` (``Bearer``, or the bare key), ``x-api-key``
    (Anthropic), ``x-goog-api-key`` (Gemini), the WebSocket subprotocol ``openai-insecure-api-key.…`` (browsers,
    which cannot set headers), ``?key=`` (Gemini).

    Args:
        headers: case-insensitive.
        query: the decoded query string.
    """
    return next((found for found in _places(headers, query) if 0 < len(found) <= MAX_CREDENTIAL), None)


def _places(headers: Mapping[str, str], query: Mapping[str, str]) -> Iterator[str]:
    yield _bearer(headers.get("Authorization", ""))
    yield headers.get("x-api-key", "").strip()
    yield headers.get("x-goog-api-key", "").strip()
    yield _subprotocol(headers.get("Sec-WebSocket-Protocol", ""))
    yield query.get("key", "").strip()


def _bearer(value: str) -> str:
    """Return the key of an ``Authorization`` value; empty for schemes other than Bearer."""
    words = value.split()
    if len(words) == 1 and words[0].lower() != "bearer":
        return words[0]
    return words[1] if len(words) == 2 and words[0].lower() == "bearer" else ""  # noqa: PLR2004 - scheme and key


def _subprotocol(value: str) -> str:
    protocols = (protocol.strip() for protocol in value.split(","))
    return next((p.removeprefix(_SUBPROTOCOL) for p in protocols if p.startswith(_SUBPROTOCOL)), "")
