"""Messages of a request to system parts and turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Raw, Struct

from clinx.canonical.content import Audio, Part, Refusal, Text, Thinking, ToolCall, ToolResult, Unknown
from clinx.canonical.request import Role, Turn
from clinx.dialects import members
from clinx.dialects.openai_chat.codec.extensions import read_call_signature, read_thinking_block
from clinx.dialects.openai_chat.codec.media import MediaPart, read_media
from clinx.dialects.openai_chat.endpoints import NAME
from clinx.dialects.unread import Known
from clinx.errors import InvalidRequest

_INSTRUCTIONS: Final = frozenset({"system", "developer"})


class _Function(Struct, frozen=True):
    name: str = ""
    arguments: Raw = Raw(b'""')


class _Call(Struct, frozen=True):
    id: str | None = None
    function: _Function | None = None
    extra_content: object = None


class _Speech(Struct, frozen=True):
    id: str


class _Message(Struct, frozen=True):
    role: str
    content: str | list[Raw] | None = None
    name: str | None = None
    tool_calls: list[Raw] | None = None
    tool_call_id: str | None = None
    function_call: _Function | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    thinking_blocks: list[object] | None = None
    refusal: str | None = None
    audio: _Speech | None = None


class _Part(MediaPart, frozen=True):
    type: str = ""
    text: str | None = None
    refusal: str | None = None
    thinking: str | None = None


_MESSAGES: Final = msgspec.json.Decoder(list[_Message])
_PART: Final = msgspec.json.Decoder(_Part)
_CALL: Final = msgspec.json.Decoder(_Call)
_TEXT: Final = msgspec.json.Decoder(str)
_ANYTHING: Final = msgspec.json.Decoder()


KNOWN: Final = Known(
    frozenset(_Message.__struct_fields__), "content", frozenset({*_Part.__struct_fields__, "signature", "data", "id"})
)
"""What is read of messages."""


class Conversation:
    """Reads messages one after another; remembers the calls, so that results find theirs."""

    def __init__(self) -> None:
        """Start before the first message."""
        self.system: list[Part] = []
        self.turns: list[Turn] = []
        self._called: dict[str, str] = {}
        """The function's name to the id of its last call: all that the old format of calls has."""

    def read(self, text: Raw | memoryview) -> None:
        """Read the array of messages.

        Raises:
            InvalidRequest: something in it has another type than the format allows.
        """
        for place, message in enumerate(members.decoded(text, "messages", _MESSAGES)):
            self._take(message, f"messages[{place}]")

    def _take(self, message: _Message, path: str) -> None:
        if message.role in _INSTRUCTIONS:
            self._instruct(tuple(_content(message.content, path)))
        elif message.role == "user":
            self.turns.append(Turn(Role.USER, tuple(_content(message.content, path)), message.name))
        elif message.role == "assistant":
            self.turns.append(Turn(Role.ASSISTANT, tuple(self._said(message, path)), message.name))
        elif message.role in {"tool", "function"}:
            self.turns.append(Turn(Role.USER, (self._result(message, path),)))
        else:
            raise InvalidRequest(
                f"Invalid value for '{path}.role': expected system, developer, user, assistant or tool.",
                param=f"{path}.role",
            )

    def _instruct(self, parts: tuple[Part, ...]) -> None:
        if self.turns:
            self.turns.append(Turn(Role.SYSTEM, parts))
        else:
            self.system.extend(parts)

    def _said(self, message: _Message, path: str) -> Iterator[Part]:
        yield from _thoughts(message)
        yield from _content(message.content, path)
        if message.refusal:
            yield Refusal(message.refusal)
        if message.audio is not None:
            yield Audio(None, id=message.audio.id)
        for place, call in enumerate(message.tool_calls or ()):
            yield self._call(call, f"{path}.tool_calls[{place}]", place)
        if message.function_call is not None:
            yield self._old_call(message.function_call, path)

    def _call(self, raw: Raw, path: str, place: int) -> Part:
        call = members.decoded(raw, path, _CALL)
        if call.function is None:
            return Unknown(NAME, raw.copy())
        arguments = _arguments(call.function, path)
        identity = call.id or f"call_{len(self.turns)}_{place}"
        return ToolCall(identity, call.function.name, arguments, read_call_signature(call.extra_content))

    def _old_call(self, function: _Function, path: str) -> ToolCall:
        identity = f"call_{len(self.turns)}_{function.name}"
        self._called[function.name] = identity
        return ToolCall(identity, function.name, _arguments(function, f"{path}.function_call"))

    def _result(self, message: _Message, path: str) -> ToolResult:
        identity = message.tool_call_id or self._called.get(message.name or "")
        if not identity:
            raise members.missing(f"{path}.tool_call_id")
        return ToolResult(identity, tuple(_content(message.content, path)), name=message.name)


def _arguments(function: _Function, path: str) -> str:
    """Return the arguments as the text they are, even where a client writes the object itself."""
    if members.kind(function.arguments) == "a string":
        return members.decoded(function.arguments, f"{path}.function.arguments", _TEXT)
    found = bytes(function.arguments)
    return "" if found == b"null" else found.decode("utf-8", "replace")


def _thoughts(message: _Message) -> Iterator[Part]:
    blocks = [read_thinking_block(block) for block in message.thinking_blocks or ()]
    found = [block for block in blocks if block is not None]
    text = message.reasoning_content or message.reasoning
    if text and not found:
        found = [Thinking(text)]
    yield from found


def _content(content: str | Sequence[Raw] | None, path: str) -> Iterator[Part]:
    """Read content; the empty text that some clients send beside calls is none."""
    if isinstance(content, str):
        if content:
            yield Text(content)
        return
    for place, raw in enumerate(content or ()):
        yield _part(raw, f"{path}.content[{place}]")


def _part(raw: Raw, path: str) -> Part:
    part = members.decoded(raw, path, _PART)
    if part.type in {"", "text", "input_text", "output_text"} and part.text is not None:
        return Text(part.text, part.cache_control.kept if part.cache_control else None)
    if part.type == "refusal" and part.refusal is not None:
        return Refusal(part.refusal)
    if part.type in {"thinking", "redacted_thinking"}:
        block = read_thinking_block(members.decoded(raw, path, _ANYTHING))
        return block or Thinking(part.thinking or "")
    return read_media(part) or Unknown(NAME, raw.copy())
