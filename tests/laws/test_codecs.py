"""Laws of every codec: what one format says another one can say, however it is cut, and nothing is too odd to read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinx.canonical.content import Citation, Text, TokenLogprob
from clinx.canonical.events import Failed
from clinx.canonical.fold import fold, unfold
from clinx.canonical.request import ChatRequest
from clinx.canonical.response import ChatResponse, Choice
from clinx.dialects.base import Dialect
from clinx.domain.catalog import StreamEnd
from clinx.errors import InvalidRequest, UpstreamBroken
from support.codecs import (
    CODED,
    answering,
    answers,
    assert_grammar,
    codec_of,
    encoded_request,
    envelope_of,
    kept,
    normal_answer,
    normal_request,
    read_stream,
    requests,
    streamed,
)

some = settings(max_examples=30, deadline=None)
every_codec = pytest.mark.parametrize("dialect", CODED, ids=lambda dialect: dialect.name)

MEMBERS = [
    *("id", "model", "choices", "index", "delta", "message", "content", "role", "type", "text", "tool_calls", "usage"),
    *("function", "name", "arguments", "finish_reason", "thinking", "signature", "input", "stop_reason", "tools"),
    *("candidates", "parts", "functionCall", "args", "usageMetadata", "finishReason", "contents", "output", "item"),
    *("response", "content_block", "messages", "system", "max_tokens", "image_url", "url", "source", "stop", "error"),
]
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5)),
    max_leaves=12,
)


@some
@given(answers())
def test_a_folded_answer_unfolds_to_the_same(answer: ChatResponse) -> None:
    assert fold(unfold(answer)) == answer


@every_codec
@some
@given(answer=answers())
def test_a_whole_answer_comes_back(dialect: Dialect, answer: ChatResponse) -> None:
    body = codec_of(dialect).encode_answer(answer, answering(dialect)).body

    assert normal_answer(codec_of(dialect).decode_answer(body)) == normal_answer(answer)


@every_codec
@some
@given(answer=answers())
def test_a_streamed_answer_comes_back(dialect: Dialect, answer: ChatResponse) -> None:
    events = read_stream(dialect, [streamed(dialect, unfold(answer))])

    assert_grammar(events)
    assert normal_answer(fold(events)) == normal_answer(answer)


@every_codec
@some
@given(request=requests())
def test_a_request_comes_back(dialect: Dialect, request: ChatRequest) -> None:
    envelope = envelope_of(dialect, encoded_request(dialect, request))

    assert normal_request(codec_of(dialect).decode_request(envelope)) == normal_request(kept(dialect, request))


@pytest.mark.parametrize("second", CODED, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("first", CODED, ids=lambda dialect: dialect.name)
@settings(max_examples=10, deadline=None)
@given(request=requests(), answer=answers())
def test_what_one_format_said_another_one_says(
    first: Dialect, second: Dialect, request: ChatRequest, answer: ChatResponse
) -> None:
    asked = codec_of(first).decode_request(envelope_of(first, encoded_request(first, request)))
    told = read_stream(first, [streamed(first, unfold(answer))])

    there = codec_of(second).decode_request(envelope_of(second, encoded_request(second, asked)))
    back = read_stream(second, [streamed(second, told)])

    assert normal_request(there) == normal_request(kept(second, kept(first, request)))
    assert normal_answer(fold(back)) == normal_answer(answer)


SOURCED = Text(
    "Été: it rained.",
    citations=(
        Citation("https://a.test", "A", start=5, end=7),
        Citation("https://b.test", "B"),
        Citation("https://a.test", "A", start=0, end=3),
    ),
    logprobs=(TokenLogprob("Été", -0.5, top=(TokenLogprob("Été", -0.5), TokenLogprob("At", -1.25))),),
)


@pytest.mark.parametrize("dialect", CODED, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("is_streamed", [False, True])
def test_sources_and_tokens_come_back(dialect: Dialect, is_streamed: bool) -> None:
    answer = ChatResponse("i", "m", (Choice((Text("So. "), SOURCED)),), None)
    codec = codec_of(dialect)

    if is_streamed:
        stream = streamed(dialect, unfold(answer))
        events = read_stream(dialect, [stream])
        assert read_stream(dialect, [bytes([byte]) for byte in stream]) == events
        assert_grammar(events)
        back = fold(events)
    else:
        back = codec.decode_answer(codec.encode_answer(answer, answering(dialect)).body)

    texts = [part for part in back.choices[0].parts if isinstance(part, Text)]
    cited = [(each.url, each.title) for text in texts for each in text.citations]
    assert cited == [(each.url, each.title) for each in SOURCED.citations]
    if dialect.name == "anthropic":
        assert [each.text for each in texts if each.citations] == [SOURCED.text]
        return
    assert [_quoted(text, each) for text in texts for each in text.citations] == ["it", SOURCED.text, "Été"]
    (likely,) = [token for text in texts for token in text.logprobs]
    assert (likely.token, [(each.token, each.logprob) for each in likely.top]) == (
        "Été",
        [("Été", -0.5), ("At", -1.25)],
    )


def _quoted(text: Text, citation: Citation) -> str:
    return text.text[citation.start : citation.end]


@every_codec
@some
@given(answer=answers(), data=st.data())
def test_any_split_gives_the_same_events(dialect: Dialect, answer: ChatResponse, data: st.DataObject) -> None:
    stream = streamed(dialect, unfold(answer))
    stream = stream[: data.draw(st.sampled_from([len(stream), len(stream) // 2]))]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    chunks = [stream[start:stop] for start, stop in pairwise([0, *cuts, len(stream)])]

    whole = read_stream(dialect, [stream])

    assert read_stream(dialect, chunks) == whole
    assert read_stream(dialect, [bytes([byte]) for byte in stream]) == whole


@every_codec
@some
@given(answer=answers())
def test_what_is_metered_is_what_is_translated(dialect: Dialect, answer: ChatResponse) -> None:
    codec, asked = codec_of(dialect), answering(dialect, stream=True)
    stream, body = streamed(dialect, unfold(answer)), codec.encode_answer(answer, asked).body
    tap = dialect.tap(asked.envelope, StreamEnd.DONE)

    forwarded = tap.feed(stream) + tap.close() + tap.tail

    assert tap.finished
    assert tap.usage == fold(read_stream(dialect, [forwarded])).usage
    assert dialect.read_answer(asked.envelope, body).usage == codec.decode_answer(body).usage


@every_codec
@some
@given(chunks=st.lists(st.tuples(st.sampled_from([b"", b"event: message_delta\n"]), JSON), max_size=6))
def test_no_stream_is_too_odd(dialect: Dialect, chunks: Sequence[tuple[bytes, Any]]) -> None:
    stream = b"".join(head + b"data: " + json.dumps(chunk).encode() + b"\n\n" for head, chunk in chunks)

    events = read_stream(dialect, [stream])

    assert_grammar(events)
    encoder = codec_of(dialect).event_encoder(answering(dialect, stream=True))
    for event in events:
        if not isinstance(event, Failed):
            assert isinstance(encoder.feed(event), bytes)
    assert isinstance(encoder.close(), bytes)


@every_codec
@some
@given(answer=answers(), places=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=4))
def test_no_stream_is_too_broken(dialect: Dialect, answer: ChatResponse, places: Sequence[tuple[int, int]]) -> None:
    stream = bytearray(streamed(dialect, unfold(answer)))
    for place, byte in places:
        stream[place % len(stream)] = byte

    assert_grammar(read_stream(dialect, [bytes(stream)]))


@every_codec
@some
@given(body=st.one_of(JSON.map(lambda value: json.dumps(value).encode()), st.binary(max_size=40)))
def test_no_answer_is_too_odd(dialect: Dialect, body: bytes) -> None:
    try:
        response = codec_of(dialect).decode_answer(body)
    except UpstreamBroken:
        return
    for other in CODED:
        codec_of(other).encode_answer(response, answering(other))


@every_codec
@some
@given(request=requests(), names=st.lists(st.sampled_from(MEMBERS), max_size=3), values=st.lists(JSON, min_size=3))
def test_no_request_is_too_odd(
    dialect: Dialect, request: ChatRequest, names: Sequence[str], values: Sequence[Any]
) -> None:
    body = json.loads(encoded_request(dialect, request))
    for name, value in zip(names, values, strict=False):
        body[name] = value
    try:
        asked = codec_of(dialect).decode_request(envelope_of(dialect, json.dumps(body).encode()))
    except InvalidRequest:
        return
    for other in CODED:
        encoded_request(other, asked)
