"""Nothing that a caller or an upstream sends gets an exception that nobody foresaw: mutated bodies and streams.

``FUZZ_CASES`` says how many cases are tried (`make soak` tries 50,000), ``FUZZ_SEED`` where they begin. A failure names
its seed, which makes the same case again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from clinx.canonical.content import Text
from clinx.canonical.events import Failed
from clinx.canonical.filters import Chain, filtered
from clinx.canonical.fold import fold
from clinx.canonical.request import ChatRequest, Role, Turn
from clinx.canonical.thinking import TextToThoughts, ThoughtsToText
from clinx.dialects.base import Dialect, Target
from clinx.dialects.registry import DIALECTS
from clinx.domain.catalog import StreamEnd
from clinx.errors import CallerError, UpstreamBroken
from clinx.storage import request_logs
from support import vendors
from support.codecs import CODED, answering, assert_grammar, codec_of, envelope_of
from support.fake_upstream import FakeUpstream
from support.gateway import running_gateway
from support.matrix import PICTURE, PRICE, RESPONSES, TREE
from support.mutations import pieces, wrong_body, wrong_stream
from support.vendors import Scene

CASES = int(os.environ.get("FUZZ_CASES", "2000"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
GOLDENS = Path(__file__).resolve().parents[1] / "goldens"

SCENES = [
    Scene("hm.", ("Hello ", "thére"), (("f", {"a": 1}), ("g", {})), "tool_calls"),
    Scene(pieces=("<think>hm", "</think>", "Hi"), finish="length"),
]
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
ASKED: dict[str, Any] = {
    "openai_chat": {
        "model": "openai_chat",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "name": "ann",
                "content": [
                    {"type": "text", "text": "hi"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}},
                ],
            },
            {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": "hm"},
            {"role": "tool", "tool_call_id": "call_1", "content": "42"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA, "strict": False}}],
        "tool_choice": "auto",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
        "temperature": 0.5,
        "stop": ["END"],
        "reasoning_effort": "low",
        "logprobs": True,
        "max_tokens": 50,
    },
    "openai_responses": {
        "model": "openai_responses",
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "42"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": False}],
        "tool_choice": {"type": "function", "name": "f"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}},
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["message.output_text.logprobs"],
        "max_output_tokens": 50,
    },
    "anthropic": {
        "model": "anthropic",
        "max_tokens": 2000,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "hi"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                    {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "42"}]},
        ],
        "tools": [{"name": "f", "input_schema": SCHEMA}],
        "tool_choice": {"type": "any"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u"},
    },
    "gemini": {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "hi"}, {"inlineData": {"mimeType": "image/png", "data": PICTURE}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "42"}}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "f", "parameters": SCHEMA}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        "generationConfig": {
            "temperature": 0.5,
            "maxOutputTokens": 50,
            "stopSequences": ["END"],
            "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 100},
            "responseMimeType": "application/json",
            "responseSchema": SCHEMA,
        },
    },
}


def goldens(dialect: str, kind: str) -> list[bytes]:
    """The inputs of the goldens of a kind; the codecs' dialects alone have them all."""
    folder = GOLDENS / dialect / kind
    files = sorted(folder.iterdir()) if folder.exists() else []
    return [path.read_bytes().partition(b"\n----------\n")[0] for path in files]


def requests(dialect: str) -> list[bytes]:
    return [json.dumps(ASKED[dialect]).encode()] * 3 + goldens(dialect, "requests")


def answers(dialect: str) -> list[bytes]:
    return [json.dumps(vendors.whole(dialect, scene)).encode() for scene in SCENES] + goldens(dialect, "responses")


def streams(dialect: str) -> list[bytes]:
    return [vendors.stream(dialect, scene) for scene in SCENES] + goldens(dialect, "streams")


def seeds(cases: int) -> Iterator[int]:
    return iter(range(SEED, SEED + cases))


def try_all(cases: int, case: Callable[[Random], None]) -> None:
    """Try a case with each seed.

    Raises:
        AssertionError: one failed; it names the seed.
    """
    for seed in seeds(cases):
        try:
            case(Random(seed))
        except Exception as error:
            raise AssertionError(f"FUZZ_SEED={seed} FUZZ_CASES=1: {type(error).__name__}: {error}") from error


every_codec = pytest.mark.parametrize("dialect", CODED, ids=lambda dialect: dialect.name)


