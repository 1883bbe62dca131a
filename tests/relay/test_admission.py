from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from multidict import CIMultiDict

from clinx.dialects.base import Inbound
from clinx.dialects.registry import DIALECTS
from clinx.domain.identity import Principal
from clinx.domain.money import Amount
from clinx.domain.operation import Operation
from clinx.relay.admission import Admission
from clinx.relay.aside import LARGE
from clinx.relay.exchange import Exchange
from support.fake_upstream import FakeUpstream
from support.gateway import Running, chat, completion, running_gateway
from support.policies import THURSDAY, compile_rules, facts

OPENAI = DIALECTS["openai_chat"]

TREE = """\
version: 1
models:
  fake-model: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
  o3-mini: {{price: {{call: "0.01"}}}}
  claude-x: {{price: free}}
channels:
  - name: main
    provider: openai-compatible
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [fake-model, o3-mini]
    tags: [eu]
  - {{name: spare, extends: spare}}
  - name: claude
    provider: anthropic
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [claude-x]
profiles:
  spare:
    provider: openai-compatible
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [fake-model]
    tags: [us]
    headers: {{X-Channel: spare}}
"""

RULES = """\
- {name: closed, when: "header['x-closed']", deny: {message: Closed.}}
- {name: names, when: "header['x-small']", allow: {models: [fake-model], networks: [127.0.0.0/8]}}
- name: brief
  when: header["x-brief"]
  rewrite:
    set: {user: '{{ user.name }}'}
    prepend: {messages: {role: system, content: Be brief.}}
    headers: {set: {X-Team: '{{ header["x-brief"] }}'}, pass: [x-trace]}
- {name: to-eu, when: "header['x-to'] == 'eu'", route: {require: [eu]}}
- {name: to-us, when: "header['x-to'] == 'us'", route: {require: [us]}}
- {name: to-nobody, when: "header['x-to'] == 'nobody'", route: {require: [eu, us]}}
- {name: night, when: "header['x-night']", multiply: {price: "0.5"}}
- {name: promotion, when: "header['x-night']", multiply: {price: "0.8"}}
- {name: session, when: operation == 'chat', affinity: {key: 'header["x-session"]'}}
- {name: once, when: "header['x-once']", retry: {attempts: 1}}
- {name: thoughts, when: "header['x-thoughts']", rewrite: {thinking_to_content: true}}
- {name: rate, when: "header['x-rate']", limit: {requests: 1, per: 1h, count: success}}
- {name: secrets, guard: {match: ['AKIA[0-9A-Z]{16}'], action: mask}}
"""


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        server.answers(json=completion())
        yield server


