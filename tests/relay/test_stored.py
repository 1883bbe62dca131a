"""What a vendor keeps: seen at both ends of a running gateway."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clinx.domain.request_log import Keeper
from clinx.storage.request_logs import keeper
from support.fake_upstream import FakeUpstream
from support.gateway import Running, running_gateway

TREE = """\
version: 1
models:
  m: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 100}}
channels:
  - name: first
    provider: openai
    base_url: {url}/first
    credentials: ["${{env:UPSTREAM_KEY}}", "${{env:UPSTREAM_KEY_2}}"]
    models: [m]
    groups: [default]
  - name: second
    provider: openai
    base_url: {url}/second
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [m]
    groups: [default]
"""


def response(name: str) -> dict[str, Any]:
    item = f"msg_{name.partition('_')[2]}"
    output = {"id": item, "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
    usage = {"input_tokens": 5, "output_tokens": 2}
    return {"id": name, "object": "response", "status": "completed", "model": "m", "output": [output], "usage": usage}


def events(name: str) -> bytes:
    told: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**response(name), "output": [], "usage": None}},
        {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "delta": "Hi"},
        {"type": "response.completed", "response": response(name)},
    ]
    return b"".join(b"event: %b\ndata: %b\n\n" % (each["type"].encode(), json.dumps(each).encode()) for each in told)


@pytest.fixture
async def gateway(tmp_path: Path, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setenv("UPSTREAM_KEY_2", "upstream-key-2")
    async with running_gateway(tmp_path, {"gateway.yaml": TREE.format(url=upstream.url)}) as running:
        yield running


def way(upstream: FakeUpstream, place: int) -> tuple[str, str]:
    """The channel and the key that a request came by."""
    received = upstream.requests[place]
    return received.path.split("/")[1], received.headers["authorization"]


async def make(gateway: Running, upstream: FakeUpstream, key: str, name: str, **more: Any) -> tuple[str, str]:
    """Make an answer; return who made it."""
    upstream.forget()
    upstream.answers(json=response(name))
    status, body = await gateway.post("/v1/responses", {"model": "m", "input": "Hi", **more}, key=key)
    assert (status, body["id"]) == (200, name)
    return way(upstream, 0)


async def call(gateway: Running, method: str, path: str, key: str) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {key}"}
    async with gateway.session.request(method, gateway.url + path, headers=headers) as answer:
        return answer.status, await answer.read()


async def test_an_answer_is_continued_where_it_was_made(gateway: Running, upstream: FakeUpstream) -> None:
    key = await gateway.key()

    for place in range(6):
        made = await make(gateway, upstream, key, f"resp_{place}")
        assert await make(gateway, upstream, key, f"next_{place}", previous_response_id=f"resp_{place}") == made


async def test_so_is_one_that_was_streamed(gateway: Running, upstream: FakeUpstream) -> None:
    key = await gateway.key()

    for place in range(4):
        upstream.forget()
        upstream.streams([events(f"resp_{place}")])
        asked = {"model": "m", "input": "Hi", "stream": True}
        status, _ = await gateway.post_raw("/v1/responses", json.dumps(asked).encode(), key=key)
        assert status == 200
        made = way(upstream, 0)
        assert await make(gateway, upstream, key, f"next_{place}", previous_response_id=f"resp_{place}") == made


async def test_it_is_still_known_when_this_process_forgot_it(gateway: Running, upstream: FakeUpstream) -> None:
    user = await gateway.user()
    key = (await gateway.issue(user)).secret
    channel, _ = await make(gateway, upstream, key, "resp_1")
    await gateway.settled()
    log = (await gateway.request_logs())[0]

    assert log.upstream_id == "resp_1"
    assert await keeper(gateway.gateway.database, user.id, "resp_1") == Keeper(
        channel, log.attempts[0].credential, "m", "m"
    )
    assert await keeper(gateway.gateway.database, user.id + 1, "resp_1") is None
    assert await keeper(gateway.gateway.database, user.id, "resp_2") is None


@pytest.mark.parametrize(
    ("method", "rest", "sent"),
    [
        ("GET", "", ""),
        ("GET", "?include[]=reasoning.encrypted_content&key=x", "?include[]=reasoning.encrypted_content"),
        ("DELETE", "", ""),
        ("POST", "/cancel", "/cancel"),
        ("GET", "/input_items?limit=2&order=asc", "/input_items?limit=2&order=asc"),
    ],
)
async def test_questions_go_to_its_keeper_and_cost_nothing(
    gateway: Running, upstream: FakeUpstream, method: str, rest: str, sent: str
) -> None:
    user = await gateway.user()
    key = (await gateway.issue(user)).secret
    made = await make(gateway, upstream, key, "resp_1")
    await gateway.settled()
    before = await gateway.balance(user)
    upstream.forget()
    upstream.answers(body=b'{"some": "thing"}')

    answer = await call(gateway, method, f"/v1/responses/resp_1{rest}", key)

    received = upstream.requests[0]
    assert answer == (200, b'{"some": "thing"}')
    assert way(upstream, 0) == made
    assert (received.method, received.path) == (method, f"/{made[0]}/v1/responses/resp_1{sent}")
    assert (received.body, received.headers.get("content-type")) == (b"", None)
    await gateway.settled()
    assert await gateway.balance(user) == before
    log = (await gateway.request_logs())[0]
    assert (log.operation, log.model, log.channel, log.outcome) == ("stored", "m", made[0], "ok")
    assert log.usage.nonzero() == {}


async def test_a_kept_answer_is_streamed_again(gateway: Running, upstream: FakeUpstream) -> None:
    key = await gateway.key()
    await make(gateway, upstream, key, "resp_1")
    upstream.forget()
    upstream.streams([b": queued\n\n", events("resp_1")])

    status, body = await call(gateway, "GET", "/v1/responses/resp_1?stream=true&starting_after=1", key)

    assert (status, body) == (200, b": ping\n\n" + events("resp_1"))
    assert upstream.requests[0].path.endswith("/resp_1?stream=true&starting_after=1")
    assert upstream.requests[0].headers["accept"] == "text/event-stream"


async def test_one_that_breaks_off_ends_with_an_error(gateway: Running, upstream: FakeUpstream) -> None:
    key = await gateway.key()
    await make(gateway, upstream, key, "resp_1")
    upstream.forget()
    upstream.streams([events("resp_1").partition(b"event: response.completed")[0]])

    _, body = await call(gateway, "GET", "/v1/responses/resp_1?stream=true", key)

    assert b"event: error" in body
    assert b'"code":"upstream_broken"' in body


async def test_to_others_it_does_not_exist(gateway: Running, upstream: FakeUpstream) -> None:
    await make(gateway, upstream, await gateway.key(), "resp_1")
    other = await gateway.key()
    upstream.forget()

    asked = await call(gateway, "GET", "/v1/responses/resp_1", other)
    continued = await gateway.post(
        "/v1/responses", {"model": "m", "input": "Hi", "previous_response_id": "resp_1"}, key=other
    )

    assert asked[0] == 404
    assert json.loads(asked[1])["error"]["message"].startswith("Response with id 'resp_1' not found.")
    assert continued[0] == 400
    assert continued[1]["error"]["code"] == "previous_response_not_found"
    assert continued[1]["error"]["param"] == "previous_response_id"
    assert upstream.requests == []


async def refer(gateway: Running, key: str, item: str = "msg_1", **more: Any) -> tuple[int, Any]:
    said = [{"type": "item_reference", "id": item}, {"role": "user", "content": "Again."}]
    return await gateway.post("/v1/responses", {"model": "m", "input": said, **more}, key=key)


async def test_an_item_is_referred_to_where_it_was_made(gateway: Running, upstream: FakeUpstream) -> None:
    key = await gateway.key()

    for place in range(6):
        made = await make(gateway, upstream, key, f"resp_{place}")
        upstream.forget()
        upstream.answers(json=response("next"))
        assert (await refer(gateway, key, f"msg_{place}"))[0] == 200
        assert way(upstream, 0) == made


async def test_so_is_one_that_was_streamed_to_its_user(gateway: Running, upstream: FakeUpstream) -> None:
    key = await gateway.key()
    upstream.streams([events("resp_1")])
    asked = {"model": "m", "input": "Hi", "stream": True}
    await gateway.post_raw("/v1/responses", json.dumps(asked).encode(), key=key)
    upstream.forget()
    upstream.answers(json=response("next"))

    assert (await refer(gateway, key))[0] == 200


async def test_to_others_no_item_exists_whatever_they_continue(gateway: Running, upstream: FakeUpstream) -> None:
    other = await gateway.key()
    await make(gateway, upstream, other, "resp_2")
    await make(gateway, upstream, await gateway.key(), "resp_1")
    upstream.forget()

    refused = [await refer(gateway, other), await refer(gateway, other, previous_response_id="resp_2")]

    for status, body in refused:
        assert (status, body["error"]["code"], body["error"]["param"]) == (400, "invalid_request", "input")
        assert body["error"]["message"].startswith("Item with id 'msg_1' not found.")
    assert upstream.requests == []


@pytest.mark.parametrize("path", ["/v1/responses/resp%2F..%2Fx", "/v1/responses/resp_unknown", "/v1/responses/%20"])
async def test_what_nobody_keeps_is_not_looked_for(gateway: Running, upstream: FakeUpstream, path: str) -> None:
    status, _ = await call(gateway, "DELETE", path, await gateway.key())

    assert (status, upstream.requests) == (404, [])


async def test_what_was_not_to_be_kept_is_not_known(gateway: Running, upstream: FakeUpstream) -> None:
    key = await gateway.key()
    await make(gateway, upstream, key, "resp_1", store=False)

    assert (await call(gateway, "GET", "/v1/responses/resp_1", key))[0] == 404


async def test_a_token_asks_only_about_answers_of_its_models(gateway: Running, upstream: FakeUpstream) -> None:
    user = await gateway.user()
    await make(gateway, upstream, (await gateway.issue(user)).secret, "resp_1")
    restricted = (await gateway.issue(user, models=("other",))).secret

    status, body = await call(gateway, "GET", "/v1/responses/resp_1", restricted)

    assert (status, json.loads(body)["error"]["code"]) == (403, "model_not_allowed")


async def test_the_keepers_refusal_is_passed_on(gateway: Running, upstream: FakeUpstream) -> None:
    key = await gateway.key()
    await make(gateway, upstream, key, "resp_1")
    upstream.forget()
    upstream.answers(status=404, json={"error": {"message": "Gone.", "type": "invalid_request_error"}})

    status, body = await call(gateway, "GET", "/v1/responses/resp_1", key)

    assert (status, json.loads(body)["error"]["message"]) == (404, "Gone.")
