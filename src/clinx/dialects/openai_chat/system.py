"""Where a channel's system prompt goes: a message at the beginning, beside the caller's that are instructions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Final

import msgspec

from clinx.dialects.body import JsonBody
from clinx.dialects.system import array, placed
from clinx.domain.catalog import SystemPrompt


class _Message(msgspec.Struct, frozen=True, gc=False):
    """What decides whether a message is an instruction."""

    role: object = None


_MESSAGES: Final = msgspec.json.Decoder(list[msgspec.Raw])
_MESSAGE: Final = msgspec.json.Decoder(_Message)
_INSTRUCTING: Final = ("system", "developer")


def with_system(body: JsonBody, prompt: SystemPrompt) -> Mapping[str, bytes | None]:
    """Return the members to change; no message of the caller's is written anew."""
    messages = _MESSAGES.decode(body.view("messages"))
    theirs = list(takewhile(_instructs, messages))
    ours = msgspec.json.encode({"role": "system", "content": prompt.text})
    return {"messages": array((*placed(ours, theirs, prompt.mode), *messages[len(theirs) :]))}


def _instructs(message: msgspec.Raw) -> bool:
    return _MESSAGE.decode(message).role in _INSTRUCTING
