"""What this format has no place for, and clients carry back and forth all the same.

Two conventions that clients know already: ``thinking_blocks`` beside the content, for thoughts with a signature, and
``extra_content`` in a call, for the signature that Gemini gives with it. A block that another vendor than Anthropic
signed says so in ``dialect``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from clinx.canonical.content import Signature, Thinking, ToolCall
from clinx.dialects.openai_chat.codec.media import Wire

_SIGNER: Final = "anthropic"
"""Whose blocks these are when they do not say."""
_GOOGLE: Final = "google"
_GEMINI: Final = "gemini"
_SIGNATURE: Final = "thought_signature"


def read_thinking_block(block: object) -> Thinking | None:
    """Read one of ``thinking_blocks``; None when it is none."""
    if not isinstance(block, dict):
        return None
    found = cast("Mapping[str, object]", block)
    signer = _text(found.get("dialect")) or _SIGNER
    text, data, signature = (_text(found.get(name)) for name in ("thinking", "data", "signature"))
    if found.get("type") not in {"thinking", "redacted_thinking"} or not (text or data or signature):
        return None
    return Thinking(
        text or "",
        Signature(signer, signature) if signature else None,
        Signature(signer, data) if data else None,
        _text(found.get("id")),
    )


def write_thinking_block(part: Thinking) -> Wire | None:
    """Write a thought that its vendor wants back unchanged; None for one that nobody signed."""
    signer = part.signature or part.redacted
    if signer is None:
        return None
    is_redacted = part.redacted is not None and not part.text
    block: dict[str, object] = {"type": "redacted_thinking" if is_redacted else "thinking"}
    if not is_redacted:
        block["thinking"] = part.text
    if part.signature is not None:
        block["signature"] = part.signature.value
    if part.redacted is not None:
        block["data"] = part.redacted.value
    if part.id is not None:
        block["id"] = part.id
    if signer.dialect != _SIGNER:
        block["dialect"] = signer.dialect
    return block


def read_call_signature(extra: object) -> Signature | None:
    """Read the signature in ``extra_content`` of a call; None when there is none."""
    if not isinstance(extra, dict):
        return None
    for signer, members in cast("Mapping[str, object]", extra).items():
        if isinstance(members, dict):
            value = _text(cast("Mapping[str, object]", members).get(_SIGNATURE))
            if value:
                return Signature(_GEMINI if signer == _GOOGLE else signer, value)
    return None


def write_call_signature(call: ToolCall) -> Wire:
    """Return the members that carry a call's signature; none when it has none."""
    if call.signature is None:
        return {}
    signer = _GOOGLE if call.signature.dialect == _GEMINI else call.signature.dialect
    return {"extra_content": {signer: {_SIGNATURE: call.signature.value}}}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
