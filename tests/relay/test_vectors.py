"""A channel of the other format embeds for the caller, too: seen at both ends of a running gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.relay.vectors import vector_ways
from support.fake_upstream import FakeUpstream
from support.gateway import Running, running_gateway

TREE = """\
version: 1
models:
  to_google: {{price: {{input: "1", per: 1M}}}}
  to_openai: {{price: {{input: "1", per: 1M}}}}
  one_by_one: {{price: {{input: "1", per: 1M}}}}
  lossy: {{price: {{input: "1", per: 1M}}, lossy: allow}}
  lossy_one_by_one: {{price: {{input: "1", per: 1M}}, lossy: allow}}
  chats_only: {{price: {{input: "1", per: 1M}}}}
  either: {{price: {{input: "1", per: 1M}}}}
channels:
  - {{name: contents, provider: gemini, models: [{{to_google: gem}}, lossy], {more}}}
  - {{name: inputs, provider: openai-compatible, models: [{{to_openai: ada}}], {more}, set: {{dimensions: 2}}}}
  - {{name: single, provider: single, models: [one_by_one, lossy_one_by_one], {more}}}
  - {{name: first, provider: gemini, models: [either], priority: 2, {more}}}
  - {{name: second, provider: openai-compatible, models: [either], {more}}}
  - {{name: chats, provider: anthropic, models: [chats_only], {more}}}
