"""Where a channel's system prompt goes: among the parts of the system instruction, however the caller spells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from clinx.dialects import members
from clinx.dialects.body import JsonBody
from clinx.dialects.google import names
from clinx.dialects.system import array, placed
from clinx.domain.catalog import SystemPrompt

INSTRUCTION: Final = "systemInstruction"

_PARTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_EMPTY: Final = JsonBody.parse(b"{}")


def with_system(body: JsonBody, prompt: SystemPrompt) -> Mapping[str, bytes | None]:
    """Return the members to change; an instruction of another type than the format's is the upstream's to refuse."""
    name = names.spelled(body, INSTRUCTION)
    text = body.view(name)
    if text and members.kind(text) not in {"an object", "null"}:
        return {}
    content = names.members_of(body, name) or _EMPTY
    parts = content.view("parts")
    if parts and members.kind(parts) not in {"an array", "an object"}:
        return {}
    ours = msgspec.json.encode({"text": prompt.text})
    changed = content.patched({"parts": array(placed(ours, _pieces(parts), prompt.mode))})
    return {name: changed}


def _pieces(parts: memoryview) -> list[msgspec.Raw] | list[bytes]:
    """Return the parts one by one; a single one need not be in an array."""
    if not parts:
        return []
    return _PARTS.decode(parts) if members.kind(parts) == "an array" else [bytes(parts)]
