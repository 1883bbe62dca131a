"""A fast upstream: one fixed chat completion and one fixed stream, whatever is asked.

    python -m bench.stub PORT    serves on that port of loopback until it is killed

A stream is written one event per turn of the loop, so that a gateway meets single events, as it does in the world.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import cast

import uvloop

EVENTS = 100
"""Content events of one stream."""

_WORDS = "the ledger balances and every entry is written once "
_USAGE = {"prompt_tokens": 180, "completion_tokens": EVENTS, "total_tokens": 180 + EVENTS}


def event(value: object) -> bytes:
    """Return one chunk with one event."""
    payload = b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(payload), payload)


def _chunk(choices: list[object], **more: object) -> dict[str, object]:
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "stub",
        "choices": choices,
        **more,
    }


def _delta(index: int) -> dict[str, object]:
    word = _WORDS.split(" ")[index % 9] + " "
    return _chunk([{"index": 0, "delta": {"content": word}, "logprobs": None, "finish_reason": None}])


_COMPLETION = json.dumps(
    {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "stub",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": (_WORDS * 10).strip(), "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    }
).encode()
_WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: stub\r\nContent-Length: %d\r\n\r\n%s" % (
    len(_COMPLETION),
    _COMPLETION,
)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Request-Id: stub\r\nTransfer-Encoding: chunked\r\n\r\n"
_CONTENT = tuple(event(_delta(index)) for index in range(EVENTS))
_FINISH = event(_chunk([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]))
REPORT = event(_chunk([], usage=_USAGE))
END = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


class Stub(asyncio.Protocol):
    """One connection: reads a request with a Content-Length, answers, reads the next."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = end + 4 + content_length(self._buffer[:end])
            if len(self._buffer) < length:
                return
            body, self._buffer = self._buffer[end + 4 : length], self._buffer[length:]
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        if b'"stream":true' in body or b'"stream": true' in body:
            events = [*_CONTENT, _FINISH, *([REPORT] if b"include_usage" in body else []), END]
            self._transport.write(HEAD)
            self._pour(events, 0)
        else:
            self._transport.write(_WHOLE)

    def _pour(self, events: list[bytes], index: int) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(events[index])
        if index + 1 < len(events):
            asyncio.get_running_loop().call_soon(self._pour, events, index + 1)


def content_length(head: bytes) -> int:
    """Return how long a request's body is."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def serve(port: int) -> None:
    """Listen on loopback for ever."""
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
