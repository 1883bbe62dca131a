"""OpenAI's official SDK and its responses against a running gateway: what a user's program sees."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from support.fake_upstream import FakeUpstream, hang_up, sse
from support.gateway import Running, chat, completion, running_gateway

TOOLS: Any = [
    {
        "type": "function",
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        "strict": False,
    }
]
TREE = """\
version: 1
models:
  gpt: {{price: {{input: "1", output: "2", cache_read: "0.1", per: 1M}}, max_output: 1000}}
  elsewhere: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
  claude: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
  only: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
channels:
  - name: main
    provider: openai
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [{{gpt: gpt-5.1}}]
  - name: chats
    provider: openai-compatible
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [elsewhere]
  - name: messages
    provider: anthropic
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [{{claude: claude-4-5-20260101}}]
  - name: responses
    provider: responses
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [only]
"""
RESPONSES = """\
provider: responses
extends: openai
endpoints: {chat: ~, completions: ~, embeddings: ~}
"""
USAGE = {
    "input_tokens": 109,
    "input_tokens_details": {"cached_tokens": 100},
    "output_tokens": 3,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 112,
}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def gateway(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    files = {"gateway.yaml": TREE.format(url=upstream.url), "providers/responses.yaml": RESPONSES}
    async with running_gateway(tmp_path, files) as running:
        yield running


def client(gateway: Running, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0, timeout=10)


def message(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}


def response(*output: dict[str, Any], status: str = "completed", **members: Any) -> dict[str, Any]:
    """A response as OpenAI gives it."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": "gpt-5.1",
        "output": [*output],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": USAGE,
        **members,
    }


def events(*objects: tuple[str, dict[str, Any]]) -> bytes:
    return b"".join(
        f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': place, **members})}\n\n".encode()
        for place, (kind, members) in enumerate(objects)
    )


def hello_stream() -> bytes:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    begun = {**message(""), "status": "in_progress", "content": []}
    return events(
        ("response.created", {"response": response(status="in_progress", usage=None)}),
        ("response.output_item.added", {"output_index": 0, "item": begun}),
        ("response.content_part.added", {**place, "part": part}),
        ("response.output_text.delta", {**place, "delta": "Hel", "logprobs": []}),
        ("response.output_text.delta", {**place, "delta": "lo", "logprobs": []}),
        ("response.output_text.done", {**place, "text": "Hello", "logprobs": []}),
        ("response.content_part.done", {**place, "part": {**part, "text": "Hello"}}),
        ("response.output_item.done", {"output_index": 0, "item": message("Hello")}),
        ("response.completed", {"response": response(message("Hello"))}),
    )


async def test_a_response_through_the_async_client(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=response(message("Hello there!")))
    user = await gateway.user(credit="1")
    async with client(gateway, (await gateway.issue(user)).secret) as sdk:
        answer = await sdk.responses.create(model="gpt", input="Say hello.", instructions="Be kind.")

    assert answer.output_text == "Hello there!"
    request = upstream.requests[0]
    assert request.path == "/v1/responses"
    assert request.json == {"model": "gpt-5.1", "input": "Say hello.", "instructions": "Be kind."}
    assert str((await gateway.balance(user)).available) == "0.999975"


async def test_a_response_through_the_sync_client(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=response(message("Hello there!")))
    key = await gateway.key()

    def ask() -> str:
        with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0, timeout=10) as sdk:
            return sdk.responses.create(model="gpt", input="Say hello.").output_text

    assert await asyncio.to_thread(ask) == "Hello there!"


