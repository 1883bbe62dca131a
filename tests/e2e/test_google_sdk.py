"""The official Google SDK against a running gateway: what a user's program sees."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from clinx.web import presence
from support.fake_upstream import FakeUpstream, pause, sse
from support.gateway import Running, chat, chunks, running_gateway

TREE = """\
version: 1
groups:
  default: {{}}
models:
  gemini-fake: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000, context: 8000}}
  gemini-other: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
  gpt-fake: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
channels:
  - name: other
    provider: openai-compatible
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [gpt-fake]
  - name: main
    provider: gemini
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [gemini-fake, {{gemini-other: gemini-real}}]
"""

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def gateway(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    async with running_gateway(tmp_path, {"gateway.yaml": TREE.format(url=upstream.url)}) as running:
        yield running


def client(gateway: Running, key: str) -> genai.Client:
    return genai.Client(
        api_key=key, vertexai=False, http_options=types.HttpOptions(base_url=gateway.url, timeout=10_000)
    )


def answer(*parts: dict[str, Any], finish: str | None = "STOP", usage: bool = True) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    found: dict[str, Any] = {"candidates": [candidate], "modelVersion": "gemini-fake", "responseId": "r1"}
    if usage:
        found["usageMetadata"] = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}
    return found


async def test_content_through_the_async_client(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=answer({"text": "Hello there!"}))
    async with client(gateway, await gateway.key()).aio as sdk:
        found = await sdk.models.generate_content(model="gemini-fake", contents="Say hello.")

    assert found.text == "Hello there!"
    assert found.usage_metadata is not None
    assert (found.usage_metadata.prompt_token_count, found.usage_metadata.candidates_token_count) == (9, 3)
    assert upstream.requests[0].path == "/v1beta/models/gemini-fake:generateContent"
    assert upstream.requests[0].headers["x-goog-api-key"] == "vendor-secret-0123456789"


async def test_content_through_the_sync_client(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=answer({"text": "Hello there!"}))
    key = await gateway.key()

    def ask() -> str | None:
        with client(gateway, key) as sdk:
            return sdk.models.generate_content(model="gemini-fake", contents="Say hello.").text

    assert await asyncio.to_thread(ask) == "Hello there!"


async def pieces(gateway: Running, key: str, **config: Any) -> list[types.GenerateContentResponse]:
    async with client(gateway, key).aio as sdk:
        stream = await sdk.models.generate_content_stream(
            model="gemini-fake", contents="Say hello.", config=types.GenerateContentConfig(**config)
        )
        return [piece async for piece in stream]


async def test_a_stream_arrives_piece_by_piece(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([sse(answer({"text": "Hel"}, finish=None), answer({"text": "lo"}), done=False)])

    received = await pieces(gateway, await gateway.key())

    assert [piece.text for piece in received] == ["Hel", "lo"]
    assert received[-1].candidates is not None
    assert received[-1].candidates[0].finish_reason is types.FinishReason.STOP
    assert upstream.requests[0].path == "/v1beta/models/gemini-fake:streamGenerateContent?alt=sse"


async def test_a_stream_through_the_sync_client(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([sse(answer({"text": "Hel"}, finish=None), answer({"text": "lo"}), done=False)])
    key = await gateway.key()

    def ask() -> str:
        with client(gateway, key) as sdk:
            stream = sdk.models.generate_content_stream(model="gemini-fake", contents="Say hello.")
            return "".join(piece.text or "" for piece in stream)

    assert await asyncio.to_thread(ask) == "Hello"


async def test_what_a_vendor_says_in_comments_does_not_break_a_stream(gateway: Running, upstream: FakeUpstream) -> None:
    parts = [b": queue 7\n\n", sse(answer({"text": "Hel"}, finish=None), done=False), b": \n\n"]
    upstream.streams([*parts, sse(answer({"text": "lo"}), done=True)])

    received = await pieces(gateway, await gateway.key())

    assert [piece.text for piece in received] == ["Hel", "lo"]


async def test_a_function_is_called_and_answered(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(
        json=answer({"functionCall": {"name": "weather", "args": {"city": "Rome"}}, "thoughtSignature": "c2ln"})
    )
    upstream.answers(json=answer({"text": "Sunny."}))

    def weather(city: str) -> str:
        """Tell the weather."""
        return f"sunny in {city}"

    async with client(gateway, await gateway.key()).aio as sdk:
        found = await sdk.models.generate_content(
            model="gemini-fake", contents="Rome?", config=types.GenerateContentConfig(tools=[weather])
        )

    assert found.text == "Sunny."
    asked, called, answered = upstream.requests[1].json["contents"]
    assert asked["role"] == "user"
    assert called["parts"][0]["thoughtSignature"] == "c2ln"
    assert answered["parts"][0]["functionResponse"]["response"] == {"result": "sunny in Rome"}


async def test_embeddings_are_asked_for_as_a_batch_and_charged(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json={"embeddings": [{"values": [0.25, -0.5]}, {"values": [1.0]}]})
    async with client(gateway, await gateway.key()).aio as sdk:
        found = await sdk.models.embed_content(model="gemini-other", contents=["hello", "there"])

    assert found.embeddings is not None
    assert [each.values for each in found.embeddings] == [[0.25, -0.5], [1.0]]
    assert upstream.requests[0].path == "/v1beta/models/gemini-real:batchEmbedContents"
    assert {each["model"] for each in upstream.requests[0].json["requests"]} == {"models/gemini-real"}
    log = (await gateway.request_logs())[0]
    assert (log.operation, log.usage.input > 0, log.usage.estimated) == ("embed_batch", True, True)


async def test_tokens_are_counted_by_the_vendor_and_cost_nothing(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json={"totalTokens": 7})
    async with client(gateway, await gateway.key()).aio as sdk:
        found = await sdk.models.count_tokens(model="gemini-fake", contents="Say hello.")

    assert found.total_tokens == 7
    assert upstream.requests[0].path == "/v1beta/models/gemini-fake:countTokens"
    assert [(log.operation, log.charge.nano) for log in await gateway.request_logs()] == [("count_tokens", 0)]


async def test_the_model_list_shows_what_the_group_offers(gateway: Running) -> None:
    async with client(gateway, await gateway.key()).aio as sdk:
        listed = [model.name async for model in await sdk.models.list()]
        card = await sdk.models.get(model="gemini-fake")

    assert listed == ["models/gemini-fake", "models/gemini-other", "models/gpt-fake"]
    assert (card.name, card.input_token_limit, card.output_token_limit) == ("models/gemini-fake", 8000, 1000)


async def test_a_mapped_name_is_in_the_address_alone(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=answer({"text": "Hello!"}))
    async with client(gateway, await gateway.key()).aio as sdk:
        await sdk.models.generate_content(model="gemini-other", contents="Say hello.")

    assert upstream.requests[0].path == "/v1beta/models/gemini-real:generateContent"
    assert "model" not in upstream.requests[0].json


def details(error: errors.APIError) -> Any:
    """What the error says in Google's own types."""
    body: Any = error.details
    return body["error"]["details"]


