"""However an answer is cut on its way, what is forwarded and what is metered is the same."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from clinx.dialects.base import StreamTap
from clinx.dialects.openai_chat.stream import ChatTap
from clinx.dialects.sse import SseReader
from clinx.domain.catalog import StreamEnd
from clinx.domain.usage import Usage

EVENTS = st.sampled_from(
    [
        {"choices": [], "prompt_filter_results": []},
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
        {"choices": [{"index": 0, "delta": {"content": "Hello ü🙂"}}]},
        {"choices": [{"index": 1, "delta": {"reasoning_content": "so"}}], "usage": None},
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}}]},
        {"choices": [{"index": 0, "text": "plain"}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]},
        {"choices": [], "usage": {"prompt_tokens": 8, "completion_tokens": 3}},
        {"choices": [{"index": 0, "delta": {}}], "usage": {"prompt_tokens": 8, "completion_tokens": 5}},
        {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 1}},
        {"choices": [{"index": 1.0, "delta": {"thinking": "hm"}}], "x_groq": "odd"},
        {"error": {"message": "no"}},
    ]
).map(lambda event: b"data: " + json.dumps(event, ensure_ascii=False).encode())
BARE = [b": ping", b": secret", b": secret\ndata: {}", b"id: 1\n:", b"retry: 1", b"data: [DONE]", b"data:", b"data: <"]
BLOCKS = st.one_of(EVENTS, EVENTS, st.sampled_from(BARE))
ENDS = st.sampled_from([b"\n\n", b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\n\n"])
STREAMS = st.lists(st.tuples(BLOCKS, ENDS).map(b"".join), max_size=8).map(b"".join)


def outcome(tap: StreamTap, chunks: list[bytes]) -> tuple[object, ...]:
    text = ""
    forwarded = b""
    for chunk in chunks:
        forwarded += tap.feed(chunk)
        text += tap.take_text()
    forwarded += tap.close()
    text += tap.take_text()
    assert tap.text_size == 0
    return forwarded, text, tap.usage, tap.problem, tap.started, tap.finished, tap.answered, tap.tail, tap.made


@given(STREAMS, st.booleans(), st.sampled_from(StreamEnd), st.data())
def test_any_split_gives_the_same_answer(stream: bytes, wants_usage: bool, end: StreamEnd, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    stream = stream[: data.draw(st.sampled_from([len(stream), *cuts]))]
    chunks = [stream[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    whole = outcome(ChatTap(wants_usage=wants_usage, end=end), [stream])

    assert outcome(ChatTap(wants_usage=wants_usage, end=end), chunks) == whole
    assert outcome(ChatTap(wants_usage=wants_usage, end=end), [bytes([byte]) for byte in stream]) == whole


@given(STREAMS)
def test_nothing_is_invented(stream: bytes) -> None:
    tap = ChatTap(wants_usage=True, end=StreamEnd.DONE)

    forwarded = tap.feed(stream)

    for event in SseReader().feed(stream):
        shown = event.raw.replace(b": secret\n", b"") if event.data else b": ping\n\n"
        forwarded = forwarded.removeprefix(shown)
    assert forwarded == b""


@given(STREAMS)
def test_nothing_a_vendor_says_in_comments_is_forwarded(stream: bytes) -> None:
    tap = ChatTap(wants_usage=True, end=StreamEnd.DONE)

    assert b"secret" not in tap.feed(stream) + tap.close() + tap.tail


@given(STREAMS)
def test_reported_usage_never_shrinks(stream: bytes) -> None:
    tap = ChatTap(wants_usage=True, end=StreamEnd.DONE)
    before = Usage()

    for event in SseReader().feed(stream):
        tap.feed(event.raw)
        now = tap.usage or Usage()
        assert now.input_tokens >= before.input_tokens
        assert now.output_tokens >= before.output_tokens
        before = now
