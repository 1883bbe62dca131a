"""What a channel tells its models, put into a request of any chat format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from clinx.dialects.anthropic.system import with_system as in_anthropic
from clinx.dialects.base import Envelope
from clinx.dialects.body import JsonBody
from clinx.dialects.gemini.system import with_system as in_gemini
from clinx.dialects.openai_chat.system import with_system as in_openai_chat
from clinx.dialects.openai_responses.system import with_system as in_openai_responses
from clinx.domain.catalog import SystemPrompt
from clinx.domain.operation import Operation

_FORMATS: Final[Mapping[str, Callable[[JsonBody, SystemPrompt], Mapping[str, bytes | None]]]] = MappingProxyType(
    {
        "anthropic": in_anthropic,
        "gemini": in_gemini,
        "openai_chat": in_openai_chat,
        "openai_responses": in_openai_responses,
    }
)


def system_patches(envelope: Envelope, prompt: SystemPrompt) -> Mapping[str, bytes | None]:
    """Return the top-level members to set (JSON text) so that a chat is told the prompt; none for what is no chat."""
    format_of = _FORMATS.get(envelope.dialect)
    if format_of is None or envelope.operation is not Operation.CHAT:
        return {}
    return format_of(envelope.body, prompt)
