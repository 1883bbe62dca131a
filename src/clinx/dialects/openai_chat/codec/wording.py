"""Turns to messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from clinx.canonical.content import (
    Audio,
    File,
    Image,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from clinx.canonical.request import ChatRequest, Role, Turn
from clinx.dialects.base import Loss
from clinx.dialects.losses import severe
from clinx.dialects.openai_chat.codec.media import Wire, write_audio, write_file, write_image
from clinx.dialects.openai_chat.endpoints import NAME

BETWEEN_BLOCKS: Final = "\n\n"
"""Between the pieces of instructions, of a prompt and of a result: they were apart, and stay so."""

_FAILED: Final = "Error: "
_UNSENDABLE: Final = "This model's upstream does not take this kind of file, or not by its address."


class Wording:
    """Writes the messages of one request, and notes what they cannot say."""

    def __init__(self, losses: list[Loss], history: str | None = None) -> None:
        """Take the list that losses go to, and the member that earlier thoughts are repeated in."""
        self._losses = losses
        self._history = history

    def messages(self, request: ChatRequest) -> list[Wire]:
        """Write the instructions and all turns."""
        found: list[Wire] = []
        if instructions := _joined(request.system):
            found.append({"role": "system", "content": instructions})
        for place, turn in enumerate(request.turns):
            found.extend(self._turn(turn, f"messages[{place}]"))
        return found

    def _turn(self, turn: Turn, path: str) -> Iterator[Wire]:
        match turn.role:
            case Role.SYSTEM:
                yield {"role": "system", "content": _joined(turn.parts)}
            case Role.USER:
                yield from self._asked(turn, path)
            case Role.ASSISTANT:
                yield from self._answered(turn, path)

    def _asked(self, turn: Turn, path: str) -> Iterator[Wire]:
        """Write what a user says: results first, for they must follow their calls directly."""
        parts: list[tuple[Part, str]] = []
        for place, part in enumerate(turn.parts):
            where = f"{path}.content[{place}]"
            if isinstance(part, ToolResult):
                yield {"role": "tool", "tool_call_id": part.call_id, "content": _result_text(part)}
                parts += [(each, where) for each in part.parts if not isinstance(each, Text)]
            else:
                parts.append((part, where))
        content = self._content(parts)
        if content or not any(isinstance(part, ToolResult) for part in turn.parts):
            yield _named({"role": "user", "content": content}, turn)

    def _content(self, parts: Sequence[tuple[Part, str]]) -> object:
        """Write parts; nothing but text is one string, which every server takes."""
        if all(isinstance(part, Text) for part, _ in parts):
            return _joined(tuple(part for part, _ in parts))
        return [found for part, where in parts if (found := self._part(part, where)) is not None]

    def _part(self, part: Part, where: str) -> object:
        written: object = None
        match part:
            case Text() | Refusal():
                return {"type": "text", "text": part.text}
            case Image():
                written = write_image(part)
            case Audio():
                written = write_audio(part)
            case File():
                written = write_file(part)
            case Unknown():
                return part.payload if part.dialect == NAME else None
            case Thinking() | ToolCall() | ToolResult():
                return None
        if written is None:
            self._losses.append(severe(where, _UNSENDABLE))
        return written

    def _answered(self, turn: Turn, path: str) -> Iterator[Wire]:
        """Write what the model said; a turn of nothing but thoughts is left out."""
        texts = [text for part in turn.parts if (text := _spoken(part))]
        calls = [call for part in turn.parts if (call := _called(part)) is not None]
        speech = [part.id for part in turn.parts if isinstance(part, Audio) and part.id is not None]
        for place, part in enumerate(turn.parts):
            if isinstance(part, Image | File):
                self._losses.append(severe(f"{path}.content[{place}]", _UNSENDABLE))
        message: dict[str, object] = {"role": "assistant", "content": "".join(texts) or None}
        thoughts = "".join(part.text for part in turn.parts if isinstance(part, Thinking))
        if self._history is not None and thoughts:
            message[self._history] = thoughts
        if calls:
            message["tool_calls"] = calls
        if speech:
            message["audio"] = {"id": speech[-1]}
        if texts or calls or speech:
            yield _named(message, turn)


def _spoken(part: Part) -> str | None:
    """Return the text of what was said; of speech that has no id to name it by, what was said in it."""
    if isinstance(part, Text | Refusal):
        return part.text
    return part.transcript if isinstance(part, Audio) and part.id is None else None


def _called(part: Part) -> object:
    if isinstance(part, Unknown):
        return part.payload if part.dialect == NAME else None
    return write_call(part) if isinstance(part, ToolCall) else None


def write_call(call: ToolCall) -> Wire:
    """Write a call of a request."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}


def _result_text(result: ToolResult) -> str:
    text = _joined(result.parts)
    return _FAILED + text if result.is_error and not text.startswith(_FAILED) else text


def _joined(parts: Sequence[Part]) -> str:
    return BETWEEN_BLOCKS.join(part.text for part in parts if isinstance(part, Text))


def _named(message: dict[str, object], turn: Turn) -> Wire:
    return {**message, "name": turn.name} if turn.name else message