async def refused(gateway: Running, key: str, model: str = "gemini-fake", **config: Any) -> errors.APIError:
    async with client(gateway, key).aio as sdk:
        with pytest.raises(errors.APIError) as caught:
            await sdk.models.generate_content(
                model=model, contents="Say hello.", config=types.GenerateContentConfig(**config)
            )
    return caught.value


async def test_a_wrong_key_is_an_invalid_argument_that_says_so(gateway: Running) -> None:
    error = await refused(gateway, "sk-wrong")

    assert isinstance(error, errors.ClientError)
    assert (error.code, error.status) == (400, "INVALID_ARGUMENT")
    assert details(error)[0]["reason"] == "API_KEY_INVALID"


async def test_an_unknown_model_is_not_found(gateway: Running) -> None:
    error = await refused(gateway, await gateway.key(), "gemini-fkae")

    assert (error.code, error.status) == (404, "NOT_FOUND")
    assert "gemini-fake" in str(error.message)


async def test_a_malformed_request_names_the_parameter(gateway: Running) -> None:
    error = await refused(gateway, await gateway.key(), max_output_tokens=-1)

    assert (error.code, error.status) == (400, "INVALID_ARGUMENT")
    assert details(error)[1]["fieldViolations"][0]["field"] == "maxOutputTokens"