@every_codec
def test_any_request_is_read_or_refused(dialect: Dialect) -> None:
    given = requests(dialect.name)

    def case(rng: Random) -> None:
        body = wrong_body(rng.choice(given), rng)
        try:
            request = codec_of(dialect).decode_request(envelope_of(dialect, body))
        except CallerError:
            return
        for other in CODED:
            target = Target("claude-opus-4-5", 100, rng.choice([None, "reasoning_content"]))
            json.loads(codec_of(other).encode_request(request, target).body)

    try_all(CASES // 12, case)


@every_codec
def test_any_answer_is_told_or_broken(dialect: Dialect) -> None:
    given, asked = answers(dialect.name), answering(dialect)

    def case(rng: Random) -> None:
        body = wrong_body(rng.choice(given), rng)
        try:
            dialect.read_answer(asked.envelope, body)
            response = codec_of(dialect).decode_answer(body)
        except UpstreamBroken:
            return
        changed = filtered(response, Chain([TextToThoughts(), ThoughtsToText()]))
        for other in CODED:
            json.loads(codec_of(other).encode_answer(rng.choice([response, changed]), answering(other)).body)

    try_all(CASES // 12, case)


@every_codec
def test_any_stream_is_told_or_broken(dialect: Dialect) -> None:
    given, asked = streams(dialect.name), answering(dialect, stream=True)
    told = {other.name: answering(other, stream=True) for other in CODED}

    def case(rng: Random) -> None:
        data = wrong_stream(rng.choice(given), rng)
        tap = dialect.tap(asked.envelope, rng.choice(list(StreamEnd)))
        decoder = codec_of(dialect).event_decoder()
        changes = Chain(rng.choice([[], [TextToThoughts()], [TextToThoughts(), ThoughtsToText()]]))
        other = rng.choice(CODED)
        encoder = codec_of(other).event_encoder(told[other.name])
        try:
            forwarded = [tap.feed(piece) for piece in pieces(data, rng)]
            events = [event for piece in [*forwarded, tap.close(), tap.tail] for event in decoder.feed(piece)]
        except UpstreamBroken:
            return
        events += decoder.close()
        changed = [each for event in events if not isinstance(event, Failed) for each in changes.feed(event)]
        assert_grammar(events)
        assert b"".join([*map(encoder.feed, changed), encoder.close()])
        if not any(isinstance(event, Failed) for event in events):
            assert_grammar(changed)
            fold(changed)

    try_all(CASES // 12, case)


PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
}
MORE = (
    'base_url: "{url}", credentials: ["${{env:UPSTREAM_KEY}}"], groups: [default],'
    " circuit: {{failures: 1000000, volume: 1000000}}, retry: {{attempts: 1}}"
)


def path_of(dialect: str, model: str, *, streams: bool) -> str:
    if dialect == "gemini":
        return f"/v1beta/models/{model}:" + ("streamGenerateContent?alt=sse" if streams else "generateContent")
    return PATHS[dialect]


def sane(dialect: str, model: str, *, streams: bool) -> bytes:
    """A small request of a dialect that every other one can say."""
    request = ChatRequest("m", (Turn(Role.USER, (Text("hi"),)),), stream=streams)
    return codec_of(DIALECTS[dialect]).encode_request(request, Target(model, 100)).body


def wrong_exchange(rng: Random, upstream: FakeUpstream) -> tuple[str, bytes]:
    """Script the vendor, and return what the caller sends, and where to: one of the two is wrong."""
    caller, vendor = (rng.choice(CODED).name for _ in range(2))
    streams_ = rng.random() < 0.5
    upstream.forget()
    if rng.random() < 0.4:
        body = wrong_body(rng.choice(requests(caller)).replace(f'"{caller}"'.encode(), f'"{vendor}"'.encode()), rng)
        if caller != "gemini":
            streams_ = _asks_for_a_stream(body)
        if streams_:
            upstream.streams([vendors.stream(vendor, SCENES[0])])
        else:
            upstream.answers(json=vendors.whole(vendor, SCENES[0]))
        return path_of(caller, vendor, streams=streams_), body
    if streams_:
        upstream.streams(pieces(wrong_stream(rng.choice(streams(vendor)), rng), rng) or [b"\n"])
    else:
        upstream.answers(body=wrong_body(rng.choice(answers(vendor)), rng))
    return path_of(caller, vendor, streams=streams_), sane(caller, vendor, streams=streams_)


def _asks_for_a_stream(body: bytes) -> bool:
    try:
        return json.loads(body).get("stream") is True
    except (ValueError, AttributeError, RecursionError):
        return False


async def test_the_gateway_answers_everything(tmp_path: Path) -> None:
    async with FakeUpstream() as upstream:
        files = {
            "gateway.yaml": TREE.format(price=PRICE, more=MORE.format(url=upstream.url)),
            "providers/responses.yaml": RESPONSES,
        }
        async with running_gateway(tmp_path, files) as gateway:
            headers = {"Authorization": f"Bearer {await gateway.key(credit='1000')}"}
            for seed in seeds(CASES // 8):
                rng = Random(seed)
                path, body = wrong_exchange(rng, upstream)
                async with gateway.session.post(gateway.url + path, data=body, headers=headers) as response:
                    told = await response.read()
                said = f"FUZZ_SEED={seed} FUZZ_CASES=8: {path} {response.status} {told[:300]!r}"
                assert response.status != 500, said
            logs: Sequence[Any] = await request_logs.latest(gateway.gateway.database, limit=CASES)
            await gateway.settled()

    assert {log.outcome for log in logs} & {"internal", "client_gone"} == set()