@pytest.fixture
async def gateway(tmp_path: Path, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setenv("UPSTREAM_KEY", "vendor-secret")
    files = {"gateway.yaml": TREE.format(url=upstream.url), "policies/rules.yaml": RULES}
    async with running_gateway(tmp_path, files) as running:
        yield running


async def ask(gateway: Running, key: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.post("/v1/chat/completions", body or chat(), key=key, headers=sent)


async def test_a_refused_call_reaches_nobody_and_costs_nothing(gateway: Running, upstream: FakeUpstream) -> None:
    key = await gateway.key()

    status, body = await ask(gateway, key, x_closed="1")

    assert (status, body["error"]["code"]) == (403, "policy_refused")
    assert body["error"]["message"].startswith("Closed.")
    assert upstream.requests == []
    [row] = await gateway.request_logs()
    assert (row.outcome, row.charge, row.model) == ("policy_refused", Amount(0), "fake-model")
    assert row.refused_by == "closed"


async def test_allow_bounds_what_is_called_and_what_is_listed(gateway: Running, upstream: FakeUpstream) -> None:
    key, small = await gateway.key(), {"X-Small": "1"}

    status, body = await ask(gateway, key, chat("o3-mini"), x_small="1")
    called, _ = await ask(gateway, key, x_small="1")
    _, listed = await gateway.get("/v1/models", key=key, headers=small)
    _, whole = await gateway.get("/v1/models", key=key)
    card, _ = await gateway.get("/v1/models/o3-mini", key=key, headers=small)

    assert (status, body["error"]["code"]) == (403, "model_not_allowed")
    assert (called, card, len(upstream.requests)) == (200, 404, 1)
    assert [each["id"] for each in listed["data"]] == ["fake-model"]
    assert [each["id"] for each in whole["data"]] == ["claude-x", "fake-model", "o3-mini"]


async def test_a_rewritten_request_goes_upstream_as_the_rules_made_it(gateway: Running, upstream: FakeUpstream) -> None:
    user = await gateway.user()
    key = (await gateway.issue(user)).secret

    await ask(gateway, key, chat(seed=7), x_brief="blue", x_trace="t1", x_other="o", Cookie="c=1")

    [sent] = upstream.requests
    assert sent.json["messages"] == [{"role": "system", "content": "Be brief."}, *chat()["messages"]]
    assert (sent.json["user"], sent.json["seed"]) == (user.name, 7)
    assert (sent.headers["x-team"], sent.headers["x-trace"]) == ("blue", "t1")
    assert not {"x-other", "cookie", "x-brief"} & sent.headers.keys()
    assert sent.headers["authorization"] == "Bearer vendor-secret"


async def test_a_renamed_model_is_routed_priced_and_logged_under_its_new_name(
    gateway: Running, upstream: FakeUpstream
) -> None:
    key = await gateway.key(models=["o3-mini"])

    status, _ = await ask(gateway, key, chat("o3-mini-high"))
    other, _ = await ask(gateway, key)

    assert (status, other) == (200, 403)
    [sent] = upstream.requests
    assert (sent.json["model"], sent.json["reasoning_effort"]) == ("o3-mini", "high")
    row = next(each for each in await gateway.request_logs() if each.outcome == "ok")
    assert (row.model, row.asked_model, row.charge) == ("o3-mini", "o3-mini-high", Amount.parse("0.01"))


async def test_a_model_named_in_the_path_is_renamed_too(gateway: Running, upstream: FakeUpstream) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}

    status, _ = await gateway.post(
        "/v1beta/models/o3-mini-low:generateContent", body, key=await gateway.key(), headers={}
    )

    assert status == 200
    assert upstream.requests[0].json["model"] == "o3-mini"
    assert upstream.requests[0].json["reasoning_effort"] == "low"


@pytest.mark.parametrize(("where", "channel"), [("eu", None), ("us", "spare")])
async def test_a_call_goes_where_the_rules_say(
    gateway: Running, upstream: FakeUpstream, where: str, channel: str | None
) -> None:
    key = await gateway.key()

    for _ in range(6):
        await ask(gateway, key, x_to=where)

    assert {sent.headers.get("x-channel") for sent in upstream.requests} == {channel}


async def test_a_call_that_nobody_may_serve_is_refused(gateway: Running, upstream: FakeUpstream) -> None:
    status, body = await ask(gateway, await gateway.key(), x_to="nobody")

    assert (status, body["error"]["code"], upstream.requests) == (503, "no_channel", [])


async def test_a_session_stays_with_its_channel(gateway: Running, upstream: FakeUpstream) -> None:
    key = await gateway.key()

    for _ in range(10):
        await ask(gateway, key, x_session="s1")

    assert len({sent.headers.get("x-channel") for sent in upstream.requests}) == 1


async def test_factors_of_rules_are_held_charged_and_shown(gateway: Running) -> None:
    user = await gateway.user(credit="1")
    key = (await gateway.issue(user)).secret

    status, _ = await ask(gateway, key, chat("o3-mini"), x_night="1")

    [row] = await gateway.request_logs()
    assert (status, row.charge) == (200, Amount.parse("0.004"))
    assert row.quote == ("1 call at 0.01/1", "x 0.5 by night", "x 0.8 by promotion")
    assert (await gateway.balance(user)).total == Amount.parse("0.996")


async def test_a_factor_counts_when_it_is_asked_whether_a_balance_suffices(gateway: Running) -> None:
    key = await gateway.key(credit="0.005")

    full, _ = await ask(gateway, key, chat("o3-mini"))
    reduced, _ = await ask(gateway, key, chat("o3-mini"), x_night="1")

    assert (full, reduced) == (429, 200)


async def test_a_rule_says_how_often_is_tried(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.forget()
    upstream.answers(status=500, json={"error": {"message": "down"}})

    status, _ = await ask(gateway, await gateway.key(), x_once="1")

    assert (status, len(upstream.requests)) == (502, 1)


async def test_a_limit_is_given_back_by_a_call_that_failed_and_kept_by_one_that_did_not(
    gateway: Running, upstream: FakeUpstream
) -> None:
    key = await gateway.key()
    upstream.forget()
    upstream.answers(status=400, json={"error": {"message": "no"}})
    upstream.answers(json=completion())

    statuses = [(await ask(gateway, key, x_rate="1"))[0] for _ in range(3)]

    assert statuses == [400, 200, 429]


async def test_a_limit_says_on_its_answers_what_is_left(gateway: Running) -> None:
    async with gateway.session.post(
        gateway.url + "/v1/chat/completions",
        json=chat(),
        headers={"Authorization": f"Bearer {await gateway.key()}", "X-Rate": "1"},
    ) as response:
        assert response.headers["x-ratelimit-limit-requests"] == "1"
        assert response.headers["x-ratelimit-remaining-requests"] == "0"


async def test_what_a_guard_masks_does_not_go_upstream(gateway: Running, upstream: FakeUpstream) -> None:
    body = chat(messages=[{"role": "user", "content": "key AKIA0123456789ABCDEF"}])

    await ask(gateway, await gateway.key(), body)

    assert upstream.requests[0].json["messages"] == [{"role": "user", "content": "key ***"}]


async def test_a_caller_of_another_format_gets_headers_of_rules_sent_too(
    gateway: Running, upstream: FakeUpstream
) -> None:
    body: Mapping[str, Any] = {"model": "fake-model", "max_tokens": 9, "messages": chat()["messages"]}

    status, _ = await gateway.post("/v1/messages", body, key=await gateway.key(), headers={"X-Brief": "blue"})

    assert status == 200
    assert upstream.requests[0].headers["x-team"] == "blue"
    assert upstream.requests[0].json["messages"][0] == {"role": "system", "content": "Be brief."}


async def test_rules_may_refuse_a_question_about_an_answer_that_is_kept(gateway: Running) -> None:
    key = await gateway.key()

    refused, body = await gateway.get("/v1/responses/resp_1", key=key, headers={"X-Closed": "1"})
    unknown, _ = await gateway.get("/v1/responses/resp_1", key=key, headers={"X-Small": "1"})

    assert (refused, body["error"]["code"], unknown) == (403, "policy_refused", 404)


async def test_new_rules_hold_from_the_next_call_on(gateway: Running) -> None:
    key = await gateway.key()
    before, _ = await ask(gateway, key)

    gateway.write("policies/rules.yaml", "- {name: closed, deny: {message: Gone fishing.}}")
    await gateway.gateway.reloader.reload()

    after, body = await ask(gateway, key)
    assert (before, after, body["error"]["code"]) == (200, 403, "policy_refused")


async def test_a_rule_has_thoughts_told_as_content(gateway: Running, upstream: FakeUpstream) -> None:
    answer = completion("Hello!")
    answer["choices"][0]["message"]["reasoning_content"] = "Hm."
    upstream.forget()
    upstream.answers(json=answer)
    key = await gateway.key()

    _, told = await ask(gateway, key, x_thoughts="1")
    _, plain = await ask(gateway, key)

    contents = [body["choices"][0]["message"]["content"] for body in (told, plain)]
    assert contents == ["<think>\nHm.\n</think>\nHello!", "Hello!"]


class WatchedHeaders(CIMultiDict[str]):
    """Headers that know which threads looked one up."""

    threads: set[int]

    def get(self, key: str, default: Any = None) -> Any:
        self.threads.add(threading.get_ident())
        return super().get(key, default)


@pytest.mark.parametrize(
    ("size", "team", "is_aside"), [(0, "blue", False), (LARGE, "red", False), (LARGE, "blue", True)]
)
async def test_only_long_requests_that_concern_a_rule_are_judged_beside_the_loop(
    tmp_path: Path, size: int, team: str, is_aside: bool
) -> None:
    rule = """
- name: a
  when: header['x-team'] == 'blue'
  rewrite: {trim: {'messages[0].content': {space: true}}}
"""
    server = SimpleNamespace(zone=None)
    snapshot = cast("Any", SimpleNamespace(policies=compile_rules(tmp_path, rule), server=server))
    endpoint = next(each for each in OPENAI.endpoints if each.operation is Operation.CHAT)
    exchange = Exchange("req_1", THURSDAY, 0.0, snapshot, OPENAI, endpoint, None, None, cast("Any", None))
    exchange.principal = Principal(facts().user, facts().token, "default")
    headers = WatchedHeaders({"X-Team": team})
    headers.threads = set()
    body = json.dumps(chat(messages=[{"role": "user", "content": " " * size + "hi"}])).encode()
    inbound = Inbound("POST", "/v1/chat/completions", {}, {}, headers, body)
    exchange.envelope = OPENAI.open_request(Operation.CHAT, inbound)
    unused = cast("Any", None)

    left = await Admission(unused, unused, unused, unused).admit(exchange, inbound, unused)

    says: Any = left.body.value("messages")
    assert says[0]["content"] == ("hi" if team == "blue" else " " * size + "hi")
    assert bool(headers.threads - {threading.get_ident()}) is is_aside


async def test_a_long_request_is_rewritten_and_masked_too(gateway: Running, upstream: FakeUpstream) -> None:
    text = "so " * LARGE

    status, _ = await ask(
        gateway, await gateway.key(), chat(messages=[{"role": "user", "content": f"{text}AKIA0123456789ABCDEF"}]),
        x_brief="blue",
    )  # fmt: skip

    assert status == 200
    assert [each["content"] for each in upstream.requests[0].json["messages"]] == ["Be brief.", f"{text}***"]
