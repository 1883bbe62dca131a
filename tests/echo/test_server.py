from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from clinx.counting.encoding import encoding_for
from clinx.counting.tokens import count_tokens
from clinx.echo import EchoServer
from support.fake_upstream import DEADLINE

CHAT = "/v1/chat/completions"
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


class Naps:
    """Sleeps not at all, and remembers how long it should have."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
async def echo(naps: Naps) -> AsyncIterator[EchoServer]:
    server = await EchoServer.start(clock=lambda: MOMENT, sleep=naps)
    yield server
    await server.close()


@pytest.fixture
async def client(echo: EchoServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(echo.url, timeout=aiohttp.ClientTimeout(DEADLINE)) as session:
        yield session


def _ask(model: str = "echo", **members: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "hi"}], **members}


async def _read_into(got: bytearray, response: aiohttp.ClientResponse) -> None:
    async for chunk in response.content.iter_any():
        got += chunk


async def test_an_answer_is_the_same_every_time_and_counted_like_any_other(client: aiohttp.ClientSession) -> None:
    answers = [await (await client.post(CHAT, json=_ask())).json() for _ in range(2)]

    assert answers[0] == answers[1]
    text = answers[0]["choices"][0]["message"]["content"]
    tokens = count_tokens(text, encoding_for("echo", None))
    assert text.startswith("Echo: hi\n\n")
    assert answers[0]["created"] == int(MOMENT.timestamp())
    assert answers[0]["usage"] == {"prompt_tokens": 8, "completion_tokens": tokens, "total_tokens": 8 + tokens}


async def test_a_stream_says_what_the_whole_answer_says(client: aiohttp.ClientSession) -> None:
    whole = await (await client.post(CHAT, json=_ask())).json()

    response = await client.post(CHAT, json=_ask(stream=True, stream_options={"include_usage": True}))
    *events, done = (await response.read()).decode().split("\n\n")[:-1]

    assert response.content_type == "text/event-stream"
    assert done == "data: [DONE]"
    chunks = [json.loads(each.removeprefix("data: ")) for each in events]
    said = "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])
    assert said == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"] == whole["usage"]


async def test_max_tokens_is_honoured_to_the_token(client: aiohttp.ClientSession) -> None:
    answer = await (await client.post(CHAT, json=_ask(max_tokens=7))).json()

    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 7


async def test_text_completions_answer_every_prompt(client: aiohttp.ClientSession) -> None:
    body = {"model": "echo", "prompt": ["a", "b"], "max_tokens": 3}

    answer = await (await client.post("/v1/completions", json=body)).json()

    assert [choice["text"] for choice in answer["choices"]] == ["Echo: a", "Echo: b"]
    assert answer["usage"] == {"prompt_tokens": 2, "completion_tokens": 6, "total_tokens": 8}


async def test_a_large_prompt_is_counted_too(client: aiohttp.ClientSession) -> None:
    answer = await (await client.post(CHAT, json=_ask(messages=[{"role": "user", "content": "word " * 40_000}]))).json()

    assert answer["usage"]["prompt_tokens"] > 40_000


async def test_embeddings_come_as_numbers_or_base64(client: aiohttp.ClientSession) -> None:
    body = {"model": "text-embedding-echo", "input": ["a", "b"], "dimensions": 8}

    numbers = await (await client.post("/v1/embeddings", json=body)).json()
    packed = await (await client.post("/v1/embeddings", json={**body, "encoding_format": "base64"})).json()

    assert [(each["index"], len(each["embedding"])) for each in numbers["data"]] == [(0, 8), (1, 8)]
    assert [len(each["embedding"]) for each in packed["data"]] == [44, 44]
    assert numbers["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    assert numbers["model"] == "text-embedding-echo"


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("echo-400", 400, "context_length_exceeded"),
        ("echo-401", 401, "invalid_api_key"),
        ("echo-429", 429, "rate_limit_exceeded"),
        ("echo-500", 500, None),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_refusal_is_openais(
    client: aiohttp.ClientSession, model: str, status: int, code: str | None, stream: bool
) -> None:
    response = await client.post(CHAT, json=_ask(model, stream=stream))

    assert response.status == status
    assert (await response.json())["error"]["code"] == code
    assert response.headers.get("Retry-After") == ("1" if status == 429 else None)


async def test_echo_drop_breaks_a_stream_in_the_middle(client: aiohttp.ClientSession) -> None:
    got = bytearray()

    async with client.post(CHAT, json=_ask("echo-drop", stream=True)) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await _read_into(got, response)

    assert b"Echo:" in got
    assert b'finish_reason":"stop' not in got


async def test_echo_drop_breaks_a_whole_answer_before_its_first_byte(client: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.post(CHAT, json=_ask("echo-drop"))


async def test_echo_error_fails_in_the_middle_of_a_stream(client: aiohttp.ClientSession) -> None:
    response = await client.post(CHAT, json=_ask("echo-error", stream=True))

    *events, last = (await response.read()).decode().split("\n\n")[:-1]

    assert response.status == 200
    assert any("Echo:" in each for each in events)
    assert json.loads(last.removeprefix("data: "))["error"]["type"] == "server_error"


async def test_echo_error_fails_inside_a_success(client: aiohttp.ClientSession) -> None:
    response = await client.post(CHAT, json=_ask("echo-error"))

    assert (response.status, (await response.json())["error"]["type"]) == (200, "server_error")


@pytest.mark.parametrize("stream", [True, False])
async def test_echo_html_is_a_web_page(client: aiohttp.ClientSession, stream: bool) -> None:
    response = await client.post(CHAT, json=_ask("echo-html", stream=stream))

    assert (response.status, response.content_type) == (200, "text/html")
    await response.read()


async def test_echo_nousage_reports_none(client: aiohttp.ClientSession) -> None:
    whole = await (await client.post(CHAT, json=_ask("echo-nousage"))).json()
    ask = _ask("echo-nousage", stream=True, stream_options={"include_usage": True})
    stream = await (await client.post(CHAT, json=ask)).read()
    embedded = await (await client.post("/v1/embeddings", json={"model": "echo-nousage", "input": "a"})).json()

    assert "usage" not in whole
    assert b'"usage"' not in stream
    assert "usage" not in embedded


async def test_echo_slow_waits_first_and_paces_its_words(client: aiohttp.ClientSession, naps: Naps) -> None:
    body = await (await client.post(CHAT, json=_ask("echo-slow", stream=True))).read()

    assert naps.taken == [0.5, *[0.05] * (body.count(b"\n\n") - 1)]


async def test_others_do_not_wait(client: aiohttp.ClientSession, naps: Naps) -> None:
    await (await client.post(CHAT, json=_ask(stream=True))).read()

    assert naps.taken == []


async def test_echo_hang_never_answers_and_lets_go_when_the_server_closes(
    echo: EchoServer, client: aiohttp.ClientSession
) -> None:
    asking = asyncio.gather(client.post(CHAT, json=_ask("echo-hang")), return_exceptions=True)
    await (await client.post(CHAT, json=_ask())).read()

    await echo.close()

    (outcome,) = await asking
    assert isinstance(outcome, aiohttp.ClientConnectionError)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (CHAT, b"{", 400),
        (CHAT, b'{"model":"echo","messages":[]}', 400),
        ("/v1/completions", b'{"model":"echo","prompt":7}', 400),
        ("/v1/embeddings", b'{"model":"echo","input":[]}', 400),
        ("/v1/nothing", b"{}", 404),
    ],
)
async def test_a_bad_request_is_refused_in_openais_shape(
    client: aiohttp.ClientSession, path: str, body: bytes, status: int
) -> None:
    response = await client.post(path, data=body)

    assert response.status == status
    assert set((await response.json())["error"]) == {"message", "type", "param", "code"}
