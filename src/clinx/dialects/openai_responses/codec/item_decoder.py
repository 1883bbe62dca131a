"""Items of a request to system parts and turns.

What the model made stands in items of its own, thoughts and calls beside messages; together they are one turn, and so
are results that follow each other: formats with messages want a turn's calls together and the results right behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Raw, Struct

from clinx.canonical.content import Image, Inline, Part, Refusal, Text, ToolCall, ToolResult, Unknown
from clinx.canonical.request import Role, Turn
from clinx.dialects import members
from clinx.dialects.openai_responses.codec.media import MediaPart, read_media
from clinx.dialects.openai_responses.codec.proof import read_thought
from clinx.dialects.openai_responses.endpoints import NAME
from clinx.dialects.unread import Known
from clinx.errors import InvalidRequest

BETWEEN_THOUGHTS: Final = "\n\n"
"""Between the pieces of a thought."""

_INSTRUCTIONS: Final = frozenset({"system", "developer"})
_TEXTS: Final = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})
_RESULT: Final = "_output"
"""How types of items end that a caller sends about a call."""


class _Kind(Struct, frozen=True):
    type: str = "message"


class _Message(Struct, frozen=True):
    role: str
    content: str | list[Raw] | None = None


class _Call(Struct, frozen=True):
    call_id: str
    name: str
    arguments: str = ""


class _Output(Struct, frozen=True):
    call_id: str
    output: str | list[Raw] | None = None


class _Piece(Struct, frozen=True):
    text: str = ""


class _Reasoning(Struct, frozen=True):
    id: str | None = None
    summary: list[_Piece] | None = None
    content: list[_Piece] | None = None
    encrypted_content: str | None = None


class _Drawn(Struct, frozen=True):
    result: str | None = None
    output_format: str | None = None


class _Part(MediaPart, frozen=True):
    type: str = "input_text"
    text: str | None = None
    refusal: str | None = None


_ITEMS: Final = msgspec.json.Decoder(list[Raw])
_KIND: Final = msgspec.json.Decoder(_Kind)
_MESSAGE: Final = msgspec.json.Decoder(_Message)
_CALL: Final = msgspec.json.Decoder(_Call)
_OUTPUT: Final = msgspec.json.Decoder(_Output)
_REASONING: Final = msgspec.json.Decoder(_Reasoning)
_DRAWN: Final = msgspec.json.Decoder(_Drawn)
_PART: Final = msgspec.json.Decoder(_Part)


_SHAPES: Final = (_Kind, _Message, _Call, _Output, _Reasoning, _Drawn)
KNOWN: Final = Known(
    frozenset({name for shape in _SHAPES for name in shape.__struct_fields__} | {"id", "status"}),
    "content",
    frozenset(_Part.__struct_fields__) | {"logprobs"},
)
"""What is read of items; whether one is complete is nobody else's affair."""


class Conversation:
    """Reads items one after another."""

    def __init__(self) -> None:
        """Start before the first item."""
        self.system: list[Part] = []
        self.turns: list[Turn] = []
        self._own: list[Part] = []
        """The model's turn that has not ended."""
        self._results: list[Part] = []
        """Results that followed each other so far."""
        self._takers: Mapping[str, Callable[[Raw, str], None]] = {
            "message": self._message,
            "function_call": self._call,
            "function_call_output": self._output,
            "reasoning": self._reasoning,
            "image_generation_call": self._drawing,
        }

    def read(self, text: Raw | memoryview) -> None:
        """Read the array of items.

        Raises:
            InvalidRequest: something in it has another type than the format allows.
        """
        for place, raw in enumerate(members.decoded(text, "input", _ITEMS)):
            path = f"input[{place}]"
            kind = members.decoded(raw, path, _KIND).type
            if (take := self._takers.get(kind)) is not None:
                take(raw, path)
            else:
                self._unknown(raw, kind)
        self._end()

    def _message(self, raw: Raw, path: str) -> None:
        message = members.decoded(raw, path, _MESSAGE)
        parts = tuple(_content(message.content, path))
        if message.role == "assistant":
            self._say(parts)
        elif message.role == "user":
            self._end()
            self.turns.append(Turn(Role.USER, parts))
        elif message.role in _INSTRUCTIONS:
            self._end()
            self._instruct(parts)
        else:
            raise InvalidRequest(
                f"Invalid value for '{path}.role': expected system, developer, user or assistant.",
                param=f"{path}.role",
            )

    def _say(self, parts: tuple[Part, ...]) -> None:
        """Take a message of the model's; a second one is a turn of its own unless calls wait for results."""
        has_spoken = any(isinstance(part, Text) for part in self._own)
        if has_spoken and not any(isinstance(part, ToolCall) for part in self._own):
            self._end()
        self._make(*parts)

    def _call(self, raw: Raw, path: str) -> None:
        call = members.decoded(raw, path, _CALL)
        if not call.call_id:
            raise members.missing(f"{path}.call_id")
        self._make(ToolCall(call.call_id, call.name, call.arguments))

    def _reasoning(self, raw: Raw, path: str) -> None:
        found = members.decoded(raw, path, _REASONING)
        text = BETWEEN_THOUGHTS.join(piece.text for piece in [*(found.summary or ()), *(found.content or ())])
        self._make(read_thought(text, found.encrypted_content, found.id))

    def _drawing(self, raw: Raw, path: str) -> None:
        found = members.decoded(raw, path, _DRAWN)
        if found.result:
            self._make(Image(Inline(f"image/{found.output_format or 'png'}", found.result)))
        else:
            self._make(Unknown(NAME, raw.copy()))

    def _output(self, raw: Raw, path: str) -> None:
        found = members.decoded(raw, path, _OUTPUT)
        if not found.call_id:
            raise members.missing(f"{path}.call_id")
        self._answer(ToolResult(found.call_id, tuple(_content(found.output, path, "output"))))

    def _unknown(self, raw: Raw, kind: str) -> None:
        take = self._answer if kind.endswith(_RESULT) else self._make
        take(Unknown(NAME, raw.copy()))

    def _make(self, *parts: Part) -> None:
        """Take what the model made."""
        if self._results:
            self._end()
        self._own.extend(parts)

    def _answer(self, part: Part) -> None:
        """Take what the caller says about a call."""
        if self._own:
            self._end()
        self._results.append(part)

    def _instruct(self, parts: tuple[Part, ...]) -> None:
        if self.turns:
            self.turns.append(Turn(Role.SYSTEM, parts))
        else:
            self.system.extend(parts)

    def _end(self) -> None:
        """End the turn that is open."""
        if self._own:
            self.turns.append(Turn(Role.ASSISTANT, tuple(self._own)))
        if self._results:
            self.turns.append(Turn(Role.USER, tuple(self._results)))
        self._own, self._results = [], []


def _content(content: str | Sequence[Raw] | None, path: str, name: str = "content") -> Iterator[Part]:
    if isinstance(content, str):
        if content:
            yield Text(content)
        return
    for place, raw in enumerate(content or ()):
        yield _part(raw, f"{path}.{name}[{place}]")


def _part(raw: Raw, path: str) -> Part:
    part = members.decoded(raw, path, _PART)
    if part.type in _TEXTS and part.text is not None:
        return Text(part.text)
    if part.type == "refusal" and part.refusal is not None:
        return Refusal(part.refusal)
    return read_media(part.type, part) or Unknown(NAME, raw.copy())