async def test_an_empty_balance_is_an_exhausted_resource(gateway: Running) -> None:
    error = await refused(gateway, await gateway.key(credit="0"))

    assert (error.code, error.status) == (429, "RESOURCE_EXHAUSTED")


async def test_a_vendor_s_refusal_is_passed_on(gateway: Running, upstream: FakeUpstream) -> None:
    said = {"code": 400, "message": "Unable to process input image.", "status": "INVALID_ARGUMENT"}
    upstream.answers(status=400, json={"error": said})

    error = await refused(gateway, await gateway.key())

    assert (error.code, error.status, error.message) == (400, "INVALID_ARGUMENT", "Unable to process input image.")


async def test_a_vendor_s_complaint_about_our_key_is_not_passed_on(gateway: Running, upstream: FakeUpstream) -> None:
    reasons = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    said = {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": reasons}
    upstream.answers(status=400, json=[{"error": said}])

    error = await refused(gateway, await gateway.key())

    assert isinstance(error, errors.ServerError)
    assert (error.code, "API key" in str(error.message)) == (502, False)


async def test_a_stream_that_breaks_off_raises_in_the_middle(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([sse(answer({"text": "Hel"}, finish=None), done=False)])

    with pytest.raises(errors.ServerError) as caught:
        await pieces(gateway, await gateway.key())

    assert (caught.value.code, caught.value.status) == (502, "UNAVAILABLE")


async def test_a_blocked_prompt_is_an_answer(gateway: Running, upstream: FakeUpstream) -> None:
    usage = {"promptTokenCount": 4, "totalTokenCount": 4}
    upstream.answers(json={"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": usage})
    async with client(gateway, await gateway.key()).aio as sdk:
        found = await sdk.models.generate_content(model="gemini-fake", contents="Say hello.")

    assert found.candidates is None
    assert found.prompt_feedback is not None
    assert found.prompt_feedback.block_reason is types.BlockedReason.SAFETY


async def test_without_events_a_stream_is_one_array(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([sse(answer({"text": "Hel"}, finish=None), answer({"text": "lo"}), done=False)])
    contents = {"contents": [{"parts": [{"text": "Say hello."}]}]}

    status, body = await gateway.post(
        f"/v1beta/models/gemini-fake:streamGenerateContent?key={await gateway.key()}", contents
    )

    assert status == 200
    assert [each["candidates"][0]["content"]["parts"][0]["text"] for each in body] == ["Hel", "lo"]


async def test_an_array_that_breaks_off_ends_with_the_error(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([sse(answer({"text": "Hel"}, finish=None), done=False)])
    contents = {"contents": [{"parts": [{"text": "Say hello."}]}]}

    _, body = await gateway.post(
        "/v1/models/gemini-fake:streamGenerateContent", contents, headers={"x-goog-api-key": await gateway.key()}
    )

    assert [next(iter(each)) for each in body] == ["candidates", "error"]
    assert body[1]["error"]["status"] == "UNAVAILABLE"


async def test_openai_s_model_list_is_google_s_for_who_brings_the_key_google_s_way(gateway: Running) -> None:
    _, body = await gateway.get("/v1/models", headers={"x-goog-api-key": await gateway.key()})

    assert [model["name"] for model in body["models"]] == [
        "models/gemini-fake",
        "models/gemini-other",
        "models/gpt-fake",
    ]


async def test_another_vendor_s_model_calls_functions_through_this_sdk(
    gateway: Running, upstream: FakeUpstream
) -> None:
    function = {"name": "weather", "arguments": '{"city":"Rome"}'}
    called = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }
    said = {"role": "assistant", "content": "Sunny."}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    for message, finish in ((called, "tool_calls"), (said, "stop")):
        choice = {"index": 0, "message": message, "finish_reason": finish}
        upstream.answers(json={"id": "1", "model": "x", "choices": [choice], "usage": usage})

    def weather(city: str) -> str:
        """Tell the weather."""
        return f"sunny in {city}"

    async with client(gateway, await gateway.key()).aio as sdk:
        found = await sdk.models.generate_content(
            model="gpt-fake", contents="Rome?", config=types.GenerateContentConfig(tools=[weather])
        )

    assert (found.text, found.model_version) == ("Sunny.", "gpt-fake")
    assert upstream.requests[0].json["tools"][0]["function"]["parameters"] == {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    }
    assert [message["role"] for message in upstream.requests[1].json["messages"]] == ["user", "assistant", "tool"]
    assert upstream.requests[1].json["messages"][2]["tool_call_id"] == "c1"


async def test_another_vendor_s_stream_through_this_sdk(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([sse(*chunks("Hel", "lo"))])

    async with client(gateway, await gateway.key()).aio as sdk:
        stream = await sdk.models.generate_content_stream(model="gpt-fake", contents="Say hello.")
        received = [piece async for piece in stream]

    assert "".join(piece.text or "" for piece in received) == "Hello"
    last = received[-1]
    assert last.candidates is not None
    assert last.candidates[0].finish_reason is types.FinishReason.STOP
    assert last.usage_metadata is not None
    assert last.usage_metadata.total_token_count == 12


async def test_a_caller_of_openai_s_format_is_answered_by_this_vendor(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=answer({"text": "Hmm.", "thought": True}, {"text": "Hello!"}))

    _, body = await gateway.post(
        "/v1beta/openai/chat/completions", chat("gemini-other", reasoning_effort="low"), key=await gateway.key()
    )

    assert body["choices"][0]["message"]["content"] == "Hello!"
    assert body["choices"][0]["message"]["reasoning_content"] == "Hmm."
    assert body["usage"]["total_tokens"] == 12
    assert upstream.requests[0].path == "/v1beta/models/gemini-real:generateContent"
    assert upstream.requests[0].json == {
        "contents": [{"role": "user", "parts": [{"text": "Say hello."}]}],
        "generationConfig": {"thinkingConfig": {"thinkingBudget": 1024}},
    }


async def test_this_vendor_s_stream_in_openai_s_format(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([sse(answer({"text": "Hel"}, finish=None), answer({"text": "lo"}), done=False)])

    status, body = await gateway.post_raw(
        "/v1/chat/completions", chat("gemini-other", stream=True), key=await gateway.key()
    )

    assert status == 200
    assert upstream.requests[0].path == "/v1beta/models/gemini-real:streamGenerateContent?alt=sse"
    assert body.count(b'"content":"Hel"') == body.count(b'"content":"lo"') == body.count(b"data: [DONE]") == 1


async def test_a_silent_stream_is_kept_alive_without_comments(
    gateway: Running, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = asyncio.Event()
    first, last = answer({"text": "Hel"}, finish=None), answer({"text": "lo"})
    upstream.streams([sse(first, done=False), pause(more), sse(last, done=False)])
    monkeypatch.setattr(presence, "PING_AFTER", -1.0)

    async with client(gateway, await gateway.key()).aio as sdk:
        stream = await sdk.models.generate_content_stream(model="gemini-fake", contents="Say hello.")
        received = [await anext(aiter(stream))]
        await gateway.gateway.presence.look()
        more.set()
        received += [piece async for piece in stream]

    assert [piece.text for piece in received] == ["Hel", "lo"]
