"""Anthropic's official SDK against a running gateway: what a user's program sees."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from support.fake_upstream import FakeUpstream, pause, sse
from support.gateway import Running, chunks, completion, running_gateway

MESSAGES: Any = [{"role": "user", "content": "Say hello."}]
TOOLS: Any = [
    {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}},
]
TREE = """\
version: 1
models:
  claude: {{price: {{input: "1", output: "2", cache_read: "0.1", cache_write: "1.25", per: 1M}}, max_output: 1000}}
  mute: {{price: free}}
  gpt: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
channels:
  - name: main
    provider: anthropic
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [{{claude: claude-4-5-20260101}}]
  - name: small
    provider: uncounted
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [mute]
  - name: other
    provider: openai-compatible
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [gpt]
"""
UNCOUNTED = """\
provider: uncounted
extends: anthropic
endpoints: {count_tokens: ~}
"""


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def gateway(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    files = {"gateway.yaml": TREE.format(url=upstream.url), "providers/uncounted.yaml": UNCOUNTED}
    async with running_gateway(tmp_path, files) as running:
        yield running


def client(gateway: Running, key: str, **options: Any) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=gateway.url, api_key=key, max_retries=0, timeout=10, **options)


def message(*content: Any, stop_reason: str = "end_turn", **usage: int) -> dict[str, Any]:
    """A message as Anthropic answers it."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-4-5-20260101",
        "content": [*content],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 3, **usage},
    }


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def events(*objects: dict[str, Any]) -> bytes:
    return b"".join(
        f"event: {value['type']}\ndata: {json.dumps(value, separators=(',', ':'))}\n\n".encode() for value in objects
    )


def start() -> dict[str, Any]:
    return {"type": "message_start", "message": {**message(), "stop_reason": None, "usage": {"input_tokens": 9}}}


def block(index: int, begin: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": begin},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def said(*words: str) -> list[dict[str, Any]]:
    return block(0, text(""), *({"type": "text_delta", "text": each} for each in words))


def end(stop_reason: str = "end_turn") -> list[dict[str, Any]]:
    return [
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop_reason, "stop_sequence": None},
            "usage": {"output_tokens": 3},
        },
        {"type": "message_stop"},
    ]


async def test_a_message_through_the_async_client(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=message(text("Hello there!"), cache_read_input_tokens=100))
    user = await gateway.user(credit="1")
    async with client(gateway, (await gateway.issue(user)).secret) as sdk:
        answer = await sdk.messages.create(model="claude", messages=MESSAGES, max_tokens=100)

    assert answer.content[0].to_dict() == {"type": "text", "text": "Hello there!"}
    assert (answer.usage.input_tokens, answer.usage.cache_read_input_tokens) == (9, 100)
    request = upstream.requests[0]
    assert request.path == "/v1/messages"
    assert request.json["model"] == "claude-4-5-20260101"
    assert request.headers["anthropic-version"] != ""
    assert "authorization" not in request.headers
    assert str((await gateway.balance(user)).available) == "0.999975"


async def test_a_message_through_the_sync_client(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=message(text("Hello there!")))
    key = await gateway.key()

    def ask() -> object:
        with anthropic.Anthropic(base_url=gateway.url, api_key=key, max_retries=0, timeout=10) as sdk:
            return sdk.messages.create(model="claude", messages=MESSAGES, max_tokens=100).content[0].to_dict()

    assert await asyncio.to_thread(ask) == {"type": "text", "text": "Hello there!"}


async def test_a_bearer_token_does_as_well(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=message(text("Hello!")))
    async with anthropic.AsyncAnthropic(
        base_url=gateway.url, auth_token=await gateway.key(), api_key=None, max_retries=0
    ) as sdk:
        answer = await sdk.messages.create(model="claude", messages=MESSAGES, max_tokens=100)

    assert answer.stop_reason == "end_turn"


async def test_betas_and_the_version_are_passed_on(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=message(text("Hello!")))
    headers = {"anthropic-beta": "context-1m-2025-08-07", "anthropic-version": "2024-01-01", "X-Other": "mine"}
    async with client(gateway, await gateway.key(), default_headers=headers) as sdk:
        await sdk.messages.create(model="claude", messages=MESSAGES, max_tokens=100)

    seen = upstream.requests[0].headers
    assert seen["anthropic-beta"] == "context-1m-2025-08-07"
    assert seen["anthropic-version"] == "2024-01-01"
    assert "x-other" not in seen


