"""Where a channel's system prompt goes: into the instructions."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from clinx.dialects.body import JsonBody
from clinx.dialects.system import joined
from clinx.domain.catalog import SystemPrompt


def with_system(body: JsonBody, prompt: SystemPrompt) -> Mapping[str, bytes | None]:
    """Return the members to change; instructions that are no text are the upstream's to refuse."""
    theirs = body.value("instructions")
    if theirs is None:
        theirs = ""
    if not isinstance(theirs, str):
        return {}
    return {"instructions": msgspec.json.encode(joined(prompt.text, theirs, prompt.mode))}
