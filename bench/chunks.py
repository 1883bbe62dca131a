"""What a chunk of a stream costs in our own code: ``python -m bench.chunks``.

Each dialect watches a stream of its own (pass-through), and each pair of dialects translates one. Every event comes in
a chunk of its own, as vendors send them. What is measured is CPU time from the bytes that were read to those that are
to be written; reading and writing are not part of it. The best of several runs counts, for anything else on the machine
only adds to a run.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from clinx.dialects.base import Answering, Codec, Dialect, Envelope, StreamTap
from clinx.dialects.body import JsonBody
from clinx.dialects.registry import DIALECTS
from clinx.domain.catalog import StreamEnd
from clinx.domain.operation import Operation
from clinx.relay.translating_tap import TranslatingTap

WORDS: Final = ("The", " quick", " brown", " fox", " jumps", " over", " the", " lazy", " dog", ",", " again", ".\\n")
CHUNKS: Final = 600
"""Chunks of content in one stream."""
PASS_THROUGH: Final = 3.0
TRANSLATION: Final = 15.0
"""The most microseconds a chunk may cost."""

_CHAT: Final = (
    'data: {{"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1760000000,'
    '"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{{"index":0,'
    '"delta":{{"content":"{word}"}},"logprobs":null,"finish_reason":null}}],"usage":null,"obfuscation":"a1b2c3"}}\n\n'
)
_RESPONSES: Final = (
    'event: response.output_text.delta\ndata: {{"type":"response.output_text.delta","item_id":"msg_67ccd2bf17f081",'
    '"output_index":0,"content_index":0,"delta":"{word}","logprobs":[],"sequence_number":{number},'
    '"obfuscation":"a1b2c3"}}\n\n'
)
_MESSAGES: Final = (
    'event: content_block_delta\ndata: {{"type":"content_block_delta","index":0,'
    '"delta":{{"type":"text_delta","text":"{word}"}}}}\n\n'
)
_CONTENT: Final = (
    'data: {{"candidates": [{{"content": {{"parts": [{{"text": "{word}"}}],"role": "model"}},"index": 0}}],'
    '"usageMetadata": {{"promptTokenCount": 19,"candidatesTokenCount": {number},"totalTokenCount": {total},'
    '"promptTokensDetails": [{{"modality": "TEXT","tokenCount": 19}}]}},"modelVersion": "gemini-2.5-flash",'
    '"responseId": "q7fIaPrKEZ2xvdIPgqiUuQI"}}\r\n\r\n'
)


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of a vendor's in the chunks it comes in: what begins it, what is measured, what ends it."""

    beginning: Sequence[bytes]
    middle: Sequence[bytes]
    end: Sequence[bytes]


def _stream(template: str, beginning: Sequence[str] = (), end: Sequence[str] = ()) -> Stream:
    words = [WORDS[place % len(WORDS)] for place in range(CHUNKS)]
    middle = [template.format(word=word, number=place + 4, total=place + 23) for place, word in enumerate(words)]
    begun, made, ended = ([each.encode() for each in part] for part in (beginning, middle, end))
    return Stream(begun, made, ended)


def _named(kind: str, rest: str) -> str:
    return f'event: {kind}\ndata: {{"type":"{kind}",{rest}}}\n\n'


