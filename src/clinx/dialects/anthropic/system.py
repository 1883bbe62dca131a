"""Where a channel's system prompt goes: into ``system``, a text or an array of blocks as the caller has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from clinx.dialects import members
from clinx.dialects.body import JsonBody
from clinx.dialects.system import array, joined, placed
from clinx.domain.catalog import SystemPrompt

_BLOCKS: Final = msgspec.json.Decoder(list[msgspec.Raw])


def with_system(body: JsonBody, prompt: SystemPrompt) -> Mapping[str, bytes | None]:
    """Return the members to change; a ``system`` of another type is the upstream's to refuse."""
    theirs = body.view("system")
    found = members.kind(theirs) if theirs else "null"
    if found == "an array":
        ours = msgspec.json.encode({"type": "text", "text": prompt.text})
        return {"system": array(placed(ours, _BLOCKS.decode(theirs), prompt.mode))}
    if found not in {"a string", "null"}:
        return {}
    text = str(body.value("system") or "")
    return {"system": msgspec.json.encode(joined(prompt.text, text, prompt.mode))}
