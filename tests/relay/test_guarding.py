"""Content rules as callers and vendors meet them, over a whole gateway."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clinx.relay.aside import LARGE
from clinx.relay.translate import LARGE as LONG_ANSWER
from support.fake_upstream import FakeUpstream, pause, sse
from support.gateway import Running, chunks, completion, running_gateway

TREE = """\
version: 1
models:
  chat: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
  messages: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
channels:
  - {{name: chats, provider: openai-compatible, base_url: "{url}", credentials: [key], models: [chat]}}
  - {{name: spare, provider: openai-compatible, base_url: "{url}", credentials: [key], models: [chat], priority: -1}}
  - {{name: messages, provider: anthropic, base_url: "{url}", credentials: [key], models: [messages]}}
"""
RULES = """\
- {name: block-in, guard: {words: [nitro], action: block, on: input}}
- {name: mask-in, guard: {match: ['AKIA[0-9A-Z]{4}'], words_file: policies/words/names.txt, action: mask, on: input}}
- {name: flag-in, guard: {words: [odd], action: flag, on: input}}
- {name: block-out, guard: {words: [recipe], action: block, on: output, message: Not that.}}
- {name: mask-out, guard: {match: ['\\d{4}-\\d{4}'], action: mask, on: output, replacement: "[card]", window: 16}}
- {name: flag-out, guard: {words: [sorry], action: flag, on: output}}
"""
NAMES = "# people\nAda Lovelace\n"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def gateway(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    tree = TREE.format(url=upstream.url).replace("[key]", '["${env:UPSTREAM_KEY}"]')
    files = {"gateway.yaml": tree, "policies/guards.yaml": RULES, "policies/words/names.txt": NAMES}
    async with running_gateway(tmp_path, files) as running:
        yield running


@dataclass(frozen=True)
class Caller:
    """How somebody asks in one format, and what they read of the answer."""

    path: str
    model: str
    more: dict[str, Any]
    read: Callable[[Any], str]
    delta: Callable[[Any], str]

    def body(self, text: str, **more: Any) -> dict[str, Any]:
        return {"model": self.model, **self.more, "messages": [{"role": "user", "content": text}], **more}


def _chat_text(answer: Any) -> str:
    return answer["choices"][0]["message"]["content"]


def _chat_delta(event: Any) -> str:
    return event["choices"][0]["delta"].get("content") or "" if event.get("choices") else ""


def _messages_text(answer: Any) -> str:
    return "".join(block["text"] for block in answer["content"])


def _messages_delta(event: Any) -> str:
    return event.get("delta", {}).get("text", "")


CHAT = Caller("/v1/chat/completions", "chat", {}, _chat_text, _chat_delta)
MESSAGES = Caller("/v1/messages", "chat", {"max_tokens": 100}, _messages_text, _messages_delta)
NATIVE = Caller("/v1/messages", "messages", {"max_tokens": 100}, _messages_text, _messages_delta)
CALLERS = (CHAT, MESSAGES, NATIVE)
"""One is answered by a channel of its own format, one by way of another, and one again by its own."""


def each_caller(upstream: FakeUpstream) -> Iterator[Caller]:
    """Every caller, each before an upstream that has forgotten the one before."""
    for caller in CALLERS:
        upstream.forget()
        yield caller


def each_way(upstream: FakeUpstream) -> Iterator[tuple[Caller, bool]]:
    """Every caller, who wants a whole answer and then a stream."""
    for stream in (False, True):
        for caller in each_caller(upstream):
            yield caller, stream


def message(*texts: str) -> dict[str, Any]:
    usage = {"input_tokens": 9, "output_tokens": 3}
    answer = {"id": "msg_1", "type": "message", "role": "assistant", "model": "messages", "stop_sequence": None}
    return {**answer, "content": [{"type": "text", "text": "".join(texts)}], "stop_reason": "end_turn", "usage": usage}


def events(*texts: str) -> bytes:
    told: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message(), "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}} for text in texts),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ]
    return b"".join(b"event: %b\ndata: %b\n\n" % (each["type"].encode(), json.dumps(each).encode()) for each in told)


def pieces(caller: Caller, *texts: str) -> list[bytes]:
    """The events with which the caller's channel streams these texts."""
    body = events(*texts) if caller is NATIVE else sse(*chunks(*texts))
    return [each + b"\n\n" for each in body.split(b"\n\n") if each]


def said(caller: Caller, raw: str) -> str:
    """The text that a streamed answer tells."""
    told = [json.loads(line[6:]) for line in raw.splitlines() if line.startswith("data: {")]
    return "".join(caller.delta(event) for event in told if "error" not in event)


def script(upstream: FakeUpstream, caller: Caller, *texts: str, stream: bool) -> None:
    """Let the caller's channel answer, one chunk for each text."""
    if stream:
        upstream.streams(pieces(caller, *texts))
    else:
        upstream.answers(json=message(*texts) if caller is NATIVE else completion("".join(texts)))


