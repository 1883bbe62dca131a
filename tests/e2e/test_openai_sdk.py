"""The official SDK against a running gateway: what a user's program sees."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from support.fake_upstream import FakeUpstream, sse
from support.gateway import Running, chunks, completion, running_gateway, tree_for

MESSAGES: Any = [{"role": "user", "content": "Say hello."}]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def gateway(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    async with running_gateway(tmp_path, tree_for(upstream.url)) as running:
        yield running


def client(gateway: Running, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0, timeout=10)


async def test_a_chat_completion_through_the_async_client(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion("Hello there!"))
    async with client(gateway, await gateway.key()) as sdk:
        answer = await sdk.chat.completions.create(model="fake-model", messages=MESSAGES)

    assert answer.choices[0].message.content == "Hello there!"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (9, 3)


async def test_a_chat_completion_through_the_sync_client(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion("Hello there!"))
    key = await gateway.key()

    def ask() -> str | None:
        with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0, timeout=10) as sdk:
            return sdk.chat.completions.create(model="fake-model", messages=MESSAGES).choices[0].message.content

    assert await asyncio.to_thread(ask) == "Hello there!"


async def test_a_stream_arrives_piece_by_piece_without_the_usage_nobody_asked_for(
    gateway: Running, upstream: FakeUpstream
) -> None:
    upstream.streams([sse(*chunks("Hel", "lo"))])
    async with client(gateway, await gateway.key()) as sdk:
        stream = await sdk.chat.completions.create(model="fake-model", messages=MESSAGES, stream=True)
        received = [chunk async for chunk in stream]

    assert "".join(chunk.choices[0].delta.content or "" for chunk in received) == "Hello"
    assert received[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in received)


async def test_usage_comes_with_the_stream_when_asked_for(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([sse(*chunks("Hello"))])
    async with client(gateway, await gateway.key()) as sdk:
        stream = await sdk.chat.completions.create(
            model="fake-model", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        received = [chunk async for chunk in stream]

    assert received[-1].choices == []
    assert received[-1].usage is not None
    assert received[-1].usage.total_tokens == 12


async def test_a_legacy_completion(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(
        json={
            "id": "cmpl-1",
            "object": "text_completion",
            "created": 1700000000,
            "model": "fake-model",
            "choices": [{"index": 0, "text": "Hello!", "finish_reason": "stop", "logprobs": None}],
            "usage": {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4},
        }
    )
    async with client(gateway, await gateway.key()) as sdk:
        answer = await sdk.completions.create(model="fake-model", prompt="Say hello.")

    assert answer.choices[0].text == "Hello!"
    assert upstream.requests[0].path == "/v1/completions"


async def test_an_embedding(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(
        json={
            "object": "list",
            "model": "fake-model",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}],
            "usage": {"prompt_tokens": 2, "total_tokens": 2},
        }
    )
    async with client(gateway, await gateway.key()) as sdk:
        answer = await sdk.embeddings.create(model="fake-model", input="hello", encoding_format="float")

    assert answer.data[0].embedding == [0.25, -0.5]


async def test_the_model_list_shows_what_the_group_offers(gateway: Running) -> None:
    async with client(gateway, await gateway.key()) as sdk:
        names = [model.id async for model in sdk.models.list()]
        card = await sdk.models.retrieve("fake-model")

    assert names == ["fake-model", "free-model", "per-call"]
    assert card.id == "fake-model"


async def test_a_wrong_key_is_an_authentication_error(gateway: Running) -> None:
    async with client(gateway, "sk-wrong") as sdk:
        with pytest.raises(openai.AuthenticationError) as caught:
            await sdk.chat.completions.create(model="fake-model", messages=MESSAGES)

    assert caught.value.code == "invalid_api_key"


async def test_an_unknown_model_is_a_not_found_error(gateway: Running) -> None:
    async with client(gateway, await gateway.key()) as sdk:
        with pytest.raises(openai.NotFoundError) as caught:
            await sdk.chat.completions.create(model="fake-modle", messages=MESSAGES)

    assert caught.value.code == "model_not_found"
    assert "fake-model" in caught.value.message


async def test_a_malformed_request_is_a_bad_request_error(gateway: Running) -> None:
    async with client(gateway, await gateway.key()) as sdk:
        with pytest.raises(openai.BadRequestError) as caught:
            await sdk.chat.completions.create(model="fake-model", messages=MESSAGES, max_tokens=-1)

    assert caught.value.param == "max_tokens"


async def test_a_forbidden_model_is_a_permission_error(gateway: Running) -> None:
    async with client(gateway, await gateway.key(models=frozenset({"per-call"}))) as sdk:
        with pytest.raises(openai.PermissionDeniedError):
            await sdk.chat.completions.create(model="fake-model", messages=MESSAGES)


async def test_an_empty_balance_is_a_rate_limit_error_with_openai_s_code(gateway: Running) -> None:
    async with client(gateway, await gateway.key(credit="0")) as sdk:
        with pytest.raises(openai.RateLimitError) as caught:
            await sdk.chat.completions.create(model="fake-model", messages=MESSAGES)

    assert caught.value.code == "insufficient_quota"


async def test_an_upstream_failure_is_an_internal_server_error(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(status=500, json={"error": {"message": "vendor trouble"}})
    async with client(gateway, await gateway.key()) as sdk:
        with pytest.raises(openai.InternalServerError) as caught:
            await sdk.chat.completions.create(model="fake-model", messages=MESSAGES)

    assert "vendor trouble" not in str(caught.value)


async def test_a_stream_that_breaks_off_raises_in_the_middle(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([sse(*chunks("Hel", "lo")[:2], done=False)])
    async with client(gateway, await gateway.key()) as sdk:
        stream = await sdk.chat.completions.create(model="fake-model", messages=MESSAGES, stream=True)
        with pytest.raises(openai.APIError):
            _ = [chunk async for chunk in stream]


async def test_sdk_retries_are_idle_when_the_gateway_finds_another_way(
    gateway: Running, upstream: FakeUpstream
) -> None:
    upstream.answers(status=429, headers={"Retry-After": "0"}, json={"error": {"message": "slow down"}})
    upstream.answers(json=completion("Hello!"))
    async with client(gateway, await gateway.key()) as sdk:
        answer = await sdk.chat.completions.create(model="fake-model", messages=MESSAGES)

    assert answer.choices[0].message.content == "Hello!"
    assert len(upstream.requests) == 2
