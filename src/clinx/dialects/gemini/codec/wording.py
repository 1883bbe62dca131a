"""Turns to contents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, cast

from msgspec import Raw

from clinx.canonical.content import (
    EMPTY_OBJECT,
    Audio,
    File,
    Image,
    Part,
    Refusal,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
    as_object,
)
from clinx.canonical.request import ChatRequest, Role, Turn, alternating, named_results
from clinx.dialects.base import Loss
from clinx.dialects.gemini.codec.media import Wire, write_media
from clinx.dialects.gemini.codec.thinking import version
from clinx.dialects.gemini.endpoints import NAME
from clinx.dialects.losses import harmless, severe

UNSIGNED: Final = "skip_thought_signature_validator"
"""What the vendor takes for the signature of a call that another model made."""

_WITH_SIGNATURES: Final = (3, 0)
_BETWEEN: Final = "\n\n"
_UNSENDABLE: Final = "This model's upstream does not take this file, for it was uploaded elsewhere."


class Wording:
    """Writes the contents of one request, and notes what they cannot say."""

    def __init__(self, model: str, losses: list[Loss]) -> None:
        """Take the upstream's model, and the list that losses go to."""
        known = version(model)
        self._signs = known is not None and known >= _WITH_SIGNATURES
        """Whether the model wants its calls to be signed."""
        self._losses = losses

    def contents(self, request: ChatRequest) -> list[Wire]:
        """Write all turns; those of one role that follow each other are one content."""
        turns = alternating(named_results(request.turns))
        written = [self._content(turn, place) for place, turn in enumerate(turns)]
        return [content for content in written if content["parts"]]

    def instructions(self, system: Sequence[Part]) -> list[object]:
        """Write instructions as parts."""
        return [found for part in system for found in self._parts(part, "system")]

    def _content(self, turn: Turn, place: int) -> Wire:
        parts = [
            found
            for number, part in enumerate(turn.parts)
            for found in self._parts(part, f"messages[{place}].content[{number}]")
        ]
        if turn.role is Role.ASSISTANT and self._signs:
            _sign(parts)
        return {"role": "model" if turn.role is Role.ASSISTANT else "user", "parts": parts}

    def _parts(self, part: Part, path: str) -> Iterator[object]:
        match part:
            case Text():
                yield from _text(part.text, part.signature)
            case Refusal():
                yield from _text(part.text, None)
            case Thinking():
                yield from _thought(part)
            case Image() | Audio() | File():
                yield from self._media(part, path)
            case ToolCall():
                yield self._call(part, path)
            case ToolResult():
                yield from self._result(part, path)
            case Unknown():
                yield from [part.payload] if part.dialect == NAME else []

    def _media(self, part: Image | Audio | File, path: str) -> Iterator[object]:
        if isinstance(part, Audio) and part.source is None:
            yield from _text(part.transcript, None)
        elif (written := write_media(part)) is None:
            self._losses.append(severe(path, _UNSENDABLE))
        else:
            signature = part.signature if isinstance(part, Image) else None
            yield {**written, **signed(signature)}

    def _call(self, call: ToolCall, path: str) -> Wire:
        arguments = as_object(call.arguments)
        if arguments is None:
            self._losses.append(harmless(path, "The arguments of this call are no JSON object."))
        return write_call(call, call.id)

    def _result(self, result: ToolResult, path: str) -> Iterator[object]:
        """Write a result; what of it is no text follows, as parts of their own."""
        text = _BETWEEN.join(part.text for part in result.parts if isinstance(part, Text))
        response: object = {"error": text} if result.is_error else _object(text) or {"output": text}
        yield {"functionResponse": {"id": result.call_id, "name": result.name or result.call_id, "response": response}}
        for place, part in enumerate(result.parts):
            if not isinstance(part, Text):
                yield from self._parts(part, f"{path}.content[{place}]")


def write_call(call: ToolCall, identity: str) -> Wire:
    """Write a call; arguments that are no object become one."""
    arguments: object = as_object(call.arguments)
    function = {"id": identity, "name": call.name, "args": arguments or {"arguments": call.arguments}}
    return {"functionCall": function, **signed(call.signature)}


def signed(signature: Signature | None) -> Wire:
    """Return the member that carries a signature of this vendor's; none for another's."""
    return {"thoughtSignature": signature.value} if signature is not None and signature.dialect == NAME else {}


def _object(text: str) -> Raw | None:
    found = as_object(text)
    return None if found is EMPTY_OBJECT else found


def _text(text: str, signature: Signature | None) -> Iterator[Wire]:
    """Write text; the vendor refuses empty ones, but for those that carry a signature."""
    written = {"text": text, **signed(signature)}
    if text or len(written) > 1:
        yield written


def _thought(part: Thinking) -> Iterator[Wire]:
    """Write a thought that the vendor signed; others are none of its business."""
    proof = signed(part.signature)
    if proof:
        yield {"text": part.text, "thought": True, **proof}


def _sign(parts: list[object]) -> None:
    """Mark the first call of a content that has no signature at all: the model then does without."""
    written = [cast("dict[str, object]", part) for part in parts if isinstance(part, dict)]
    calls = [part for part in written if "functionCall" in part]
    if calls and not any("thoughtSignature" in part for part in written):
        calls[0]["thoughtSignature"] = UNSIGNED