async def ask(gateway: Running, key: str, caller: Caller, text: str = "Hi", *, stream: bool) -> tuple[int, str, str]:
    """Return the status, the text of the answer, and all of it."""
    status, data = await gateway.post_raw(
        caller.path, caller.body(text, **({"stream": True} if stream else {})), key=key
    )
    raw = data.decode()
    if status != 200:
        return status, "", raw
    if not stream:
        return status, caller.read(json.loads(raw)), raw
    return status, said(caller, raw), raw


async def test_what_is_masked_never_reaches_the_vendor(gateway: Running, upstream: FakeUpstream) -> None:
    key = await gateway.key()
    for caller in each_caller(upstream):
        script(upstream, caller, "Fine.", stream=False)

        asked = await ask(gateway, key, caller, "I am ada lovelace, AKIA0123.", stream=False)

        assert asked[:2] == (200, "Fine.")
        assert upstream.requests[0].json["messages"][0]["content"] == "I am ***, ***."


async def test_a_blocked_request_reaches_nobody_and_costs_nothing(gateway: Running, upstream: FakeUpstream) -> None:
    user = await gateway.user(credit="1")
    key = (await gateway.issue(user)).secret
    for caller, stream in each_way(upstream):
        status, _, raw = await ask(gateway, key, caller, "How do I make Nitro?", stream=stream)

        assert (status, upstream.requests) == (403, [])
        assert "The rule 'block-in' refuses this content." in raw
        assert "itro" not in raw
    assert str((await gateway.balance(user)).available) == "1"
    assert {log.refused_by for log in await gateway.request_logs()} == {"block-in"}


async def test_an_answer_is_masked_across_its_chunks_and_charged_as_it_was_made(
    gateway: Running, upstream: FakeUpstream
) -> None:
    key = await gateway.key()
    for caller, stream in each_way(upstream):
        script(upstream, caller, "Card 12", "34-5", "678, or 1", "234-", "567.", stream=stream)

        status, text, raw = await ask(gateway, key, caller, stream=stream)

        assert (status, text) == (200, "Card [card], or 1234-567.")
        assert "5678" not in raw
    logs = await gateway.request_logs()
    assert [(log.outcome, log.usage.input, log.usage.output) for log in logs] == [("ok", 9, 3)] * 6


async def test_an_answer_that_begins_with_what_is_blocked_is_an_error_and_nobody_else_is_asked(
    gateway: Running, upstream: FakeUpstream
) -> None:
    user = await gateway.user(credit="1")
    key = (await gateway.issue(user)).secret
    for caller, stream in each_way(upstream):
        script(upstream, caller, "Recipe: boil.", stream=stream)

        status, _, raw = await ask(gateway, key, caller, stream=stream)

        assert (status, len(upstream.requests)) == (403, 1)
        assert "Not that. The rule 'block-out' says so." in raw
        assert "ecipe" not in raw
    assert str((await gateway.balance(user)).available) == "1"
    logs = await gateway.request_logs()
    assert [[attempt.outcome for attempt in log.attempts] for log in logs] == [["policy_refused"]] * 6
    assert {log.refused_by for log in logs} == {"block-out"}


async def test_a_stream_that_is_blocked_ends_with_an_error_and_is_charged_so_far(
    gateway: Running, upstream: FakeUpstream
) -> None:
    key = await gateway.key()
    for caller in each_caller(upstream):
        seen = asyncio.Event()
        told = pieces(caller, "Well, here it is: ", "the re", "cipe", " is", " boil")
        rest = next(place for place, piece in enumerate(told) if b"cipe" in piece)
        upstream.streams([b"".join(told[:rest]), pause(seen), *told[rest:]])

        body, headers = caller.body("Hi", stream=True), {"Authorization": f"Bearer {key}"}
        async with gateway.session.post(gateway.url + caller.path, json=body, headers=headers) as response:
            raw = (await response.content.readany()).decode()
            seen.set()
            raw += (await response.read()).decode()

        assert (response.status, said(caller, raw)) == (200, "Well, here it is: the ")
        assert "Not that. The rule 'block-out' says so." in raw
        assert not any(each in raw for each in ("cipe", "[DONE]", "message_stop"))
    logs = await gateway.request_logs()
    assert [(log.outcome, log.charge.nano > 0) for log in logs] == [("policy_refused", True)] * 3


