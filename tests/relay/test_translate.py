"""A channel of another wire format serves the caller, too: seen at both ends of a running gateway."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from clinx.dialects.embeddings.dialect import Embeddings
from clinx.dialects.gemini.dialect import Gemini
from clinx.dialects.openai_chat.dialect import OpenAIChat
from clinx.dialects.registry import DIALECTS
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.relay.translate import LARGE, translated_ways
from support.fake_upstream import FakeUpstream, sse
from support.gateway import Running, chat, chunks, completion, running_gateway

TREE = """\
version: 1
models:
  m: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 100}}
  lossy: {{price: free, max_output: 100, lossy: allow}}
channels:
  - name: main
    provider: {provider}
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [lossy, {{m: vendor/m}}]
    groups: [default]
"""
VERSION = {"anthropic-version": "2023-06-01"}


def message(text: str = "Hi") -> dict[str, Any]:
    """An answer as Anthropic gives it."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "vendor/m",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }


def events(*texts: str) -> bytes:
    """A streamed answer as Anthropic gives it."""
    told: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message(), "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}} for text in texts),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    return b"".join(b"event: %b\ndata: %b\n\n" % (each["type"].encode(), json.dumps(each).encode()) for each in told)


@pytest.fixture
async def messages(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    """A gateway whose only channel speaks Anthropic's format."""
    files = {"gateway.yaml": TREE.format(provider="anthropic", url=upstream.url)}
    async with running_gateway(tmp_path, files) as running:
        yield running


@pytest.fixture
async def chats(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    """A gateway whose only channel speaks OpenAI's format."""
    files = {"gateway.yaml": TREE.format(provider="openai-compatible", url=upstream.url)}
    async with running_gateway(tmp_path, files) as running:
        yield running


async def ask(
    gateway: Running, path: str, body: Any, headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    sent = {"Authorization": f"Bearer {await gateway.key()}", **(headers or {})}
    async with gateway.session.post(gateway.url + path, json=body, headers=sent) as response:
        return response.status, response.headers, await response.read()


async def test_a_chat_is_asked_for_and_answered_in_the_channels_words(
    messages: Running, upstream: FakeUpstream
) -> None:
    upstream.answers(json=message())

    status, headers, body = await ask(messages, "/v1/chat/completions", chat("m"))

    answer = json.loads(body)
    assert (status, answer["model"], answer["choices"][0]["message"]["content"]) == (200, "m", "Hi")
    assert answer["usage"]["total_tokens"] == 7
    assert "clinx-losses" not in headers
    assert upstream.requests[0].path == "/v1/messages"
    assert upstream.requests[0].json == {
        "model": "vendor/m",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say hello."}]}],
    }
    (log,) = await messages.request_logs()
    assert (log.dialect, log.usage, str(log.charge)) == ("openai_chat", Usage(input=5, output=2, call=1), "0.000009")


async def test_a_stream_comes_in_the_callers_words(messages: Running, upstream: FakeUpstream) -> None:
    stream = events("Hel", "lo")
    upstream.streams([stream[:100], stream[100:]])
    asked = chat("m", stream=True, stream_options={"include_usage": True})

    status, _, body = await ask(messages, "/v1/chat/completions", asked)

    *blocks, end, last = body.split(b"\n\n")
    told = [json.loads(block.removeprefix(b"data: ")) for block in blocks]
    assert (status, end, last) == (200, b"data: [DONE]", b"")
    assert [choice["delta"].get("content") for each in told for choice in each["choices"]] == ["", "Hel", "lo", None]
    assert [choice["finish_reason"] for each in told for choice in each["choices"]] == [None, None, None, "stop"]
    assert told[-1]["usage"]["total_tokens"] == 7
    (log,) = await messages.request_logs()
    assert (log.outcome, log.usage) == ("ok", Usage(input=5, output=2, call=1))


async def test_the_other_way_round(chats: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion("Hello!"))
    upstream.streams([sse(*chunks("Hel", "lo"))])
    asked = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}

    status, _, whole = await ask(chats, "/v1/messages", asked, VERSION)
    _, _, streamed = await ask(chats, "/v1/messages", {**asked, "stream": True}, VERSION)

    assert (status, json.loads(whole)["content"]) == (200, [{"type": "text", "text": "Hello!"}])
    assert streamed.startswith(b"event: message_start\n")
    assert streamed.rstrip().split(b"\n")[-2] == b"event: message_stop"
    assert upstream.requests[0].json == {
        "model": "vendor/m",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 50,
    }
    assert upstream.requests[1].json["stream_options"] == {"include_usage": True}
    assert "anthropic-version" not in upstream.requests[0].headers


THINKER = """\
provider: thinker
extends: openai-compatible
inline_thinking: true
"""


@pytest.fixture
async def thinking(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    """A gateway whose only channel speaks OpenAI's format, and leaves thoughts in the text."""
    files = {"gateway.yaml": TREE.format(provider="thinker", url=upstream.url), "providers/thinker.yaml": THINKER}
    async with running_gateway(tmp_path, files) as running:
        yield running


async def test_thoughts_in_a_text_are_told_apart_where_formats_match_and_where_not(
    thinking: Running, upstream: FakeUpstream
) -> None:
    upstream.answers(json=completion("<think>\nhm\n</think>\n\nHello!"))
    asked = chat("m", store=True, messages=[{"role": "user", "content": "hi", "odd": 1}])

    _, headers, chatted = await ask(thinking, "/v1/chat/completions", asked)
    _, _, told = await ask(thinking, "/v1/messages", {**asked, "max_tokens": 50}, VERSION)

    message = json.loads(chatted)["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("hm", "Hello!")
    assert "clinx-losses" not in headers
    assert upstream.requests[0].json == {**asked, "model": "vendor/m"}
    assert [block.get("thinking") or block["text"] for block in json.loads(told)["content"]] == ["hm", "Hello!"]


async def test_thoughts_in_a_stream_are_told_apart_where_formats_match(
    thinking: Running, upstream: FakeUpstream
) -> None:
    upstream.streams([sse(*chunks("<thi", "nk>h", "m</th", "ink>\n", "Hel", "lo"))])

    _, _, body = await ask(thinking, "/v1/chat/completions", chat("m", stream=True))

    *blocks, end, _ = body.split(b"\n\n")
    deltas = [json.loads(block.removeprefix(b"data: "))["choices"][0]["delta"] for block in blocks]
    assert end == b"data: [DONE]"
    assert deltas == [
        {"role": "assistant", "content": ""},
        *({"reasoning_content": "h"}, {"reasoning_content": "m"}),
        *({"content": "Hel"}, {"content": "lo"}),
        {},
    ]
    (log,) = await thinking.request_logs()
    assert log.usage == Usage(input=9, output=3, call=1)


async def test_a_whole_answer_tells_what_was_counted_too(chats: Running, upstream: FakeUpstream) -> None:
    answer = completion("Hello there")
    del answer["usage"]
    upstream.answers(json=answer)
    asked = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}

    _, _, body = await ask(chats, "/v1/messages", asked, VERSION)

    told = json.loads(body)["usage"]
    (log,) = await chats.request_logs()
    assert log.usage == Usage(input=told["input_tokens"], output=told["output_tokens"], call=1, estimated=True)
    assert told["output_tokens"] == 2


async def test_a_channel_may_put_thoughts_into_the_text(tmp_path: Path, upstream: FakeUpstream) -> None:
    tree = TREE.format(provider="openai-compatible", url=upstream.url) + "    thinking_to_content: true\n"
    answer = completion("Hello!")
    answer["choices"][0]["message"]["reasoning_content"] = "hm"
    said = chunks("Hello!")
    said[1:1] = [{**said[0], "choices": [{"index": 0, "delta": {"reasoning_content": "hm"}, "finish_reason": None}]}]
    upstream.answers(json=answer).streams([sse(*said)])
    async with running_gateway(tmp_path, {"gateway.yaml": tree}) as gateway:
        _, _, whole = await ask(gateway, "/v1/chat/completions", chat("m"))
        _, _, streamed = await ask(gateway, "/v1/chat/completions", chat("m", stream=True))

    message = json.loads(whole)["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "<think>\nhm\n</think>\nHello!", "refusal": None}
    deltas = [json.loads(each[6:])["choices"][0]["delta"] for each in streamed.split(b"\n\n")[:-2]]
    assert "".join(delta.get("content", "") for delta in deltas) == message["content"]
    assert not any("reasoning_content" in delta for delta in deltas)


async def test_what_an_upstream_does_not_report_is_counted_charged_and_told(
    chats: Running, upstream: FakeUpstream
) -> None:
    upstream.streams([sse(*chunks("Hello there", usage=None))])
    asked = {"model": "m", "max_tokens": 50, "stream": True, "messages": [{"role": "user", "content": "hi"}]}

    _, _, body = await ask(chats, "/v1/messages", asked, VERSION)

    told = json.loads(body.split(b"event: message_delta\ndata: ")[1].split(b"\n")[0])["usage"]
    (log,) = await chats.request_logs()
    assert log.usage == Usage(input=told["input_tokens"], output=told["output_tokens"], call=1, estimated=True)
    assert told["output_tokens"] == 2


async def test_a_text_completion_is_a_chat_where_nobody_completes(messages: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=message("said the cat"))

    status, headers, body = await ask(messages, "/v1/completions", {"model": "m", "prompt": "Meow,", "best_of": 1})

    answer = json.loads(body)
    assert (status, answer["object"], answer["choices"][0]["text"]) == (200, "text_completion", "said the cat")
    assert headers["clinx-losses"] == "best_of"


async def test_what_cannot_be_said_without_harm_is_refused_and_nobody_is_asked(
    messages: Running, upstream: FakeUpstream
) -> None:
    status, _, body = await ask(messages, "/v1/chat/completions", chat("m", n=2))

    error = json.loads(body)["error"]
    assert (status, error["code"], error["param"]) == (400, "unsupported_by_model", "n")
    assert upstream.requests == []
    (log,) = await messages.request_logs()
    assert (log.outcome, log.attempts, str(log.charge)) == ("unsupported_by_model", (), "0")


async def test_an_operator_may_allow_a_model_to_lose_it(messages: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=message())

    status, headers, _ = await ask(messages, "/v1/chat/completions", chat("lossy", n=2, store=True))

    assert status == 200
    assert headers["clinx-losses"] == "store, n"


async def test_a_channel_that_cannot_be_told_leaves_the_request_to_the_next(
    tmp_path: Path, upstream: FakeUpstream
) -> None:
    tree = TREE.format(provider="anthropic", url=upstream.url) + (
        f'  - {{name: other, provider: openai-compatible, base_url: "{upstream.url}", models: [m], groups: [default],'
        ' credentials: ["${env:UPSTREAM_KEY}"], priority: -1}\n'
    )
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, {"gateway.yaml": tree}) as gateway:
        status, _, _ = await ask(gateway, "/v1/chat/completions", chat("m", n=2))
        (log,) = await gateway.request_logs()

    assert (status, [attempt.channel for attempt in log.attempts]) == (200, ["other"])


async def test_the_next_channel_of_another_format_may_answer(tmp_path: Path, upstream: FakeUpstream) -> None:
    tree = TREE.format(provider="anthropic", url=upstream.url) + (
        f'  - {{name: other, provider: anthropic, base_url: "{upstream.url}", models: [m], groups: [default],'
        ' credentials: ["${env:UPSTREAM_KEY}"], priority: -1}\n'
    )
    upstream.answers(status=500, json={}).answers(json=message())
    async with running_gateway(tmp_path, {"gateway.yaml": tree}) as gateway:
        status, _, _ = await ask(gateway, "/v1/chat/completions", chat("m"))

    assert (status, [request.json["model"] for request in upstream.requests]) == (200, ["vendor/m", "m"])


async def test_what_a_vendor_gave_no_id_gets_one(chats: Running, upstream: FakeUpstream) -> None:
    calls = [{"function": {"name": "f", "arguments": "{}"}} for _ in range(2)]
    upstream.answers(json={"choices": [{"message": {"tool_calls": calls}}]})
    asked = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}

    _, headers, body = await ask(chats, "/v1/messages", asked, VERSION)

    answer = json.loads(body)
    bare = headers["clinx-request-id"].removeprefix("req_")
    ids = {answer["id"], *(block["id"] for block in answer["content"])}
    assert len(ids) == 3
    assert all(bare in each for each in ids)


async def test_a_refusal_is_read_in_the_upstreams_words_and_told_in_the_callers(
    messages: Running, upstream: FakeUpstream
) -> None:
    upstream.answers(status=400, json={"type": "error", "error": {"type": "invalid_request_error", "message": "bad"}})

    status, _, body = await ask(messages, "/v1/chat/completions", chat("m"))

    assert (status, json.loads(body)["error"]["message"]) == (400, "bad")


async def test_a_stream_that_breaks_ends_with_an_error_of_the_callers(
    messages: Running, upstream: FakeUpstream
) -> None:
    upstream.streams([events("Hello").partition(b"event: content_block_stop")[0]])

    status, _, body = await ask(messages, "/v1/chat/completions", chat("m", stream=True))

    *_, hello, last, _ = body.split(b"\n\n")
    assert (status, json.loads(hello.removeprefix(b"data: "))["choices"][0]["delta"]) == (200, {"content": "Hello"})
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "upstream_broken"
    assert [log.outcome for log in await messages.request_logs()] == ["upstream_broken"]


async def test_a_request_that_cannot_be_read_whole_is_refused(messages: Running, upstream: FakeUpstream) -> None:
    status, _, body = await ask(messages, "/v1/chat/completions", chat("m", temperature="hot"))

    assert (status, json.loads(body)["error"]["param"]) == (400, "temperature")
    assert upstream.requests == []


async def test_large_requests_and_answers_are_translated_too(messages: Running, upstream: FakeUpstream) -> None:
    text = "x" * LARGE
    upstream.answers(json=message(text))

    status, _, body = await ask(
        messages, "/v1/chat/completions", chat("lossy", messages=[{"role": "user", "content": text}])
    )

    assert (status, json.loads(body)["choices"][0]["message"]["content"]) == (200, text)
    assert upstream.requests[0].json["messages"][0]["content"] == [{"type": "text", "text": text}]


async def test_a_nonsensical_answer_moves_on(messages: Running, upstream: FakeUpstream) -> None:
    upstream.answers(body=b"<html>")

    status, _, body = await ask(messages, "/v1/chat/completions", chat("m"))

    assert (status, json.loads(body)["error"]["code"]) == (502, "upstream_broken")


def test_chats_go_every_way_that_is_translated_but_their_own() -> None:
    coded = [name for name, dialect in DIALECTS.items() if dialect.codec is not None]

    others = [(Operation.CHAT, name) for name in coded if name != "openai_chat"]
    assert list(translated_ways(OpenAIChat(), Operation.CHAT)) == others
    assert list(translated_ways(OpenAIChat(), Operation.COMPLETE)) == [(Operation.CHAT, name) for name in coded]
    assert translated_ways(OpenAIChat(), Operation.LIST_MODELS) == ()
    assert translated_ways(OpenAIChat(), Operation.EMBED) == ()


def test_embeddings_go_every_way_but_their_own_and_many_at_a_time_first() -> None:
    alone, batch, openai = (
        (Operation.EMBED, "gemini"),
        (Operation.EMBED_BATCH, "gemini"),
        (Operation.EMBED, "openai_embeddings"),
    )

    assert translated_ways(Embeddings(), Operation.EMBED) == (batch, alone)
    assert translated_ways(Gemini(), Operation.EMBED) == (batch, openai)
    assert translated_ways(Gemini(), Operation.EMBED_BATCH) == (openai, alone)


@pytest.mark.parametrize(
    ("provider", "answer"),
    [
        ("anthropic", b'{"content":[{"type":"novel","x":%b}],"usage":{"input_tokens":5,"output_tokens":2}}'),
        (
            "gemini",
            b'{"candidates":[{"content":{"parts":[{"novel":%b}]}}],"usageMetadata":{"promptTokenCount":5}}',
        ),
        ("openai-compatible", b'{"choices":[{"message":{"content":[{"novel":%b}]}}]}'),
    ],
)
async def test_what_nests_as_deeply_as_can_only_just_be_read_is_no_defect(
    tmp_path: Path, upstream: FakeUpstream, provider: str, answer: bytes
) -> None:
    """How deep that is depends on who reads: what one reader could read, the next one may not."""
    tree = TREE.format(provider=provider, url=upstream.url) + "    circuit: {failures: 1000, volume: 1000}\n"
    outcomes: list[int] = []
    async with running_gateway(tmp_path, {"gateway.yaml": tree}) as gateway:
        key = await gateway.key()
        for depth in range(900, 980):
            upstream.forget()
            upstream.answers(body=answer % (b"[" * depth + b"]" * depth))
            status, _ = await gateway.post_raw("/v1/messages", {**chat("lossy"), "max_tokens": 9}, key=key)
            outcomes.append(status)

    assert set(outcomes) == {200, 502}
