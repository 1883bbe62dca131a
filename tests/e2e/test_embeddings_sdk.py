"""Embeddings through the official SDKs of both formats, against vendors of both: what a user's program sees."""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import openai
import pytest
import pytest_asyncio
from google import genai
from google.genai import errors, types

from clinx.domain.usage import Usage
from support import vendors
from support.fake_upstream import FakeUpstream
from support.gateway import Running, running_gateway

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
]

TREE = """\
version: 1
models:
  openai_chat: {{price: {{input: "0.13", per: 1M}}}}
  gemini: {{price: {{input: "0.13", per: 1M}}}}
channels:
  - {{name: inputs, provider: openai-compatible, models: [{{openai_chat: text-embedding-3-large}}], {more}}}
  - {{name: contents, provider: gemini, models: [{{gemini: gemini-embedding-001}}], {more}}}
"""
PATHS = {"openai_chat": "/v1/embeddings", "gemini": "/v1beta/models/gemini-embedding-001:batchEmbedContents"}
VECTORS = [[0.25, -0.5], [1.0, 0.0078125], [0.0, 3.0]]

upstreams = pytest.mark.parametrize("model", ["openai_chat", "gemini"])
threads = pytest.mark.parametrize("in_thread", [False, True], ids=["async", "sync"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vendor() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
def upstream(vendor: FakeUpstream) -> FakeUpstream:
    vendor.forget()
    return vendor


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory, vendor: FakeUpstream) -> AsyncIterator[Running]:
    more = f'base_url: "{vendor.url}", credentials: ["${{env:UPSTREAM_KEY}}"], groups: [default]'
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("UPSTREAM_KEY", "vendor-secret")
        files = {"gateway.yaml": TREE.format(more=more)}
        async with running_gateway(tmp_path_factory.mktemp("embeddings"), files) as running:
            yield running


def packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def script(upstream: FakeUpstream, model: str, vectors: Sequence[Any], tokens: int | None = 7) -> None:
    """What the model's vendor answers; without tokens it says nothing of them."""
    if model == "gemini":
        told: Mapping[str, Any] = {} if tokens is None else {"usageMetadata": {"promptTokenCount": tokens}}
        upstream.answers(json={"embeddings": [{"values": vector} for vector in vectors], **told})
        return
    told = {} if tokens is None else {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
    data = [{"object": "embedding", "index": place, "embedding": vector} for place, vector in enumerate(vectors)]
    upstream.answers(json={"object": "list", "model": "text-embedding-3-large", "data": data, **told})


@dataclass(frozen=True)
class OpenAICaller:
    """A program on OpenAI's SDK."""

    gateway: Running
    key: str
    in_thread: bool

    async def embed(self, model: str, texts: Any, **more: Any) -> Any:
        given: Any = {"api_key": self.key, "base_url": f"{self.gateway.url}/v1", "max_retries": 0}
        if self.in_thread:
            return await asyncio.to_thread(self._in_thread, given, {"model": model, "input": texts, **more})
        async with openai.AsyncOpenAI(**given) as sdk:
            return await sdk.embeddings.create(model=model, input=texts, **more)

    def _in_thread(self, given: Any, asked: Any) -> Any:
        with openai.OpenAI(**given) as sdk:
            return sdk.embeddings.create(**asked)


@dataclass(frozen=True)
class GoogleCaller:
    """A program on Google's SDK."""

    gateway: Running
    key: str
    in_thread: bool

    async def embed(self, model: str, texts: Any, **config: Any) -> Any:
        asked: Any = {"model": model, "contents": texts, "config": types.EmbedContentConfig(**config)}
        client = genai.Client(
            api_key=self.key,
            vertexai=False,
            http_options=types.HttpOptions(base_url=self.gateway.url, timeout=10_000),
        )
        if self.in_thread:
            return await asyncio.to_thread(self._in_thread, client, asked)
        async with client.aio as sdk:
            return await sdk.models.embed_content(**asked)

    def _in_thread(self, client: genai.Client, asked: Any) -> Any:
        with client as sdk:
            return sdk.models.embed_content(**asked)


async def openai_caller(gateway: Running, *, in_thread: bool = False, **limits: Any) -> OpenAICaller:
    return OpenAICaller(gateway, await gateway.key(**limits), in_thread)


async def google_caller(gateway: Running, *, in_thread: bool = False, **limits: Any) -> GoogleCaller:
    return GoogleCaller(gateway, await gateway.key(**limits), in_thread)


async def charged(gateway: Running) -> tuple[str, str, Usage, str]:
    log = (await gateway.request_logs())[0]
    return log.dialect, log.operation, log.usage, str(log.charge)


@upstreams
@threads
async def test_openai_s_sdk_hears_vectors_that_it_asked_for_as_base64(
    gateway: Running, upstream: FakeUpstream, model: str, in_thread: bool
) -> None:
    script(upstream, model, [packed(vector) for vector in VECTORS] if model == "openai_chat" else VECTORS)

    heard = await (await openai_caller(gateway, in_thread=in_thread)).embed(model, ["one", "two", "three"])

    assert [each.embedding for each in heard.data] == VECTORS
    assert [each.index for each in heard.data] == [0, 1, 2]
    assert (heard.usage.prompt_tokens, heard.usage.total_tokens) == (7, 7)
    assert upstream.requests[0].path == PATHS[model]
    assert await charged(gateway) == ("openai_embeddings", "embed", Usage(input=7, call=1), "0.00000091")


@upstreams
@threads
async def test_openai_s_sdk_hears_numbers_of_the_size_it_asked_for(
    gateway: Running, upstream: FakeUpstream, model: str, in_thread: bool
) -> None:
    script(upstream, model, VECTORS[:1])
    caller = await openai_caller(gateway, in_thread=in_thread)

    heard = await caller.embed(model, "hello", encoding_format="float", dimensions=2, user="ann")

    assert [each.embedding for each in heard.data] == VECTORS[:1]
    asked = upstream.requests[0].json
    if model == "openai_chat":
        assert (asked["input"], asked["dimensions"], asked["user"]) == ("hello", 2, "ann")
    else:
        (request,) = asked["requests"]
        assert request == {
            "model": "models/gemini-embedding-001",
            "content": {"parts": [{"text": "hello"}]},
            "outputDimensionality": 2,
        }


@threads
async def test_openai_s_sdk_sends_tokens_to_its_own_vendor(
    gateway: Running, upstream: FakeUpstream, in_thread: bool
) -> None:
    script(upstream, "openai_chat", [packed(vector) for vector in VECTORS[:2]])

    heard = await (await openai_caller(gateway, in_thread=in_thread)).embed("openai_chat", [[9906, 1917], [0]])

    assert [each.embedding for each in heard.data] == VECTORS[:2]
    assert upstream.requests[0].json["input"] == [[9906, 1917], [0]]


@threads
async def test_openai_s_sdk_cannot_send_tokens_to_google_s_vendor(
    gateway: Running, upstream: FakeUpstream, in_thread: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await (await openai_caller(gateway, in_thread=in_thread)).embed("gemini", [9906, 1917])

    assert (refused.value.code, refused.value.param) == ("unsupported_by_model", "input")
    assert upstream.requests == []
    assert (await charged(gateway))[3] == "0"


@upstreams
@threads
async def test_google_s_sdk_hears_a_vector_for_each_content(
    gateway: Running, upstream: FakeUpstream, model: str, in_thread: bool
) -> None:
    script(upstream, model, VECTORS)
    caller = await google_caller(gateway, in_thread=in_thread)

    heard = await caller.embed(model, ["one", "two", "three"], output_dimensionality=2)

    assert [each.values for each in heard.embeddings] == VECTORS
    assert heard.usage_metadata.prompt_token_count == 7
    assert upstream.requests[0].path == PATHS[model]
    if model == "openai_chat":
        assert upstream.requests[0].json == {
            "model": "text-embedding-3-large",
            "input": ["one", "two", "three"],
            "dimensions": 2,
        }
    assert await charged(gateway) == ("gemini", "embed_batch", Usage(input=7, call=1), "0.00000091")


@upstreams
async def test_google_s_task_and_title_reach_whoever_knows_them(
    gateway: Running, upstream: FakeUpstream, model: str
) -> None:
    script(upstream, model, VECTORS[:1])

    await (await google_caller(gateway)).embed(model, "one", task_type="RETRIEVAL_DOCUMENT", title="T")

    asked = upstream.requests[0].json
    if model == "openai_chat":
        assert asked == {"model": "text-embedding-3-large", "input": "one"}
    else:
        assert (asked["requests"][0]["taskType"], asked["requests"][0]["title"]) == ("RETRIEVAL_DOCUMENT", "T")


@upstreams
@pytest.mark.parametrize("make", [openai_caller, google_caller], ids=["openai", "google"])
async def test_without_a_report_the_gateway_counts_the_same_for_everybody(
    gateway: Running, upstream: FakeUpstream, make: Any, model: str
) -> None:
    script(upstream, model, VECTORS[:2], tokens=None)

    await (await make(gateway)).embed(model, ["hello", "there is more"])

    dialect, _, usage, charge = await charged(gateway)
    assert dialect == ("gemini" if make is google_caller else "openai_embeddings")
    assert (usage, charge) == (Usage(input=4, call=1, estimated=True), "0.00000052")


@upstreams
async def test_openai_s_sdk_raises_what_the_status_says(gateway: Running, upstream: FakeUpstream, model: str) -> None:
    caller = await openai_caller(gateway)
    upstream.answers(status=400, json=vendors.error(model, 400, "the text is too long"))
    with pytest.raises(openai.BadRequestError, match="the text is too long"):
        await caller.embed(model, "hello")
    upstream.forget()
    upstream.answers(status=503, json=vendors.error(model, 503, "overloaded"))
    with pytest.raises(openai.InternalServerError) as busy:
        await caller.embed(model, "hello")
    with pytest.raises(openai.RateLimitError) as poor:
        await (await openai_caller(gateway, credit="0")).embed(model, "hello")

    assert (busy.value.status_code, busy.value.code) == (503, "upstream_overloaded")
    assert poor.value.code == "insufficient_quota"
    assert [str(log.charge) for log in (await gateway.request_logs())[:3]] == ["0", "0", "0"]


@upstreams
async def test_google_s_sdk_raises_what_the_status_says(gateway: Running, upstream: FakeUpstream, model: str) -> None:
    caller = await google_caller(gateway)
    upstream.answers(status=400, json=vendors.error(model, 400, "the text is too long"))
    with pytest.raises(errors.ClientError, match="the text is too long") as refused:
        await caller.embed(model, "hello")
    upstream.forget()
    upstream.answers(status=503, json=vendors.error(model, 503, "overloaded"))
    with pytest.raises(errors.ServerError) as busy:
        await caller.embed(model, "hello")
    with pytest.raises(errors.ClientError) as poor:
        await (await google_caller(gateway, credit="0")).embed(model, "hello")

    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
    assert (busy.value.code, busy.value.status) == (503, "UNAVAILABLE")
    assert (poor.value.code, poor.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert [str(log.charge) for log in (await gateway.request_logs())[:3]] == ["0", "0", "0"]


@threads
async def test_a_vendor_that_leaves_a_vector_out_is_an_error_of_the_server(
    gateway: Running, upstream: FakeUpstream, in_thread: bool
) -> None:
    script(upstream, "openai_chat", VECTORS[:1])
    with pytest.raises(errors.ServerError) as of_google:
        await (await google_caller(gateway, in_thread=in_thread)).embed("openai_chat", ["one", "two"])
    upstream.forget()
    script(upstream, "gemini", VECTORS[:1])
    with pytest.raises(openai.InternalServerError) as of_openai:
        await (await openai_caller(gateway, in_thread=in_thread)).embed("gemini", ["one", "two"])

    assert (of_google.value.code, of_openai.value.status_code, of_openai.value.code) == (502, 502, "upstream_broken")
