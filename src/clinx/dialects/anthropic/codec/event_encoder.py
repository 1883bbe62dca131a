"""Canonical events to a streamed message.

Blocks are numbered from 0 without gaps, and a text or a thought opens its block with its first word: clients send
blocks back as they got them, and empty ones are refused. Why the answer ended and what it used is told at the very end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from clinx.canonical.content import Audio, Citation, Part, Refusal, Text, Thinking, ToolCall
from clinx.canonical.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, UsageReported
from clinx.canonical.response import FinishReason
from clinx.dialects.anthropic.codec.answer_encoder import Block, call_id, encode_head, encode_part
from clinx.dialects.anthropic.codec.citations import write_citations
from clinx.dialects.anthropic.codec.reports import encode_finish, encode_usage
from clinx.dialects.anthropic.endpoints import NAME
from clinx.dialects.base import Answering
from clinx.domain.usage import Usage

_ENCODER: Final = msgspec.json.Encoder()
_HEAD: Final = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":'
_SPOKEN: Final = (Text, Refusal, Audio)
"""Parts that are text here."""
_EMPTY_TEXT: Final = {"type": "text", "text": ""}
_EMPTY_THOUGHT: Final = {"type": "thinking", "thinking": "", "signature": ""}


class MessageEventEncoder:
    """Writes one streamed message; an `EventEncoder`. Of several answers it writes the first."""

    __slots__ = ("_answering", "_block", "_finished", "_head", "_is_open", "_part", "_signature", "_usage")

    def __init__(self, answering: Answering) -> None:
        """Start before the first event."""
        self._answering = answering
        self._part: Part | None = None
        """The part that is open, as it started."""
        self._block = -1
        """The number of the last block."""
        self._head = b""
        """What each delta of the last block begins with."""
        self._is_open = False
        """The block of the open part has started."""
        self._signature = ""
        self._finished = Finished(FinishReason.STOP)
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:
        """Take an event; return what can be written now."""
        match event:
            case PartDelta():
                return self._delta(event) if not event.choice else b""
            case PartStarted():
                return self._start(event.part) if not event.choice else b""
            case PartEnded():
                return self._end() if not event.choice else b""
            case Started():
                return self._begin(event)
            case Finished():
                self._finished = event if not event.choice else self._finished
            case UsageReported():
                self._usage = event.usage
            case Failed():
                pass
        return b""

    def close(self) -> bytes:
        """Return the end of the stream: why, how much, and that it is over."""
        delta = encode_finish(self._finished.finish, self._finished.stop_sequence)
        end = _event("message_delta", {"type": "message_delta", "delta": delta, "usage": encode_usage(self._usage)})
        return end + _event("message_stop", {"type": "message_stop"})

    def _begin(self, event: Started) -> bytes:
        message: dict[str, object] = {
            **encode_head(event.id, self._answering),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": encode_usage(self._usage),
        }
        return _event("message_start", {"type": "message_start", "message": message})

    def _start(self, part: Part) -> bytes:
        self._part, self._is_open, self._signature = part, False, ""
        match part:
            case Text() | Refusal():
                return self._say(part.text) + (self._cite(part.citations) if isinstance(part, Text) else b"")
            case Audio():
                return self._say(part.transcript)
            case Thinking() if part.redacted is None or part.redacted.dialect != NAME:
                self._signature = _proof(part)
                return self._think(part.text)
            case ToolCall():
                identity = call_id(part, self._answering)
                start: dict[str, object] = {"type": "tool_use", "id": identity, "name": part.name, "input": {}}
                return self._open(start) + self._call(part.arguments)
            case _:
                block = encode_part(part, self._answering)
                return b"" if block is None else self._open(block)

    def _delta(self, event: PartDelta) -> bytes:
        part = self._part
        if isinstance(part, ToolCall):
            return self._call(event.text)
        if isinstance(part, _SPOKEN):
            return self._say(event.text) + self._cite(event.citations) if event.citations else self._say(event.text)
        if isinstance(part, Thinking):
            if event.signature is not None and event.signature.dialect == NAME:
                self._signature = event.signature.value
            return self._think(event.text)
        return b""

    def _end(self) -> bytes:
        part, self._part = self._part, None
        signed = b""
        if isinstance(part, Thinking) and part.redacted is None and (self._is_open or self._signature):
            # A thought of another vendor has an empty signature: clients want to see one.
            signed = b"" if self._is_open else self._open(_EMPTY_THOUGHT)
            signed += self._grow(b'"signature_delta","signature":', self._signature)
        if not self._is_open:
            return b""
        self._is_open = False
        return signed + _event("content_block_stop", {"type": "content_block_stop", "index": self._block})

    def _say(self, text: str) -> bytes:
        if not text:
            return b""
        opened = b"" if self._is_open else self._open(_EMPTY_TEXT)
        return opened + self._grow(b'"text_delta","text":', text)

    def _cite(self, citations: Sequence[Citation]) -> bytes:
        written = list(write_citations(citations))
        opened = b"" if self._is_open or not written else self._open(_EMPTY_TEXT)
        deltas = [{"type": "citations_delta", "citation": each} for each in written]
        head = {"type": "content_block_delta", "index": self._block}
        return opened + b"".join(_event("content_block_delta", {**head, "delta": delta}) for delta in deltas)

    def _think(self, text: str) -> bytes:
        if not text:
            return b""
        opened = b"" if self._is_open else self._open(_EMPTY_THOUGHT)
        return opened + self._grow(b'"thinking_delta","thinking":', text)

    def _call(self, fragment: str) -> bytes:
        return self._grow(b'"input_json_delta","partial_json":', fragment) if fragment else b""

    def _open(self, block: Block) -> bytes:
        self._block += 1
        self._is_open = True
        self._head = _HEAD % self._block
        start = {"type": "content_block_start", "index": self._block, "content_block": block}
        return _event("content_block_start", start)

    def _grow(self, kind: bytes, text: str) -> bytes:
        """Write a delta, which there are many of: only its text goes through the encoder."""
        return b"".join((self._head, kind, _ENCODER.encode(text), b"}}\n\n"))


def _proof(part: Thinking) -> str:
    return part.signature.value if part.signature is not None and part.signature.dialect == NAME else ""


def _event(name: str, data: object) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + _ENCODER.encode(data) + b"\n\n"