"""
SINGLE = "provider: single\nextends: gemini\nendpoints: {batch_embed_contents: ~}\n"
HELLO = {"parts": [{"text": "hello"}]}
GOOGLE = {"embeddings": [{"values": [0.25]}, {"values": [0.5]}], "usageMetadata": {"promptTokenCount": 7}}
OPENAI: dict[str, Any] = {
    "object": "list",
    "model": "ada",
    "data": [{"index": 1, "embedding": [0.5]}, {"index": 0, "embedding": [0.25]}],
    "usage": {"prompt_tokens": 7, "total_tokens": 7},
}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def gateway(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    more = f'base_url: "{upstream.url}", credentials: ["${{env:UPSTREAM_KEY}}"], groups: [default]'
    files = {"gateway.yaml": TREE.format(more=more), "providers/single.yaml": SINGLE}
    async with running_gateway(tmp_path, files) as running:
        yield running


async def ask_openai(gateway: Running, model: str, **body: Any) -> tuple[int, Any]:
    return await gateway.post("/v1/embeddings", {"model": model, **body}, key=await gateway.key())


async def ask_google(gateway: Running, model: str, method: str, body: Any) -> tuple[int, Any]:
    headers = {"x-goog-api-key": await gateway.key()}
    return await gateway.post(f"/v1beta/models/{model}:{method}", body, headers=headers)


async def test_a_batch_is_asked_of_a_google_channel(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=GOOGLE)

    status, body = await ask_openai(gateway, "to_google", input=["hello", "there"], dimensions=2)

    assert (status, body) == (
        200,
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": 0, "embedding": [0.25]},
                {"object": "embedding", "index": 1, "embedding": [0.5]},
            ],
            "model": "to_google",
            "usage": {"prompt_tokens": 7, "total_tokens": 7},
        },
    )
    assert upstream.requests[0].path == "/v1beta/models/gem:batchEmbedContents"
    assert upstream.requests[0].json == {
        "requests": [
            {"model": "models/gem", "content": {"parts": [{"text": text}]}, "outputDimensionality": 2}
            for text in ("hello", "there")
        ]
    }
    log = (await gateway.request_logs())[0]
    assert (log.dialect, log.operation, log.usage) == ("openai_embeddings", "embed", Usage(input=7, call=1))
    assert (log.channel, str(log.charge)) == ("contents", "0.000007")


async def test_a_batch_is_asked_of_an_openai_channel_with_its_quirks(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=OPENAI)
    requests = [{"content": HELLO}, {"content": {"parts": [{"text": "the"}, {"text": "re"}]}}]

    status, body = await ask_google(gateway, "to_openai", "batchEmbedContents", {"requests": requests})

    assert (status, body) == (200, GOOGLE)
    assert upstream.requests[0].path == "/v1/embeddings"
    assert upstream.requests[0].json == {"model": "ada", "input": ["hello", "there"], "dimensions": 2}
    log = (await gateway.request_logs())[0]
    assert (log.dialect, log.operation, log.usage) == ("gemini", "embed_batch", Usage(input=7, call=1))
    assert (log.channel, str(log.charge)) == ("inputs", "0.000007")


async def test_one_content_is_asked_of_an_openai_channel(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json={**OPENAI, "data": [{"index": 0, "embedding": "AACAPg=="}]})

    status, body = await ask_google(gateway, "to_openai", "embedContent", {"content": HELLO})

    assert (status, body) == (200, {"embedding": {"values": [0.25]}, "usageMetadata": {"promptTokenCount": 7}})
    assert upstream.requests[0].json["input"] == "hello"


async def test_what_only_one_format_has_is_named_in_a_header(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json={**OPENAI, "data": OPENAI["data"][1:]})
    body = {"content": HELLO, "taskType": "RETRIEVAL_QUERY", "title": "T", "autoTruncate": False}

    key, url = await gateway.key(), f"{gateway.url}/v1beta/models/to_openai:embedContent"
    async with gateway.session.post(url, json=body, headers={"x-goog-api-key": key}) as answer:
        assert answer.headers["Clinx-Losses"] == "autoTruncate, taskType, title"
    assert upstream.requests[0].json == {"model": "ada", "input": "hello", "dimensions": 2}


async def test_base64_is_made_of_numbers(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json={"embeddings": [{"values": [0.25, -0.5]}]})

    _, body = await ask_openai(gateway, "to_google", input="hello", encoding_format="base64")

    assert body["data"] == [{"object": "embedding", "index": 0, "embedding": "AACAPgAAAL8="}]


@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2], [3]]])
async def test_tokens_are_refused_where_only_texts_are_taken(
    gateway: Running, upstream: FakeUpstream, tokens: Any
) -> None:
    status, body = await ask_openai(gateway, "to_google", input=tokens)

    assert (status, body["error"]["code"], body["error"]["param"]) == (400, "unsupported_by_model", "input")
    assert upstream.requests == []
    assert str((await gateway.request_logs())[0].charge) == "0"


async def test_a_picture_is_refused_where_only_texts_are_taken(gateway: Running, upstream: FakeUpstream) -> None:
    picture = {"parts": [{"inlineData": {"mimeType": "image/png", "data": "QUJD"}}]}

    status, body = await ask_google(gateway, "to_openai", "embedContent", {"content": picture})

    assert (status, body["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert upstream.requests == []


async def test_a_severe_loss_is_borne_where_the_operator_allows_it(gateway: Running, upstream: FakeUpstream) -> None:
    said = {"code": 400, "message": "content is empty", "status": "INVALID_ARGUMENT"}
    upstream.answers(status=400, json={"error": said})

    status, body = await ask_openai(gateway, "lossy", input=[1, 2])

    assert (status, body["error"]["message"]) == (400, "content is empty")
    assert upstream.requests[0].json == {"requests": [{"model": "models/lossy", "content": {"parts": []}}]}


async def test_a_channel_that_embeds_one_at_a_time_serves_one(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json={"embedding": {"values": [0.25]}})

    status, body = await ask_openai(gateway, "one_by_one", input=["hello"])

    assert (status, body["data"][0]["embedding"]) == (200, [0.25])
    assert upstream.requests[0].path == "/v1beta/models/one_by_one:embedContent"
    assert upstream.requests[0].json == {"model": "models/one_by_one", "content": HELLO}


@pytest.mark.parametrize("model", ["one_by_one", "lossy_one_by_one"])
async def test_a_channel_that_embeds_one_at_a_time_is_not_asked_for_two(
    gateway: Running, upstream: FakeUpstream, model: str
) -> None:
    status, body = await ask_openai(gateway, model, input=["hello", "there"])

    assert (status, body["error"]["code"]) == (400, "unsupported_by_model")
    assert upstream.requests == []


async def test_tokens_go_to_the_channel_that_takes_them(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=OPENAI)

    status, body = await ask_openai(gateway, "either", input=[[1], [2]])

    assert (status, body) == (200, OPENAI)
    assert [request.path for request in upstream.requests] == ["/v1/embeddings"]


async def test_another_format_takes_over_where_the_first_fails(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(status=503, json={"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}})
    upstream.answers(json=OPENAI)
    requests = [{"content": HELLO}, {"content": HELLO}]

    status, body = await ask_google(gateway, "either", "batchEmbedContents", {"requests": requests})

    assert (status, body) == (200, GOOGLE)
    paths = [request.path for request in upstream.requests]
    assert paths == ["/v1beta/models/either:batchEmbedContents", "/v1/embeddings"]
    log = (await gateway.request_logs())[0]
    assert (log.channel, str(log.charge)) == ("second", "0.000007")


async def test_a_channel_without_embeddings_is_left_out(gateway: Running, upstream: FakeUpstream) -> None:
    status, body = await ask_openai(gateway, "chats_only", input="hello")

    assert (status, body["error"]["code"]) == (400, "invalid_request")
    assert upstream.requests == []


@pytest.mark.parametrize("vectors", [[], [{"values": [0.25]}], [{"values": [0.25]}] * 3, [{"values": ["x"]}] * 2])
async def test_what_is_not_one_vector_for_each_input_is_broken_and_free(
    gateway: Running, upstream: FakeUpstream, vectors: Any
) -> None:
    upstream.answers(json={**GOOGLE, "embeddings": vectors})

    status, body = await ask_openai(gateway, "to_google", input=["hello", "there"])

    assert (status, body["error"]["code"]) == (502, "upstream_broken")
    assert str((await gateway.request_logs())[0].charge) == "0"


@pytest.mark.parametrize("caller", ["openai", "google"])
@pytest.mark.parametrize("model", ["to_openai", "to_google"])
async def test_without_a_report_every_pair_counts_and_costs_the_same(
    gateway: Running, upstream: FakeUpstream, caller: str, model: str
) -> None:
    silent = {name: OPENAI[name] for name in ("object", "model", "data")}
    upstream.answers(json=silent if model == "to_openai" else {"embeddings": GOOGLE["embeddings"]})
    requests = [{"content": HELLO}, {"content": {"parts": [{"text": "there is more"}]}}]

    if caller == "openai":
        _, body = await ask_openai(gateway, model, input=["hello", "there is more"])
        told = body.get("usage")
    else:
        _, body = await ask_google(gateway, model, "batchEmbedContents", {"requests": requests})
        told = body.get("usageMetadata")

    log = (await gateway.request_logs())[0]
    assert (log.usage, str(log.charge)) == (Usage(input=4, call=1, estimated=True), "0.000004")
    is_translated = (caller == "openai") != (model == "to_openai")
    counts = {"prompt_tokens": 4, "total_tokens": 4} if caller == "openai" else {"promptTokenCount": 4}
    assert told == (counts if is_translated else None)


async def test_a_large_batch_is_translated_beside_the_loop(gateway: Running, upstream: FakeUpstream) -> None:
    values = [0.125] * 1536
    upstream.answers(json={"embeddings": [{"values": values}] * 100})

    status, body = await ask_openai(gateway, "to_google", input=["x" * 4000] * 100)

    assert (status, len(body["data"]), body["data"][99]["embedding"]) == (200, 100, values)


async def test_what_the_vendor_refuses_is_said_in_the_caller_s_format(gateway: Running, upstream: FakeUpstream) -> None:
    said = {"message": "too many inputs", "type": "invalid_request_error", "param": None, "code": None}
    upstream.answers(status=400, json={"error": said})

    status, body = await ask_google(gateway, "to_openai", "embedContent", {"content": HELLO})

    assert (status, body) == (
        400,
        {"error": {"code": 400, "message": "too many inputs", "status": "INVALID_ARGUMENT"}},
    )


async def test_what_the_caller_wrote_wrongly_is_named(gateway: Running, upstream: FakeUpstream) -> None:
    status, body = await ask_openai(gateway, "to_google", input="hello", encoding_format="hex")

    assert (status, body["error"]["code"], body["error"]["param"]) == (400, "invalid_request", "encoding_format")
    assert upstream.requests == []


def test_who_embeds_nothing_has_no_ways() -> None:
    assert vector_ways("openai_chat", Operation.EMBED) == ()
