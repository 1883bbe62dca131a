"""What is the same in all chunks of one stream, made once."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from clinx.dialects.base import Answering
from clinx.dialects.openai_chat.codec.media import Wire
from clinx.domain.operation import Operation

encode: Final = msgspec.json.Encoder().encode

_OPEN: Final = b',"finish_reason":null}]}\n\n'


class Around(NamedTuple):
    """What stands before and behind the text of a delta, in a chunk of its own."""

    before: bytes
    after: bytes


class ChunkFrame:
    """Writes chunks of one stream, of a chat or of a text completion."""

    __slots__ = ("_head", "is_chat")

    def __init__(self, identity: str, answering: Answering) -> None:
        """Take what all chunks say; an answer without an id gets one."""
        self.is_chat = answering.envelope.operation is Operation.CHAT
        kind = "chat.completion.chunk" if self.is_chat else "text_completion"
        fields = {
            "id": identity or answering.new_id("chatcmpl-" if self.is_chat else "cmpl-"),
            "object": kind,
            "created": answering.now,
            "model": answering.envelope.model,
        }
        self._head = b"data: " + encode(fields)[:-1] + b',"choices":['

    def delta(self, choice: int, delta: Wire, logprobs: Wire | None = None) -> bytes:
        """Write a chunk of a chat with one delta, and its tokens where they were asked for."""
        likely = b"" if logprobs is None else b',"logprobs":' + encode(logprobs)
        return self._head + b'{"index":%d,"delta":' % choice + encode(delta) + likely + _OPEN

    def around(self, choice: int, *names: str) -> Around:
        """Return what stands around a text that is said under a name, or deeper, in the delta of a chat."""
        before = b"".join(b'{"%b":' % name.encode() for name in names)
        return Around(self._head + b'{"index":%d,"delta":' % choice + before, b"}" * len(names) + _OPEN)

    def around_arguments(self, choice: int, call: int) -> Around:
        """Return what stands around more of the arguments of a call."""
        before = b'{"index":%d,"delta":{"tool_calls":[{"index":%d,"function":{"arguments":' % (choice, call)
        return Around(self._head + before, b"}}]}" + _OPEN)

    def around_text(self, choice: int) -> Around:
        """Return what stands around more text of a text completion."""
        return Around(self._head + b'{"text":', b',"index":%d,"logprobs":null' % choice + _OPEN)

    def finish(self, choice: int, reason: str) -> bytes:
        """Write the last chunk of a choice."""
        empty = b'"delta":{}' if self.is_chat else b'"text":"","logprobs":null'
        return self._head + b'{"index":%d,%b,"finish_reason":%b}]}\n\n' % (choice, empty, encode(reason))

    def usage(self, usage: Wire) -> bytes:
        """Write the chunk that only reports usage."""
        return self._head + b'],"usage":' + encode(usage) + b"}\n\n"