STREAMS: Final = {
    "openai_chat": _stream(
        _CHAT,
        ['data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'],
        [
            'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
            "data: [DONE]\n\n",
        ],
    ),
    "openai_responses": _stream(
        _RESPONSES,
        [
            _named("response.created", '"sequence_number":0,"response":{"id":"r","model":"m","output":[]}'),
            _named(
                "response.output_item.added",
                '"sequence_number":1,"output_index":0,'
                '"item":{"id":"msg_67ccd2bf17f081","type":"message","role":"assistant","content":[]}',
            ),
            _named(
                "response.content_part.added",
                '"sequence_number":2,"item_id":"msg_67ccd2bf17f081","output_index":0,"content_index":0,'
                '"part":{"type":"output_text","text":"","annotations":[]}',
            ),
        ],
        [
            _named(
                "response.completed",
                '"sequence_number":9999,"response":{"id":"r","model":"m","status":"completed","output":[],'
                '"usage":{"input_tokens":19,"output_tokens":600,"total_tokens":619}}',
            )
        ],
    ),
    "anthropic": _stream(
        _MESSAGES,
        [
            _named(
                "message_start",
                '"message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],'
                '"usage":{"input_tokens":19,"output_tokens":1}}',
            ),
            _named("content_block_start", '"index":0,"content_block":{"type":"text","text":""}'),
        ],
        [
            _named("content_block_stop", '"index":0'),
            _named("message_delta", '"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":600}'),
            'event: message_stop\ndata: {"type":"message_stop"}\n\n',
        ],
    ),
    "gemini": _stream(
        _CONTENT,
        (),
        [
            (
                'data: {"candidates": [{"content": {"parts": [{"text": ""}],"role": "model"},"finishReason": "STOP",'
                '"index": 0}],"usageMetadata": {"promptTokenCount": 19,"candidatesTokenCount": 600,'
                '"totalTokenCount": 619}}\r\n\r\n'
            ),
        ],
    ),
}


def measure(make: Callable[[], StreamTap], stream: Stream, runs: int) -> tuple[float, float]:
    """Return the microseconds of CPU a chunk costs: the best run and the median one."""
    found = [_one(make(), stream) for _ in range(runs)]
    return min(found), statistics.median(found)


def _one(tap: StreamTap, stream: Stream) -> float:
    for data in stream.beginning:
        tap.feed(data)
    feed, middle = tap.feed, stream.middle
    gc.collect()
    started = time.process_time_ns()
    for data in middle:
        feed(data)
    spent = time.process_time_ns() - started
    for data in stream.end:
        tap.feed(data)
    tap.close()
    if not tap.finished or tap.problem is not None:
        raise RuntimeError(f"the stream was not understood: {tap.problem}")
    return spent / 1000 / len(middle)


def _native(dialect: Dialect) -> StreamTap:
    return dialect.tap(_envelope(dialect), StreamEnd.DONE)


def _translating(theirs: Dialect, ours: Dialect) -> StreamTap:
    decoder, answering = _codec(theirs).event_decoder(), Answering(_envelope(ours), 1_760_000_000, lambda kind: kind)
    return TranslatingTap(_native(theirs), decoder, _codec(ours).event_encoder(answering))


def _envelope(dialect: Dialect) -> Envelope:
    body = JsonBody.parse(b'{"model":"m","messages":[],"stream":true}')
    return Envelope(dialect.name, Operation.CHAT, "m", True, body, None, 1, 0, False)


def _codec(dialect: Dialect) -> Codec:
    if dialect.codec is None:
        raise RuntimeError(f"{dialect.name} is not translated")
    return dialect.codec


def main() -> None:
    """Measure and print a table for the documentation."""
    parser = argparse.ArgumentParser(prog="python -m bench.chunks", description=__doc__)
    parser.add_argument("--runs", type=int, default=60, help="streams of each kind")
    runs = parser.parse_args().runs
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, {_processor()};")
    print(f"load average {os.getloadavg()[0]:.1f}; CPU us per chunk, best of {runs} runs (median)\n")
    names = list(STREAMS)
    print("| from the upstream | pass-through | " + " | ".join(f"to {name}" for name in names) + " |")
    print("|---|--:|" + "--:|" * len(names))
    for theirs in names:
        cells = [measure(lambda theirs=theirs: _native(DIALECTS[theirs]), STREAMS[theirs], runs)]
        for ours in names:
            make = lambda theirs=theirs, ours=ours: _translating(DIALECTS[theirs], DIALECTS[ours])  # noqa: E731
            cells.append(measure(make, STREAMS[theirs], runs))
        print(f"| {theirs} | " + " | ".join(f"{best:.1f} ({middle:.1f})" for best, middle in cells) + " |", flush=True)


def _processor() -> str:
    """Name the processor, as far as the system does."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123  (a file of the kernel's)
            return next((line.partition(": ")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        return platform.processor()


if __name__ == "__main__":
    main()