@pytest.mark.parametrize("split", [1, 7, 100_000])
async def test_a_stream_arrives_event_by_event(gateway: Running, upstream: FakeUpstream, split: int) -> None:
    stream = hello_stream()
    upstream.streams([stream[start : start + split] for start in range(0, len(stream), split)])
    user = await gateway.user(credit="1")
    key = (await gateway.issue(user)).secret
    async with client(gateway, key) as sdk, sdk.responses.stream(model="gpt", input="Say hello.") as found:
        kinds = [event.type async for event in found]
        final = await found.get_final_response()

    assert kinds == [
        "response.created",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert final.output_text == "Hello"
    await gateway.settled()
    assert str((await gateway.balance(user)).available) == "0.999975"


async def test_errors_are_the_sdks_own(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(
        json={"error": {"message": "Bad tool.", "type": "invalid_request_error", "param": "tools"}}, status=400
    )
    async with client(gateway, await gateway.key()) as sdk:
        with pytest.raises(openai.BadRequestError, match=r"Bad tool\."):
            await sdk.responses.create(model="gpt", input="Hello")
        with pytest.raises(openai.BadRequestError, match="background") as refused:
            await sdk.responses.create(model="gpt", input="Hello", background=True)
        with pytest.raises(openai.NotFoundError):
            await sdk.responses.create(model="unknown", input="Hello")
    assert refused.value.param == "background"
    async with client(gateway, "wrong") as sdk:
        with pytest.raises(openai.AuthenticationError):
            await sdk.responses.create(model="gpt", input="Hello")


@pytest.mark.parametrize(
    "end",
    [
        [hang_up()],
        [events(("response.failed", {"response": response(status="failed", error={"code": "x", "message": "Oh."})}))],
        [events(("error", {"code": "server_error", "message": "Oh.", "param": None}))],
    ],
)
async def test_a_stream_that_breaks_raises(gateway: Running, upstream: FakeUpstream, end: list[Any]) -> None:
    upstream.streams([hello_stream().partition(b"event: response.output_text.done")[0], *end])
    async with client(gateway, await gateway.key()) as sdk:
        # What breaks before anything was sent is an answer of its own.
        with pytest.raises(openai.APIError):
            async for _ in await sdk.responses.create(model="gpt", input="Hello", stream=True):
                pass


async def test_a_tool_is_called_at_an_upstream_that_only_chats(gateway: Running, upstream: FakeUpstream) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
    asked = completion()
    asked["choices"][0] = {
        "index": 0,
        "message": {"role": "assistant", "content": None, "tool_calls": [call]},
        "finish_reason": "tool_calls",
    }
    upstream.answers(json=asked)
    upstream.answers(json=completion("It rains."))
    history: list[Any] = [{"role": "user", "content": "How is Rome?"}]
    async with client(gateway, await gateway.key()) as sdk:
        first = await sdk.responses.create(model="elsewhere", input=history, tools=TOOLS)
        called = first.output[0]
        assert called.type == "function_call"
        assert (called.name, called.arguments, called.call_id) == ("weather", '{"city":"Rome"}', "call_1")
        history += [item.to_dict() for item in first.output]
        history.append({"type": "function_call_output", "call_id": called.call_id, "output": "rain"})
        second = await sdk.responses.create(model="elsewhere", input=history, tools=TOOLS)

    assert second.output_text == "It rains."
    assert (second.usage and second.usage.total_tokens) == 12
    assert upstream.requests[0].path == "/v1/chat/completions"
    assert upstream.requests[1].json["messages"] == [
        {"role": "user", "content": "How is Rome?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
    ]


async def test_a_stream_of_an_upstream_that_only_chats(gateway: Running, upstream: FakeUpstream) -> None:
    first = {"index": 0, "delta": {"role": "assistant", "reasoning_content": "Hm."}, "finish_reason": None}
    function = {"name": "weather", "arguments": '{"city":'}
    deltas: list[dict[str, Any]] = [
        {"content": "Let me "},
        {"content": "see."},
        {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '"Rome"}'}}]},
    ]
    end = {"index": 0, "delta": {}, "finish_reason": "tool_calls"}
    chunks = [first, *({"index": 0, "delta": delta, "finish_reason": None} for delta in deltas), end]
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    upstream.streams(
        [sse(*({"id": "c", "choices": [chunk]} for chunk in chunks), {"id": "c", "choices": [], "usage": usage})]
    )
    asked: Any = {"model": "elsewhere", "input": "How is Rome?", "tools": TOOLS}
    async with client(gateway, await gateway.key()) as sdk, sdk.responses.stream(**asked) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()

    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]
    assert final.output_text == "Let me see."
    assert (final.model, final.status, final.usage and final.usage.output_tokens) == ("elsewhere", "completed", 3)


async def test_an_answer_of_a_claude(gateway: Running, upstream: FakeUpstream) -> None:
    class Weather(BaseModel):
        city: str

    upstream.answers(
        json={
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-4-5-20260101",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                {"type": "text", "text": '{"city":"Rome"}'},
            ],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 9, "output_tokens": 3},
        }
    )
    async with client(gateway, await gateway.key()) as sdk:
        answer = await sdk.responses.parse(model="claude", input="Where?", text_format=Weather)
        again: list[Any] = [item.to_dict() for item in answer.output]
        await sdk.responses.create(model="claude", input=[*again, {"role": "user", "content": "And?"}])

    assert answer.output_parsed == Weather(city="Rome")
    assert upstream.requests[0].path == "/v1/messages"
    assert upstream.requests[1].json["messages"][1]["content"][0] == {
        "type": "thinking",
        "thinking": "Hm.",
        "signature": "sig",
    }


async def test_what_only_openai_can_do_is_refused_elsewhere(gateway: Running) -> None:
    async with client(gateway, await gateway.key()) as sdk:
        with pytest.raises(openai.BadRequestError, match="Previous response with id 'resp_1' not found"):
            await sdk.responses.create(model="elsewhere", input="Hello", previous_response_id="resp_1")
        with pytest.raises(openai.BadRequestError, match=r"tools\[0\]"):
            await sdk.responses.create(model="elsewhere", input="Hello", tools=[{"type": "web_search"}])


async def test_a_chat_at_an_upstream_that_only_responds(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=response(message("Hello there!")))
    upstream.streams([hello_stream()])
    key = await gateway.key()
    async with client(gateway, key) as sdk:
        answer = await sdk.chat.completions.create(**chat("only"))
        stream = await sdk.chat.completions.create(**chat("only"), stream=True)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]

    assert answer.choices[0].message.content == "Hello there!"
    assert "".join(pieces) == "Hello"
    assert [request.path for request in upstream.requests] == ["/v1/responses", "/v1/responses"]
    assert upstream.requests[0].json["store"] is False


async def test_a_kept_response_is_continued_seen_and_deleted(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=response(message("Hello!")))
    upstream.answers(json=response(message("Again!"), id="resp_2"))
    upstream.answers(json=response(message("Hello!")))
    upstream.answers(json={"id": "resp_1", "object": "response", "deleted": True})
    async with client(gateway, await gateway.key()) as ours, client(gateway, await gateway.key()) as theirs:
        first = await ours.responses.create(model="gpt", input="Hi")
        second = await ours.responses.create(model="gpt", input="More", previous_response_id=first.id)
        seen = await ours.responses.retrieve(first.id)
        await ours.responses.delete(first.id)
        with pytest.raises(openai.NotFoundError):
            await theirs.responses.retrieve(first.id)
        with pytest.raises(openai.BadRequestError) as unknown:
            await theirs.responses.create(model="gpt", input="More", previous_response_id=first.id)

    assert (second.id, seen.output_text, unknown.value.code) == ("resp_2", "Hello!", "previous_response_not_found")
    assert [(each.method, each.path) for each in upstream.requests[2:]] == [
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
    ]