async def test_a_stream_arrives_event_by_event(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([events(start(), {"type": "ping"}, *said("Hel", "lo"), *end())])
    async with client(gateway, await gateway.key()) as sdk:
        stream = await sdk.messages.create(model="claude", messages=MESSAGES, max_tokens=100, stream=True)
        kinds = [event.type async for event in stream]

    assert kinds == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


async def test_the_stream_helper_adds_up_the_message(gateway: Running, upstream: FakeUpstream) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
    pieces = [{"type": "input_json_delta", "partial_json": part} for part in ("", '{"city":', '"Rome"}')]
    upstream.streams([events(start(), *said("Let me see."), *block(1, call, *pieces), *end("tool_use"))])
    async with (
        client(gateway, await gateway.key()) as sdk,
        sdk.messages.stream(model="claude", messages=MESSAGES, max_tokens=100, tools=TOOLS) as stream,
    ):
        answer = await stream.get_final_message()

    assert [part.type for part in answer.content] == ["text", "tool_use"]
    assert answer.content[1].to_dict()["input"] == {"city": "Rome"}
    assert (answer.stop_reason, answer.usage.output_tokens) == ("tool_use", 3)


async def test_the_upstream_counts_where_it_can(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json={"input_tokens": 1234})
    user = await gateway.user(credit="1")
    async with client(gateway, (await gateway.issue(user)).secret) as sdk:
        answer = await sdk.messages.count_tokens(model="claude", messages=MESSAGES)

    assert answer.input_tokens == 1234
    assert upstream.requests[0].path == "/v1/messages/count_tokens"
    assert upstream.requests[0].json["model"] == "claude-4-5-20260101"
    assert str((await gateway.balance(user)).available) == "1"


async def test_elsewhere_the_gateway_counts(gateway: Running, upstream: FakeUpstream) -> None:
    async with client(gateway, await gateway.key(credit="0")) as sdk:
        answer = await sdk.messages.count_tokens(model="mute", messages=MESSAGES)

    assert answer.input_tokens == 9
    assert upstream.requests == []


async def test_the_model_list_shows_what_the_group_offers(gateway: Running) -> None:
    async with client(gateway, await gateway.key()) as sdk:
        names = [model.id async for model in sdk.models.list()]
        card = await sdk.models.retrieve("claude")

    assert names == ["claude", "gpt", "mute"]
    assert (card.id, card.display_name, card.max_tokens) == ("claude", "claude", 1000)


async def failure(sdk: anthropic.AsyncAnthropic, **asked: Any) -> anthropic.APIStatusError:
    """What the SDK raises."""
    given: dict[str, Any] = {"model": "claude", "messages": MESSAGES, "max_tokens": 100, **asked}
    with pytest.raises(anthropic.APIStatusError) as caught:
        await sdk.messages.create(**given)
    return caught.value


async def test_a_wrong_key_is_an_authentication_error(gateway: Running) -> None:
    async with client(gateway, "sk-wrong") as sdk:
        error = await failure(sdk)

    assert (type(error), error.type, error.error_code) == (
        anthropic.AuthenticationError,
        "authentication_error",
        "unauthenticated",
    )
    assert error.request_id is not None


async def test_an_unknown_model_is_a_not_found_error(gateway: Running) -> None:
    async with client(gateway, await gateway.key()) as sdk:
        error = await failure(sdk, model="claud")

    assert (type(error), error.type) == (anthropic.NotFoundError, "not_found_error")
    assert "'claude'" in error.message


async def test_a_malformed_request_is_a_bad_request_error(gateway: Running) -> None:
    async with client(gateway, await gateway.key()) as sdk:
        error = await failure(sdk, max_tokens=-1)

    assert (type(error), error.type) == (anthropic.BadRequestError, "invalid_request_error")


async def test_an_empty_balance_is_a_billing_error(gateway: Running) -> None:
    async with client(gateway, await gateway.key(credit="0")) as sdk:
        error = await failure(sdk)

    assert (error.status_code, error.type) == (402, "billing_error")


@pytest.mark.parametrize(
    ("status", "said", "expected", "kind"),
    [
        (400, "invalid_request_error", 400, "invalid_request_error"),
        (401, "authentication_error", 502, "api_error"),
        (402, "billing_error", 502, "api_error"),
        (403, "permission_error", 502, "api_error"),
        (404, "not_found_error", 502, "api_error"),
        (413, "request_too_large", 413, "request_too_large"),
        (429, "rate_limit_error", 529, "overloaded_error"),
        (500, "api_error", 502, "api_error"),
        (504, "timeout_error", 504, "timeout_error"),
        (529, "overloaded_error", 529, "overloaded_error"),
    ],
)
async def test_what_an_upstream_refuses_is_told_as_far_as_it_is_the_callers(
    gateway: Running, upstream: FakeUpstream, status: int, said: str, expected: int, kind: str
) -> None:
    words = "model: claude-4-5-20260101" if status == 404 else "No, says the vendor."
    body = {"type": "error", "error": {"type": said, "message": words}, "request_id": "req_vendor"}
    upstream.answers(status=status, json=body, headers={"Retry-After": "30"})
    async with client(gateway, await gateway.key()) as sdk:
        error = await failure(sdk)

    assert (error.status_code, error.type) == (expected, kind)
    assert ("vendor" in str(error.body)) == (expected in {400, 413})
    assert "claude-4-5-20260101" not in str(error.body)


async def test_a_stream_that_breaks_off_raises_in_the_middle(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([events(start(), *said("Hel", "lo"))])
    async with client(gateway, await gateway.key()) as sdk:
        stream = await sdk.messages.create(model="claude", messages=MESSAGES, max_tokens=100, stream=True)
        with pytest.raises(anthropic.APIStatusError) as caught:
            _ = [event async for event in stream]

    assert caught.value.type == "api_error"


async def test_an_error_in_the_middle_of_a_stream_is_ours_to_tell(gateway: Running, upstream: FakeUpstream) -> None:
    failed = {"type": "error", "error": {"type": "overloaded_error", "message": "vendor trouble"}}
    seen = asyncio.Event()
    upstream.streams([events(start(), *said("Hel", "lo")), pause(seen), events(failed)])
    async with client(gateway, await gateway.key()) as sdk:
        stream = await sdk.messages.create(model="claude", messages=MESSAGES, max_tokens=100, stream=True)
        with pytest.raises(anthropic.APIStatusError) as caught:
            _ = [seen.set() async for _ in stream]

    assert "vendor trouble" not in str(caught.value.body)


async def test_an_error_before_any_content_is_tried_again(gateway: Running, upstream: FakeUpstream) -> None:
    failed = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    upstream.streams([events(start(), {"type": "ping"}, failed)], headers={"Retry-After": "0"})
    upstream.streams([events(start(), *said("Hello"), *end())])
    async with (
        client(gateway, await gateway.key()) as sdk,
        sdk.messages.stream(model="claude", messages=MESSAGES, max_tokens=100) as stream,
    ):
        answer = await stream.get_final_text()

    assert answer == "Hello"


async def test_a_model_of_another_format_answers_in_this_one(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion("Hello there!"))
    async with client(gateway, await gateway.key()) as sdk:
        answer = await sdk.messages.create(model="gpt", messages=MESSAGES, max_tokens=100, system="Be brief.")

    assert answer.content[0].to_dict() == {"type": "text", "text": "Hello there!"}
    assert (answer.model, answer.stop_reason) == ("gpt", "end_turn")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (9, 3)
    assert upstream.requests[0].path == "/v1/chat/completions"
    assert upstream.requests[0].json["messages"] == [{"role": "system", "content": "Be brief."}, *MESSAGES]
    assert "anthropic-version" not in upstream.requests[0].headers


async def test_a_stream_of_another_format_arrives_in_this_one(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([sse(*chunks("Hel", "lo"))])
    async with (
        client(gateway, await gateway.key()) as sdk,
        sdk.messages.stream(model="gpt", messages=MESSAGES, max_tokens=100) as stream,
    ):
        answer = await stream.get_final_message()

    assert answer.content[0].to_dict()["text"] == "Hello"
    assert (answer.stop_reason, answer.usage.input_tokens, answer.usage.output_tokens) == ("end_turn", 9, 3)


async def test_a_call_of_another_format_can_be_answered(gateway: Running, upstream: FakeUpstream) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
    asked = completion("")
    asked["choices"][0] |= {
        "message": {"role": "assistant", "content": None, "tool_calls": [call]},
        "finish_reason": "tool_calls",
    }
    upstream.answers(json=asked)
    upstream.answers(json=completion("Sunny."))
    messages: Any = list(MESSAGES)
    async with client(gateway, await gateway.key()) as sdk:
        first = await sdk.messages.create(model="gpt", messages=messages, max_tokens=100, tools=TOOLS)
        result = {"type": "tool_result", "tool_use_id": "call_1", "content": "sunny"}
        messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
        second = await sdk.messages.create(model="gpt", messages=messages, max_tokens=100, tools=TOOLS)

    assert first.stop_reason == "tool_use"
    assert first.content[0].to_dict() == {
        "type": "tool_use",
        "id": "call_1",
        "name": "weather",
        "input": {"city": "Rome"},
    }
    assert second.content[0].to_dict()["text"] == "Sunny."
    assert upstream.requests[1].json["messages"][1]["tool_calls"] == [call]
    assert upstream.requests[1].json["messages"][2] == {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}


async def test_what_another_format_refuses_is_told_in_this_one(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(status=400, json={"error": {"message": "Too long.", "type": "invalid_request_error"}})
    async with client(gateway, await gateway.key()) as sdk:
        error = await failure(sdk, model="gpt")

    assert (error.status_code, error.type, error.api_message) == (400, "invalid_request_error", "Too long.")


async def test_a_caller_of_another_format_is_served_by_this_one(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=message(text("Hello!"), stop_reason="max_tokens", cache_read_input_tokens=100))
    user = await gateway.user(credit="1")
    asked = {"model": "claude", "messages": [{"role": "system", "content": "Be brief."}, *MESSAGES], "temperature": 1.5}
    status, answer = await gateway.post("/v1/chat/completions", asked, key=(await gateway.issue(user)).secret)

    assert (status, answer["choices"][0]["message"]["content"]) == (200, "Hello!")
    assert answer["choices"][0]["finish_reason"] == "length"
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]) == (109, 3)
    request = upstream.requests[0]
    assert (request.path, request.headers["anthropic-version"]) == ("/v1/messages", "2023-06-01")
    assert request.json == {
        "model": "claude-4-5-20260101",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say hello."}]}],
        "system": [{"type": "text", "text": "Be brief."}],
        "temperature": 1,
    }
    assert str((await gateway.balance(user)).available) == "0.999975"
