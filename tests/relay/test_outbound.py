"""What a channel is sent: seen at the upstream's own socket."""

import json
from pathlib import Path

import pytest

from clinx.policies.verdict import HeaderChange
from clinx.relay.outbound import outbound_headers
from support.fake_upstream import FakeUpstream, sse
from support.gateway import Running, chat, chunks, completion, running_gateway

TREE = """\
version: 1
groups: {{default: {{}}}}
models:
  public-name: {{price: free}}
  same-name: {{price: free}}
channels:
  - name: main
    provider: quirky
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [same-name, {{public-name: upstream/name}}]
    groups: [default]
    {more}
"""
PROVIDER = """\
provider: quirky
extends: openai-compatible
{more}
"""


def files(url: str, *, channel: str = "", provider: str = "") -> dict[str, str]:
    return {
        "gateway.yaml": TREE.format(url=url, more=channel),
        "providers/quirky.yaml": PROVIDER.format(more=provider),
    }


async def test_a_body_without_a_mapping_arrives_byte_for_byte(gateway: Running, upstream: FakeUpstream) -> None:
    body = (
        b'{ "unknown": 1.50,\n  "model":"fake-model", "seed": 12345678901234567890,'
        b' "messages":[{"role":"user","content":"h\\u00e9"}]}'
    )
    upstream.answers(json=completion())

    status, _ = await gateway.post_raw("/v1/chat/completions", body, key=await gateway.key())

    assert status == 200
    assert upstream.requests[0].body == body


async def test_only_the_model_s_name_changes_under_a_mapping(tmp_path: Path, upstream: FakeUpstream) -> None:
    body = b'{"top_p":1.0 ,"model": "public-name","messages":[{"role":"user","content":"hi"}],"x":[1e2, 0.10]}'
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, files(upstream.url)) as gateway:
        status, _ = await gateway.post_raw("/v1/chat/completions", body, key=await gateway.key())

    assert status == 200
    assert upstream.requests[0].body == body.replace(b'"public-name"', b'"upstream/name"')


async def test_a_large_prompt_is_spliced_not_encoded_again(tmp_path: Path, upstream: FakeUpstream) -> None:
    prompt = json.dumps("\\/é\u2028" * 60_000).encode()
    body = b'{"messages":[{"role":"user","content":' + prompt + b'}],"model":"public-name"}'
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, files(upstream.url)) as gateway:
        status, _ = await gateway.post_raw("/v1/chat/completions", body, key=await gateway.key())

    assert status == 200
    assert upstream.requests[0].body == body.replace(b'"public-name"', b'"upstream/name"')


async def test_usage_is_asked_for_in_streams_and_other_stream_options_survive(
    gateway: Running, upstream: FakeUpstream
) -> None:
    upstream.streams([sse(*chunks("Hello"))])
    request = chat(stream=True, stream_options={"include_obfuscation": False})

    await gateway.post_raw("/v1/chat/completions", request, key=await gateway.key())

    assert upstream.requests[0].json["stream_options"] == {"include_obfuscation": False, "include_usage": True}


async def test_the_caller_s_headers_and_key_never_travel(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())
    key = await gateway.key()

    await gateway.post("/v1/chat/completions", chat(), key=key, headers={"X-Secret": "mine", "Cookie": "a=b"})

    received = upstream.requests[0].headers
    assert received["authorization"] == "Bearer vendor-secret-0123456789"
    assert key not in str(received)
    assert {"x-secret", "cookie"}.isdisjoint(received)


@pytest.mark.parametrize(
    ("provider", "sent", "expected"),
    [
        ("params: [{rename: {max_completion_tokens: max_tokens}}]", {"max_completion_tokens": 5}, {"max_tokens": 5}),
        (
            "params: [{rename: {max_completion_tokens: max_tokens}}]",
            {"max_completion_tokens": 5, "max_tokens": 7},
            {"max_tokens": 7},
        ),
        ("params: [{drop: [logit_bias]}]", {"logit_bias": {"1": 2}, "top_p": 0}, {"top_p": 0}),
        ("params: [{default: {temperature: 0.7}}]", {}, {"temperature": 0.7}),
        ("params: [{default: {temperature: 0.7}}]", {"temperature": 0}, {"temperature": 0}),
        ("params: [{set: {store: false}}]", {"store": True}, {"store": False}),
        ("params: [{drop: [seed], when: \"model == 'other'\"}]", {"seed": 1}, {"seed": 1}),
        ("params: [{drop: [seed], when: \"model == 'same-name'\"}]", {"seed": 1}, {}),
    ],
)
async def test_a_quirk_changes_what_it_names_and_nothing_else(
    tmp_path: Path, upstream: FakeUpstream, provider: str, sent: dict[str, object], expected: dict[str, object]
) -> None:
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, files(upstream.url, provider=provider)) as gateway:
        await gateway.post("/v1/chat/completions", chat("same-name", **sent), key=await gateway.key())

    received = upstream.requests[0].json
    assert {name: received[name] for name in received if name not in {"model", "messages"}} == expected


async def test_a_channel_s_set_wins_over_the_caller(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, files(upstream.url, channel="set: {store: false}")) as gateway:
        await gateway.post("/v1/chat/completions", chat("same-name", store=True), key=await gateway.key())

    assert upstream.requests[0].json["store"] is False


def test_headers_of_rules_replace_those_of_the_request_whatever_their_case() -> None:
    own = {"anthropic-version": "2023-06-01", "anthropic-beta": "b"}
    changes = (HeaderChange("Anthropic-Beta", None), HeaderChange("X-Team", "blue"), HeaderChange("x-gone", None))

    assert outbound_headers(own, ()) is own
    assert outbound_headers(own, changes) == {"anthropic-version": "2023-06-01", "X-Team": "blue"}
