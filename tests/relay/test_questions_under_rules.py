"""Questions about kept answers under the operator's rules, seen at both ends of a running gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clinx.relay.aside import LARGE
from support.fake_upstream import FakeUpstream, hang_up, pause
from support.gateway import Running, running_gateway

TREE = """\
version: 1
models:
  m: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 100}}
  m-high: {{price: free}}
  n: {{price: free}}
channels:
  - {{name: main, extends: all, models: [m], priority: 1, base_url: "{url}/main", tags: [eu]}}
  - {{name: spare, extends: all, models: [m, m-high, n], base_url: "{url}/spare", tags: [us]}}
profiles:
  all: {{provider: openai, credentials: ["${{env:UPSTREAM_KEY}}"]}}
"""
RULES = """\
- {name: other-name, when: model == 'm-high', rewrite: {model: m}}
- {name: denied, when: "header['x-try'] == 'deny' and operation == 'stored' and model == 'm'", deny: {message: No.}}
- {name: only-n, when: "header['x-try'] == 'allow'", allow: {models: [n]}}
- {name: only-high, when: "header['x-try'] == 'allow-high'", allow: {models: [m-high]}}
- {name: elsewhere, when: "header['x-try'] == 'network'", allow: {networks: [10.0.0.0/8]}}
- {name: few, when: "header['x-try'] == 'few'", limit: {requests: 1, per: 1h, of: [token, model]}}
- {name: good, when: "header['x-try'] == 'good'", limit: {requests: 1, per: 1h, of: token, count: success}}
- {name: one, when: "header['x-one']", limit: {concurrency: 1, of: token}}
- {name: purse, when: "header['x-try'] == 'budget'", budget: {amount: "0.000001", per: day, of: token}}
- name: team
  when: header["x-team"]
  rewrite: {model: n, set: {user: u}, headers: {set: {X-Team: '{{ header["x-team"] }}'}}}
- {name: after-team, when: "header['x-team']", rewrite: {headers: {set: {X-Model: '{{ model }}'}}}}
- {name: away, when: "header['x-team']", route: {require: [us]}}
- {name: sticky, when: "header['x-team']", affinity: {key: "header['x-team']"}}
- {name: block, when: "header['x-guard']", guard: {words: [recipe], action: block, on: output, message: Not that.}}
- name: mask
  when: header["x-guard"]
  guard: {match: ['\\d{4}-\\d{4}'], action: mask, on: output, replacement: "[card]", window: 16}
