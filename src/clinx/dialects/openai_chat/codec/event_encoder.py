"""Canonical events to a stream of chunks, of a chat or of a text completion.

A choice of a chat begins with a chunk that names the role. A thought that was signed is told once more, with its
signature, when it is complete. The usage chunk, if it was asked for, and the end marker are what `close` returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import structs

from clinx.canonical.content import Audio, Image, Part, Refusal, Text, Thinking, ToolCall
from clinx.canonical.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, UsageReported
from clinx.canonical.fold import Growing
from clinx.dialects.base import Answering
from clinx.dialects.logprobs import write_logprobs
from clinx.dialects.openai_chat.codec.annotations import write_annotation
from clinx.dialects.openai_chat.codec.answer_encoder import write_speech
from clinx.dialects.openai_chat.codec.chunk_frame import Around, ChunkFrame, encode
from clinx.dialects.openai_chat.codec.extensions import write_call_signature, write_thinking_block
from clinx.dialects.openai_chat.codec.media import Wire, write_image
from clinx.dialects.openai_chat.codec.reports import write_finish, write_usage
from clinx.dialects.openai_chat.stream import DONE
from clinx.dialects.sse import encode_event
from clinx.domain.usage import Usage

_END: Final = encode_event(DONE)
_NAMES: Final[Mapping[type[Part], tuple[str, ...]]] = MappingProxyType(
    {
        Text: ("content",),
        Refusal: ("refusal",),
        Thinking: ("reasoning_content",),
        Audio: ("audio", "transcript"),
    }
)
"""Where in a delta the text of a part is said."""


class _Open:
    """The part of a choice that is being told."""

    __slots__ = ("around", "growing", "has_grown", "length", "part")

    def __init__(self, part: Part, around: Around | None) -> None:
        self.part = part
        self.around = around
        """None for what is not told in deltas of text."""
        self.growing = Growing(part) if isinstance(part, Thinking) else None
        self.has_grown = False
        self.length = len(part.text) if isinstance(part, Text) else 0
        """Characters of text so far."""


class ChatEventEncoder:
    """Writes one stream; an `EventEncoder`."""

    __slots__ = ("_answering", "_calls", "_frame", "_open", "_said", "_spoke", "_usage")

    def __init__(self, answering: Answering) -> None:
        """Start before the first event."""
        self._answering = answering
        self._frame: ChunkFrame | None = None
        self._open: dict[int, _Open] = {}
        """By choice."""
        self._calls: dict[int, int] = {}
        """How many calls each choice has by now."""
        self._said: dict[int, int] = {}
        """Characters of the texts that have ended, by choice."""
        self._spoke: set[int] = set()
        """Choices that have named their role."""
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:
        """Take an event; return its chunks."""
        match event:
            case PartDelta():
                return self._grow(event)
            case PartStarted():
                return self._role(event.choice) + self._start(event)
            case PartEnded():
                return self._end(event)
            case Started():
                self._frame = ChunkFrame(event.id, self._answering)
            case UsageReported():
                self._usage = event.usage
            case Finished():
                return self._role(event.choice) + self.frame.finish(event.choice, write_finish(event.finish))
            case Failed():
                pass
        return b""

    def close(self) -> bytes:
        """Return the usage chunk, if it was asked for, and the end marker."""
        if self._usage is None or not self._answering.envelope.wants_usage:
            return _END
        return self.frame.usage(write_usage(self._usage)) + _END

    @property
    def frame(self) -> ChunkFrame:
        """What chunks are written in."""
        if self._frame is None:
            self._frame = ChunkFrame("", self._answering)
        return self._frame

    def _role(self, choice: int) -> bytes:
        if choice in self._spoke or not self.frame.is_chat:
            return b""
        self._spoke.add(choice)
        return self.frame.delta(choice, {"role": "assistant", "content": ""})

    def _start(self, event: PartStarted) -> bytes:
        part, choice = event.part, event.choice
        around = self._around(part, choice)
        self._open[choice] = _Open(part, around)
        if not self.frame.is_chat:
            return (
                self._grow(PartDelta(event.index, part.text, choice)) if isinstance(part, Text) and part.text else b""
            )
        match part:
            case Text() | Refusal() | Thinking():
                return _written(around, part.text) if part.text else b""
            case ToolCall():
                self._open[choice].has_grown = bool(part.arguments)
                return self.frame.delta(choice, {"tool_calls": [self._call(part, choice)]})
            case Image() if image := write_image(part):
                return self.frame.delta(choice, {"images": [image]})
            case Audio():
                return self.frame.delta(choice, {"audio": write_speech(part, self._answering)})
            case _:
                return b""

    def _around(self, part: Part, choice: int) -> Around | None:
        """Return what stands around the texts a part grows by; None for what grows by none, or is told nowhere."""
        frame = self.frame
        if not frame.is_chat:
            return frame.around_text(choice) if isinstance(part, Text) else None
        if isinstance(part, ToolCall):
            self._calls[choice] = self._calls.get(choice, -1) + 1
            return frame.around_arguments(choice, self._calls[choice])
        names = _NAMES.get(type(part))
        return frame.around(choice, *names) if names else None

    def _call(self, call: ToolCall, choice: int) -> Wire:
        return {
            "index": self._calls[choice],
            "id": call.id or self._answering.new_id("call_"),
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
            **write_call_signature(call),
        }

    def _grow(self, event: PartDelta) -> bytes:
        found = self._open.get(event.choice)
        if found is None or found.around is None:
            return b""
        if found.growing is not None:
            found.growing.add(event)
        found.has_grown = found.has_grown or bool(event.text)
        found.length += len(event.text)
        if event.logprobs and self.frame.is_chat:
            return self._likely(event) + self._annotated(found, event)
        before, after = found.around
        written = before + encode(event.text) + after if event.text else b""
        if event.data or event.signature:
            written += self._beside(found.part, event)
        return written + self._annotated(found, event) if event.citations else written

    def _likely(self, event: PartDelta) -> bytes:
        """Write text with its tokens."""
        logprobs = {"content": write_logprobs(event.logprobs), "refusal": None}
        return self.frame.delta(event.choice, {"content": event.text}, logprobs)

    def _annotated(self, found: _Open, event: PartDelta) -> bytes:
        """Write citations of a text, whose places count from the beginning of the whole content here."""
        offset = self._said.get(event.choice, 0)
        written = [write_annotation(each, offset, found.length) for each in event.citations]
        annotations = [each for each in written if each is not None]
        return self.frame.delta(event.choice, {"annotations": annotations}) if annotations else b""

    def _beside(self, part: Part, event: PartDelta) -> bytes:
        """Write what of a delta is no text."""
        if event.data:
            return self.frame.delta(event.choice, {"audio": {"data": event.data}})
        if not isinstance(part, ToolCall):
            return b""
        signed = write_call_signature(structs.replace(part, signature=event.signature))
        return self.frame.delta(event.choice, {"tool_calls": [{"index": self._calls[event.choice], **signed}]})

    def _end(self, event: PartEnded) -> bytes:
        found = self._open.pop(event.choice, None)
        if found is None or found.around is None or not self.frame.is_chat:
            return b""
        if isinstance(found.part, Text):
            self._said[event.choice] = self._said.get(event.choice, 0) + found.length
            return b""
        if isinstance(found.part, ToolCall) and not found.has_grown:
            return _written(found.around, "{}")
        whole = found.growing.part() if found.growing else None
        block = write_thinking_block(whole) if isinstance(whole, Thinking) else None
        return b"" if block is None else self.frame.delta(event.choice, {"thinking_blocks": [block]})


def _written(around: Around | None, text: str) -> bytes:
    return b"" if around is None else around.before + encode(text) + around.after
