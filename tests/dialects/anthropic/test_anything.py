"""Whatever comes in, the dialect refuses it or copes."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from clinx.dialects.anthropic.codec.event_decoder import MessageEventDecoder
from clinx.dialects.anthropic.dialect import Anthropic
from clinx.dialects.base import Inbound
from clinx.domain.catalog import StreamEnd
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest, UpstreamBroken

DIALECT = Anthropic()
NAMES = st.sampled_from(
    [
        *("type", "index", "delta", "text", "thinking", "partial_json", "signature", "stop_reason", "usage", "message"),
        *("content_block", "content", "source", "data", "media_type", "input", "id", "name", "error", "input_tokens"),
        *("iterations", "cache_creation", "server_tool_use", "output_tokens", "citations", "tool_use_id", "system"),
    ]
)
KINDS = st.sampled_from(
    [
        *("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"),
        *("text", "thinking", "tool_use", "tool_result", "image", "document", "base64", "content", "compaction"),
    ]
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | KINDS | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES, inner, max_size=5)
        | st.builds(lambda kind, more: {**more, "type": kind}, KINDS | inner, st.dictionaries(NAMES, inner, max_size=4))
    ),
    max_leaves=15,
)
BODIES = st.builds(
    lambda kind, more: json.dumps({**more, "type": kind}).encode(),
    KINDS | st.sampled_from([[], {}, None]),
    st.dictionaries(NAMES, ODD, max_size=8),
)


@given(st.lists(BODIES, max_size=6), st.sampled_from(StreamEnd))
def test_a_stream_of_anything_is_watched_and_read(events: list[bytes], end: StreamEnd) -> None:
    stream = b"".join(b"data: " + event + b"\n\n" for event in events)
    tap, decoder = DIALECT.tap(DIALECT.open_request(Operation.CHAT, post({})), end), MessageEventDecoder()

    forwarded = tap.feed(stream) + tap.close() + tap.tail
    decoder.feed(stream)
    decoder.close()

    assert tap.made >= 0
    assert forwarded == stream[: len(forwarded)]


@given(BODIES)
def test_an_answer_of_anything_is_read_or_broken(body: bytes) -> None:
    envelope = DIALECT.open_request(Operation.CHAT, post({}))

    with contextlib.suppress(UpstreamBroken):
        DIALECT.read_answer(envelope, body)
    with contextlib.suppress(UpstreamBroken):
        DIALECT.codec.decode_answer(body)
    DIALECT.read_problem(body)


@given(st.lists(ODD, max_size=4), ODD, ODD)
def test_a_request_of_anything_is_read_or_refused(messages: list[object], system: object, tools: object) -> None:
    members = {"messages": [{"role": "user", "content": messages}, *messages], "system": system, "tools": tools}

    with contextlib.suppress(InvalidRequest):
        envelope = DIALECT.open_request(Operation.CHAT, post(members))
        assert DIALECT.count_prompt(envelope, len) >= 0
        assert envelope.prompt_bytes >= len(envelope.body.data) - sum(map(len, envelope.body.data.split(b'"data"')))
        DIALECT.codec.decode_request(envelope)


def post(members: dict[str, object]) -> Inbound:
    body = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], **members}
    return Inbound(method="POST", path="/", match={}, query={}, headers={}, body=json.dumps(body).encode())