- {name: flag, when: "header['x-guard']", guard: {words: [sorry], action: flag, on: output}}
"""
GUARDED = {"X-Guard": "1"}


def response(text: str = "Hi", name: str = "resp_1") -> dict[str, Any]:
    logprobs = [{"token": text, "logprob": -0.1, "bytes": [1], "top_logprobs": [{"token": text, "bytes": []}]}]
    said = {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}
    call = {"id": "fc_1", "type": "function_call", "name": "pay", "arguments": json.dumps({"to": text})}
    picture = {"id": "ig_1", "type": "image_generation_call", "result": "1234-5678" + "A" * 80}
    output = [{"id": "msg_1", "type": "message", "role": "assistant", "content": [said]}, call, picture]
    usage = {"input_tokens": 5, "output_tokens": 2}
    answer = {
        "id": name,
        "object": "response",
        "status": "completed",
        "model": "m",
        "previous_response_id": "r_1234-5678",
    }
    return {**answer, "instructions": "No recipe.", "output": output, "usage": usage}


def events(*texts: str) -> list[bytes]:
    """A streamed response, an event each."""
    whole = response("".join(texts))
    item = whole["output"][0]
    whole["output"] = [item]
    begun = {**whole, "output": [], "usage": None}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    told: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **place, "part": {"type": "output_text", "text": ""}},
        *({"type": "response.output_text.delta", **place, "delta": text} for text in texts),
        {"type": "response.output_text.done", **place, "text": "".join(texts)},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return [b"event: %b\ndata: %b\n\n" % (each["type"].encode(), json.dumps(each).encode()) for each in told]


@pytest.fixture
async def gateway(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    files = {"gateway.yaml": TREE.format(url=upstream.url), "policies/rules.yaml": RULES}
    async with running_gateway(tmp_path, files) as running:
        yield running


async def make(gateway: Running, upstream: FakeUpstream, model: str = "m", **limits: Any) -> str:
    """Make the answer resp_1; return the key it was made with."""
    key = await gateway.key(**limits)
    upstream.answers(json=response())
    status, _ = await gateway.post("/v1/responses", {"model": model, "input": "Hi"}, key=key)
    assert status == 200
    upstream.forget()
    return key


async def ask(
    gateway: Running, key: str, rest: str = "", method: str = "GET", name: str = "resp_1", **headers: str
) -> tuple[int, bytes]:
    sent = {"Authorization": f"Bearer {key}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with gateway.session.request(method, f"{gateway.url}/v1/responses/{name}{rest}", headers=sent) as answer:
        return answer.status, await answer.read()


def code(answer: tuple[int, bytes]) -> tuple[int, str]:
    return answer[0], json.loads(answer[1])["error"]["code"]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("deny", (403, "policy_refused")),
        ("allow", (403, "model_not_allowed")),
        ("allow-high", (403, "model_not_allowed")),
        ("network", (403, "policy_refused")),
        ("budget", (429, "budget_spent")),
    ],
)
async def test_what_rules_refuse_reaches_nobody(
    gateway: Running, upstream: FakeUpstream, case: str, expected: tuple[int, str]
) -> None:
    key = await make(gateway, upstream)

    assert code(await ask(gateway, key, X_Try=case)) == expected
    assert upstream.requests == []


async def test_an_answer_is_of_the_model_that_was_served_and_of_the_one_asked_for(
    gateway: Running, upstream: FakeUpstream
) -> None:
    key = await make(gateway, upstream, "m-high", models=("m-high",))
    upstream.answers(json=response())

    by_either_name = [(await ask(gateway, key, X_Try=case))[0] for case in ("", "allow-high", "deny")]

    assert by_either_name == [200, 200, 403]
    log = next(each for each in await gateway.request_logs() if each.operation == "stored" and each.outcome == "ok")
    assert (log.model, log.asked_model) == ("m", "m-high")


async def test_questions_count_by_the_model_of_the_answer_also_those_about_nothing(
    gateway: Running, upstream: FakeUpstream
) -> None:
    key = await make(gateway, upstream)
    upstream.answers(json=response())

    known = [(await ask(gateway, key, X_Try="few"))[0] for _ in range(2)]
    unknown = [(await ask(gateway, key, name="resp_2", X_Try="few"))[0] for _ in range(2)]

    assert (known, unknown, len(upstream.requests)) == ([200, 429], [404, 429], 1)


async def test_a_limit_says_what_is_left_and_gets_back_what_failed(gateway: Running, upstream: FakeUpstream) -> None:
    key = await make(gateway, upstream)
    upstream.answers(status=404, json={"error": {"message": "Gone."}}).answers(json=response("a recipe"))
    upstream.answers(json=response())
    path, headers = "/v1/responses/resp_1", {"Authorization": f"Bearer {key}", "X-Try": "good", **GUARDED}

    statuses: list[tuple[int, str | None]] = []
    for _ in range(4):
        async with gateway.session.get(gateway.url + path, headers=headers) as answer:
            statuses.append((answer.status, answer.headers.get("x-ratelimit-remaining-requests")))

    assert statuses == [(404, None), (403, None), (200, "0"), (429, "0")]


@pytest.mark.parametrize("way", ["whole", "broken", "refused", "blocked", "left", "misasked"])
async def test_a_slot_is_free_again_however_a_question_ends(gateway: Running, upstream: FakeUpstream, way: str) -> None:
    key, never = await make(gateway, upstream), asyncio.Event()
    body = events("a recipe") if way == "blocked" else events("Hi")
    rest = {"broken": [*body[:4], hang_up()], "left": [*body[:4], pause(never)]}.get(way, body)
    upstream.answers(status=500, body=b"") if way == "refused" else upstream.streams(rest)
    query, headers = "?stream=true", {"X-One": "1", **(GUARDED if way in {"blocked", "misasked"} else {})}
    query += "&starting_after=1" if way == "misasked" else ""
    sent = {"Authorization": f"Bearer {key}", **headers}

    async with gateway.session.get(f"{gateway.url}/v1/responses/resp_1{query}", headers=sent) as answer:
        if way == "left":
            await answer.content.readany()
            during = code(await ask(gateway, key, X_One="1"))
            assert during == (429, "rate_limit_exceeded")
        else:
            await answer.read()
    if way == "left":
        answer.close()
    await gateway.idle()
    upstream.forget()
    upstream.answers(json=response())

    assert (await ask(gateway, key, X_One="1"))[0] == 200
    never.set()


async def test_of_a_question_only_headers_are_rewritten(gateway: Running, upstream: FakeUpstream) -> None:
    key = await make(gateway, upstream)
    upstream.answers(json=response())

    status, _ = await ask(gateway, key, X_Team="blue", X_Other="o")

    sent = upstream.requests[0]
    assert (status, sent.body, sent.headers["x-team"], sent.headers["x-model"]) == (200, b"", "blue", "m")
    assert "x-other" not in sent.headers
    assert "content-type" not in sent.headers
    assert sent.path == "/main/v1/responses/resp_1"


@pytest.mark.parametrize("pad", [0, LARGE])
async def test_a_kept_answer_is_masked_before_it_is_shown(gateway: Running, upstream: FakeUpstream, pad: int) -> None:
    key = await make(gateway, upstream)
    answer = {**response("card 1234-5678, sorry"), "pad": "x" * pad}
    expected = json.loads(json.dumps(answer).replace("card 1234-5678", "card [card]"))
    expected["output"][0]["content"][0]["logprobs"] = []
    items = {"object": "list", "data": answer["output"], "first_id": "m_1234-5678", "has_more": False}
    upstream.answers(json=answer).answers(json=answer).answers(json=items).answers(json=answer)

    asked = (("", "GET"), ("/cancel", "POST"), ("/input_items", "GET"))
    told = [json.loads((await ask(gateway, key, rest, method, X_Guard="1"))[1]) for rest, method in asked]
    unlooked = await ask(gateway, key)

    assert told == [expected, expected, {**items, "data": expected["output"]}]
    assert json.loads(unlooked[1]) == answer
    figures = gateway.gateway.metrics.render().decode()
    assert 'clinx_guard_hits_total{action="mask",rule="mask"} 6.0' in figures
    assert 'clinx_guard_hits_total{action="flag",rule="flag"} 6.0' in figures


@pytest.mark.parametrize(("rest", "method"), [("", "GET"), ("/cancel", "POST"), ("/input_items", "GET")])
async def test_a_kept_answer_is_blocked(gateway: Running, upstream: FakeUpstream, rest: str, method: str) -> None:
    key = await make(gateway, upstream)
    items = response("a recipe")["output"]
    upstream.answers(json={"object": "list", "data": items} if "items" in rest else response("a recipe"))

    answer = await ask(gateway, key, rest, method, X_Guard="1")

    assert code(answer) == (403, "policy_refused")
    assert (b"Not that." in answer[1], b"recipe" in answer[1]) == (True, False)


async def test_what_rules_cannot_read_is_not_shown(gateway: Running, upstream: FakeUpstream) -> None:
    key = await make(gateway, upstream)
    upstream.answers(body=b'{"output": "1234-5678"')

    assert code(await ask(gateway, key, X_Guard="1")) == (502, "upstream_broken")


async def test_a_stream_that_is_told_again_passes_the_same_filters(gateway: Running, upstream: FakeUpstream) -> None:
    key = await make(gateway, upstream)
    upstream.streams(events("card 12", "34-56", "78", ", sorry"))

    status, body = await ask(gateway, key, "?stream=true", X_Guard="1")

    told = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: ")]
    said = "".join(each["delta"] for each in told if each["type"] == "response.output_text.delta")
    whole = told[-1]["response"]
    assert (status, said, whole["output"][0]["content"][0]["text"]) == (200, *["card [card], sorry"] * 2)
    assert (whole["id"], whole["usage"]["input_tokens"], whole["usage"]["output_tokens"]) == ("resp_1", 5, 2)
    assert b"5678" not in body.replace(b"r_1234-5678", b"")
    log = (await gateway.request_logs())[0]
    assert (log.operation, log.outcome, log.usage.nonzero(), log.charge.nano) == ("stored", "ok", {}, 0)


async def test_a_stream_is_cut_where_a_rule_blocks_it(gateway: Running, upstream: FakeUpstream) -> None:
    key, seen = await make(gateway, upstream), asyncio.Event()
    body = events("Good day, a ", "rec", "ipe")
    upstream.streams([*body[:4], pause(seen), *body[4:]])
    sent = {"Authorization": f"Bearer {key}", **GUARDED}

    async with gateway.session.get(f"{gateway.url}/v1/responses/resp_1?stream=true", headers=sent) as answer:
        begun = await answer.content.readuntil(b"Good day")
        seen.set()
        rest = await answer.read()

    assert b"recipe" not in begun + rest
    assert b'"code":"policy_refused"' in rest
    assert (await gateway.request_logs())[0].outcome == "policy_refused"


async def test_from_its_middle_it_is_streamed_only_where_no_rule_looks(
    gateway: Running, upstream: FakeUpstream
) -> None:
    key = await make(gateway, upstream)

    refused = await ask(gateway, key, "?stream=true&starting_after=3", X_Guard="1")
    assert (code(refused), upstream.requests) == ((400, "invalid_request"), [])
    assert json.loads(refused[1])["error"]["param"] == "starting_after"

    upstream.streams(events("1234-5678")[4:])
    status, body = await ask(gateway, key, "?stream=true&starting_after=3")
    assert (status, body) == (200, b"".join(events("1234-5678")[4:]))


async def test_circuits_neither_hear_of_questions_nor_stop_them(gateway: Running, upstream: FakeUpstream) -> None:
    key = await make(gateway, upstream)
    upstream.answers(status=401, json={"error": {"message": "Who?"}})
    refused = [code(await ask(gateway, key)) for _ in range(12)]
    assert refused == [(502, "upstream_misconfigured")] * 12

    upstream.forget()
    upstream.answers(status=401, json={"error": {"message": "Who?"}}).answers(json=response(name="resp_2"))
    calls = [await gateway.post("/v1/responses", {"model": "m", "input": "Hi"}, key=key) for _ in range(2)]
    status, _ = await ask(gateway, key)

    assert ([each[0] for each in calls], status) == ([200, 200], 200)
    assert [each.path.split("/")[1] for each in upstream.requests] == ["main", "spare", "spare", "main"]