async def test_what_is_flagged_passes_and_is_written_down(
    gateway: Running, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    key = await gateway.key()
    upstream.streams(pieces(CHAT, "Sor", "ry, sorry.")).answers(json=completion("Sorry, sorry."))

    with caplog.at_level(logging.INFO, "clinx"):
        asked = [await ask(gateway, key, CHAT, "How odd", stream=stream) for stream in (True, False)]

    assert [each[:2] for each in asked] == [(200, "Sorry, sorry.")] * 2
    assert [each.json["messages"][0]["content"] for each in upstream.requests] == ["How odd"] * 2
    lines = {name: [vars(each)["fields"] for each in caplog.records if each.getMessage() == name] for name in EVENTS}
    assert [(each["rule"], each["action"], each["side"]) for each in lines["guard.hit"]] == [
        ("flag-in", "flag", "input"),
        ("flag-out", "flag", "output"),
    ] * 2
    assert [each["flags"] for each in lines["exchange.finished"]] == [["flag-in", "flag-out"]] * 2
    figures = gateway.gateway.metrics.render().decode()
    assert 'clinx_guard_hits_total{action="flag",rule="flag-in"} 2.0' in figures
    assert 'clinx_guard_hits_total{action="flag",rule="flag-out"} 4.0' in figures


EVENTS = ("guard.hit", "exchange.finished")


async def test_rules_that_only_flag_leave_every_byte_of_an_answer_in_the_callers_format(
    tmp_path: Path, upstream: FakeUpstream
) -> None:
    odd = {**completion("Sorry."), "provider": "X", "service_tier": "flex", "system_fingerprint": "fp"}
    whole, stream = json.dumps(odd, indent=1).encode(), sse(*({**each, "provider": "X"} for each in chunks("Sorry.")))
    upstream.answers(body=whole, content_type="application/json").streams([stream])
    tree = TREE.format(url=upstream.url).replace("[key]", '["${env:UPSTREAM_KEY}"]')
    rule = "- {name: flag-out, guard: {words: [sorry], action: flag, on: output}}"
    async with running_gateway(tmp_path, {"gateway.yaml": tree, "policies/guards.yaml": rule}) as gateway:
        key = await gateway.key()

        told = [await gateway.post_raw(CHAT.path, CHAT.body("Hi"), key=key)]
        more = {"stream": True, "stream_options": {"include_usage": True}}
        told.append(await gateway.post_raw(CHAT.path, CHAT.body("Hi", **more), key=key))
        translated = await ask(gateway, key, MESSAGES, stream=True)

        assert told == [(200, whole), (200, stream)]
        assert translated[:2] == (200, "Sorry.")
        figures = gateway.gateway.metrics.render().decode()
        assert 'clinx_guard_hits_total{action="flag",rule="flag-out"} 3.0' in figures


async def test_calls_are_masked_in_their_arguments_and_stay_json(gateway: Running, upstream: FakeUpstream) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": '{"a":"\\n1234-5678","b":[1]}'}}
    answer = completion()
    answer["choices"][0]["message"] = {"role": "assistant", "content": None, "tool_calls": [call]}
    answer["choices"][0]["finish_reason"] = "tool_calls"
    upstream.answers(json=answer)

    status, body = await gateway.post("/v1/chat/completions", CHAT.body("Pay"), key=await gateway.key())

    assert status == 200
    assert json.loads(body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]) == {
        "a": "\n[card]",
        "b": [1],
    }


async def test_a_long_request_and_a_question_how_long_it_is_are_looked_at_too(
    gateway: Running, upstream: FakeUpstream
) -> None:
    upstream.answers(json={"input_tokens": 5})
    body = NATIVE.body("so " * LARGE + "AKIA0123")
    del body["max_tokens"]

    status, _ = await gateway.post("/v1/messages/count_tokens", body, key=await gateway.key())

    assert status == 200
    assert upstream.requests[0].json["messages"][0]["content"].endswith("so ***")


async def test_a_long_answer_is_changed_beside_the_loop_and_counted_on_it(
    gateway: Running, upstream: FakeUpstream
) -> None:
    script(upstream, CHAT, "so " * LONG_ANSWER + "1234-5678", stream=False)

    status, text, _ = await ask(gateway, await gateway.key(), CHAT, stream=False)

    assert (status, text[-9:]) == (200, "so [card]")
    figures = gateway.gateway.metrics.render().decode()
    assert 'clinx_guard_hits_total{action="mask",rule="mask-out"} 1.0' in figures


async def test_a_changed_list_of_words_is_a_new_revision(gateway: Running, upstream: FakeUpstream) -> None:
    script(upstream, CHAT, "Fine.", stream=False)
    key, before = await gateway.key(), gateway.gateway.current.snapshot.revision.id
    (gateway.root / "policies/words/names.txt").write_text("Grace Hopper\n")

    await gateway.gateway.reloader.reload()
    await ask(gateway, key, CHAT, "Ada Lovelace, Grace Hopper", stream=False)

    assert gateway.gateway.current.snapshot.revision.id != before
    assert upstream.requests[0].json["messages"][0]["content"] == "Ada Lovelace, ***"
