"""Turns to items of a request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec import Raw, Struct

from clinx.canonical.content import (
    Audio,
    File,
    Image,
    Inline,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from clinx.canonical.request import Role, Turn
from clinx.dialects.base import Loss
from clinx.dialects.losses import severe
from clinx.dialects.openai_responses.codec.media import Wire, write_media
from clinx.dialects.openai_responses.codec.proof import own_proof
from clinx.dialects.openai_responses.endpoints import NAME

Item: TypeAlias = Wire | Raw

LONGEST_ID: Final = 64
"""The most characters the vendor takes for the id of a call."""

_FAILED: Final = "Error: "
_UNSENDABLE: Final = "This model's upstream does not take this kind of content, or not in this place."
_CONTENT: Final = ("input_", "output_")
"""How types of parts begin, and of items do not."""


class _Kind(Struct, frozen=True):
    type: object = None


_KIND: Final = msgspec.json.Decoder(_Kind)


class Wording:
    """Writes the items of one request, and notes what they cannot say."""

    def __init__(self, losses: list[Loss]) -> None:
        """Take the list that losses go to."""
        self._losses = losses

    def items(self, turns: Sequence[Turn]) -> list[Item]:
        """Write all turns."""
        return [item for place, turn in enumerate(turns) for item in self._turn(turn, f"messages[{place}]")]

    def _turn(self, turn: Turn, path: str) -> Iterator[Item]:
        """Write a turn: what is said becomes messages, everything else an item of its own, in order."""
        said: list[object] = []
        for place, part in enumerate(turn.parts):
            where = f"{path}.content[{place}]"
            item = self._item(part, turn.role, where)
            if item is None:
                said.extend(self._content(part, turn.role, where))
                continue
            if said:
                yield _message(turn.role, said)
                said = []
            yield item
        if said:
            yield _message(turn.role, said)

    def _item(self, part: Part, role: Role, where: str) -> Item | None:
        """Return the item of what is no part of a message; None for what is, or is left out."""
        match part:
            case ToolCall():
                return {
                    "type": "function_call",
                    "call_id": short_id(part.id),
                    "name": part.name,
                    "arguments": part.arguments or "{}",
                }
            case ToolResult():
                return {
                    "type": "function_call_output",
                    "call_id": short_id(part.call_id),
                    "output": self._output(part, where),
                }
            case Thinking():
                return _thought(part)
            case Unknown() if part.dialect == NAME and not _is_content(part):
                return part.payload
            case Image(source=Inline() as source) if role is Role.ASSISTANT:
                return {
                    "type": "image_generation_call",
                    "id": f"ig_{hashlib.sha256(source.data.encode()).hexdigest()[:32]}",
                    "status": "completed",
                    "result": source.data,
                }
            case _:
                return None

    def _content(self, part: Part, role: Role, where: str) -> Iterator[object]:
        """Return the part of a message; nothing for what is left out."""
        is_own = role is Role.ASSISTANT
        match part:
            case Text():
                yield {"type": "output_text" if is_own else "input_text", "text": part.text}
            case Refusal():
                yield {"type": "refusal", "refusal": part.text} if is_own else {"type": "input_text", "text": part.text}
            case Audio() if is_own:
                yield {"type": "output_text", "text": part.transcript}
            case Image() | Audio() | File():
                written = None if is_own else write_media(part)
                if written is not None:
                    yield written
                else:
                    self._losses.append(severe(where, _UNSENDABLE))
            case Unknown() if part.dialect == NAME:
                yield part.payload
            case _:
                pass

    def _output(self, result: ToolResult, where: str) -> object:
        """Write what a function returned: text if it is nothing else."""
        if all(isinstance(part, Text) for part in result.parts):
            text = "\n\n".join(part.text for part in result.parts if isinstance(part, Text))
            return _FAILED + text if result.is_error and not text.startswith(_FAILED) else text
        failed = [{"type": "input_text", "text": _FAILED}] if result.is_error else []
        return [*failed, *(found for part in result.parts for found in self._content(part, Role.USER, where))]


def short_id(identity: str) -> str:
    """Return the id of a call as the vendor takes it: the same for the call and its result."""
    if len(identity) <= LONGEST_ID:
        return identity
    return f"call_{hashlib.sha256(identity.encode()).hexdigest()[:48]}"


def _message(role: Role, said: list[object]) -> Wire:
    return {"type": "message", "role": role.value, "content": said}


def _thought(part: Thinking) -> Item | None:
    """Write a thought of an upstream of this format; those of others mean nothing to it."""
    proof = own_proof(part)
    if proof is None:
        return None
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    identity = {} if part.id is None else {"id": part.id}
    return {"type": "reasoning", **identity, "summary": summary, "encrypted_content": proof}


def _is_content(part: Unknown) -> bool:
    try:
        kind = _KIND.decode(part.payload).type
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(kind, str) and kind.startswith(_CONTENT)
