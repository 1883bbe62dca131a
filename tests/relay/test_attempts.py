import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from clinx.accounts import users
from clinx.billing.cashier import Cashier
from clinx.domain.identity import Role
from clinx.domain.ledger import Reservation, Unresolved
from clinx.domain.money import Amount
from support.fake_upstream import FakeUpstream, abort, sse
from support.gateway import Running, chat, chunks, completion, running_gateway

TREE = """\
version: 1
groups: {{default: {{}}}}
models:
  m: {{price: {{input: "1", output: "2", per: 1M}}}}
profiles:
  near: {{provider: openai-compatible, models: [m], groups: [default], timeouts: {{whole: 5s}}}}
channels:
  - {{name: first, extends: near, base_url: {first}, credentials: {credentials}, priority: 10}}
  - {{name: second, extends: near, base_url: {second}, credentials: ["${{env:UPSTREAM_KEY}}"]}}
"""
ONE_KEY = '["${env:UPSTREAM_KEY}"]'
TWO_KEYS = '["${env:UPSTREAM_KEY}", "${env:UPSTREAM_OTHER}"]'


@pytest.fixture
async def second() -> Any:
    async with FakeUpstream() as server:
        server.answers(json=completion("from the second"))
        yield server


def tree(first: FakeUpstream, second: FakeUpstream, credentials: str = ONE_KEY) -> dict[str, str]:
    return {"gateway.yaml": TREE.format(first=first.url, second=second.url, credentials=credentials)}


async def ask(gateway: Running, **more: Any) -> tuple[int, Any]:
    return await gateway.post("/v1/chat/completions", chat("m", **more), key=await gateway.key())


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529, 401, 403])
async def test_the_next_tier_answers_when_the_first_channel_fails(
    tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream, status: int
) -> None:
    upstream.answers(status=status, json={"error": {"message": "no"}})
    async with running_gateway(tmp_path, tree(upstream, second)) as gateway:
        answered, body = await ask(gateway)

    assert (answered, body["choices"][0]["message"]["content"]) == (200, "from the second")
    assert len(upstream.requests) == 1


async def test_a_refused_connection_moves_on(tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream) -> None:
    upstream.drops()
    async with running_gateway(tmp_path, tree(upstream, second)) as gateway:
        answered, _ = await ask(gateway)
        [row] = await gateway.request_logs()

    assert answered == 200
    assert [(each.channel, each.outcome, each.cause) for each in row.attempts] == [
        ("first", "upstream_broken", "first_byte: cut short"),
        ("second", "ok", None),
    ]


async def test_html_with_status_200_is_a_failed_attempt(
    tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream
) -> None:
    upstream.answers(body=b"<html>it works</html>", content_type="text/html")
    async with running_gateway(tmp_path, tree(upstream, second)) as gateway:
        answered, body = await ask(gateway)

    assert (answered, body["choices"][0]["message"]["content"]) == (200, "from the second")


async def test_an_error_event_before_any_content_is_a_failed_attempt(
    tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream
) -> None:
    upstream.streams([sse(chunks("x")[0], {"error": {"message": "overloaded"}}, done=False)])
    second._scripts.clear()
    second.streams([sse(*chunks("from the second"))])
    async with running_gateway(tmp_path, tree(upstream, second)) as gateway:
        status, body = await gateway.post_raw("/v1/chat/completions", chat("m", stream=True), key=await gateway.key())

    assert status == 200
    assert b"from the second" in body
    assert b"overloaded" not in body


async def test_after_the_first_content_there_is_no_second_attempt(
    tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream
) -> None:
    upstream.streams([sse(*chunks("Hel")[:2], done=False), abort()])
    async with running_gateway(tmp_path, tree(upstream, second)) as gateway:
        status, body = await gateway.post_raw("/v1/chat/completions", chat("m", stream=True), key=await gateway.key())

    assert status == 200
    assert b'"content":"Hel"' in body
    assert b"upstream_broken" in body
    assert b"[DONE]" not in body
    assert second.requests == []


async def test_the_caller_s_own_mistake_is_not_tried_elsewhere(
    tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream
) -> None:
    fault = {
        "message": "too long",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
    }
    upstream.answers(status=400, json={"error": fault})
    async with running_gateway(tmp_path, tree(upstream, second)) as gateway:
        status, body = await ask(gateway)

    assert status == 400
    assert body["error"]["code"] == "context_length_exceeded"
    assert second.requests == []


async def test_a_second_credential_of_the_channel_is_tried_before_the_next_channel(
    tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_OTHER", "other-secret-0123456789")
    upstream.answers(status=429, headers={"Retry-After": "30"}, json={"error": {"message": "slow down"}})
    upstream.answers(json=completion("from the other key"))
    async with running_gateway(tmp_path, tree(upstream, second, TWO_KEYS)) as gateway:
        _, first_body = await ask(gateway)
        _, second_body = await ask(gateway)

    used = [request.headers["authorization"] for request in upstream.requests]
    assert first_body["choices"][0]["message"]["content"] == "from the other key"
    assert second_body["choices"][0]["message"]["content"] == "from the other key"
    assert len(set(used[:2])) == 2
    assert used[2] == used[1], "the key that was told to wait rests"


async def test_never_more_than_three_attempts(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.answers(status=500, json={"error": {"message": "no"}})
    channels = "\n".join(
        f"  - {{name: c{n}, provider: openai-compatible, base_url: {upstream.url}, credentials: {ONE_KEY},"
        f" models: [m], groups: [default]}}"
        for n in range(6)
    )
    text = f"version: 1\ngroups: {{default: {{}}}}\nmodels: {{m: {{price: free}}}}\nchannels:\n{channels}\n"
    async with running_gateway(tmp_path, {"gateway.yaml": text}) as gateway:
        status, body = await ask(gateway)

    assert (status, body["error"]["code"]) == (502, "upstream_broken")
    assert len(upstream.requests) == 3


async def test_a_vendor_s_refusal_of_our_key_is_not_shown_as_the_caller_s(
    tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream
) -> None:
    vendor = {"error": {"message": "Incorrect API key provided: sk-vendor", "code": "invalid_api_key"}}
    upstream.answers(status=401, json=vendor)
    second._scripts.clear()
    second.answers(status=403, json=vendor)
    async with running_gateway(tmp_path, tree(upstream, second)) as gateway:
        status, body = await ask(gateway)

    assert (status, body["error"]["code"]) == (502, "upstream_misconfigured")
    assert "sk-vendor" not in str(body)
    assert "Incorrect" not in str(body)


async def test_a_short_rest_is_waited_out_when_nothing_else_is_left(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(status=429, headers={"Retry-After": "0.05"}, json={"error": {"message": "slow down"}})
    upstream.answers(json=completion())

    status, _ = await gateway.post("/v1/chat/completions", chat(), key=await gateway.key())

    assert status == 200
    assert len(upstream.requests) == 2


async def test_a_long_rest_is_told_to_the_caller_at_once(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(status=429, headers={"Retry-After": "30"}, json={"error": {"message": "slow down"}})
    key = await gateway.key()

    async with gateway.session.post(
        f"{gateway.url}/v1/chat/completions", json=chat(), headers={"Authorization": f"Bearer {key}"}
    ) as response:
        status, after = response.status, response.headers["Retry-After"]
    again, body = await gateway.post("/v1/chat/completions", chat(), key=key)

    assert (status, after) == (503, "30")
    assert (again, body["error"]["code"]) == (503, "upstream_overloaded")
    assert len(upstream.requests) == 1, "a resting credential is not asked again"


async def test_a_silent_upstream_is_a_timeout(tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream) -> None:
    upstream.hangs()
    files = {"gateway.yaml": tree(upstream, second)["gateway.yaml"].replace("whole: 5s", "whole: 50ms")}
    async with running_gateway(tmp_path, files) as gateway:
        status, body = await ask(gateway)

    assert (status, body["choices"][0]["message"]["content"]) == (200, "from the second")
    await asyncio.wait_for(upstream.until(lambda: upstream.open == 0), 5)


async def test_our_key_and_address_are_taken_out_of_a_vendor_s_refusal(
    gateway: Running, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    host = upstream.url.removeprefix("http://")
    said = f"bad request: Authorization: Bearer vendor-secret-0123456789 at {host}"
    for status in (400, 401):
        upstream._scripts.clear()
        upstream.answers(status=status, json={"error": {"message": said, "type": "invalid_request_error"}})
        _, body = await gateway.post("/v1/chat/completions", chat(), key=await gateway.key())

        assert "vendor-secret-0123456789" not in str(body)
        assert host not in str(body)
    assert "vendor-secret-0123456789" not in "\n".join(str(vars(record)) for record in caplog.records)


async def test_a_stream_of_comments_is_not_gathered_for_ever(
    tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream
) -> None:
    upstream.streams([b": nothing yet\n\n" * 1000] * 40)
    second._scripts.clear()
    second.streams([sse(*chunks("from the second"))])
    async with running_gateway(tmp_path, tree(upstream, second)) as gateway:
        status, body = await gateway.post_raw("/v1/chat/completions", chat("m", stream=True), key=await gateway.key())

    assert status == 200
    assert b"from the second" in body


async def test_another_channel_s_word_for_a_killed_process_is_written_down_when_it_takes_over(
    tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Amount, Unresolved]] = []

    def progress(
        _: Cashier, reservation: Reservation, metered: Amount, unresolved: Unresolved, cost: Amount | None
    ) -> None:
        assert metered < reservation.amount
        assert cost is None
        told.append((metered, unresolved))

    monkeypatch.setattr(Cashier, "progress", progress)
    upstream.answers(status=500, json={"error": {"message": "no"}})
    text = tree(upstream, second)["gateway.yaml"].replace("priority: 10}", "priority: 10, unresolved: void}")
    async with running_gateway(tmp_path, {"gateway.yaml": text}) as gateway:
        await ask(gateway)

    size = len(upstream.requests[0].body)
    assert told == [(Amount(size // 4 * 1000), Unresolved.METERED)]


async def test_what_another_channel_is_paid_is_written_down_when_it_takes_over(
    tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Amount | None] = []

    def progress(
        _: Cashier, _reservation: Reservation, _metered: Amount, _why: Unresolved, cost: Amount | None
    ) -> None:
        told.append(cost)

    monkeypatch.setattr(Cashier, "progress", progress)
    upstream.answers(status=500, json={"error": {"message": "no"}})
    paid = tree(upstream, second)["gateway.yaml"].replace("priority: 10}", 'priority: 10, cost: {input: "9", per: 1M}}')
    async with running_gateway(tmp_path / "a", {"gateway.yaml": paid}) as gateway:
        await ask(gateway)
        [unknown] = await gateway.request_logs()
    upstream.answers(status=500, json={"error": {"message": "no"}})
    both = paid.replace(f"{ONE_KEY}}}", f'{ONE_KEY}, cost: {{input: "4", call: "1", per: 1M}}}}')
    async with running_gateway(tmp_path / "b", {"gateway.yaml": both}) as gateway:
        await ask(gateway)
        [known] = await gateway.request_logs()

    size = len(upstream.requests[0].body)
    assert told == [None, Amount(size // 4 * 4000 + 1_000_000_000)]
    assert (unknown.channel, unknown.cost) == ("second", None), "of the one that answered, not of the one that failed"
    assert known.cost == Amount(known.usage.input_tokens * 4000 + known.usage.output_tokens * 4000 + 1_000_000_000)


async def test_channels_that_agree_write_nothing_down(
    tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def progress(*_: object) -> None:
        pytest.fail("nothing changed")

    monkeypatch.setattr(Cashier, "progress", progress)
    upstream.answers(status=500, json={"error": {"message": "no"}})
    async with running_gateway(tmp_path, tree(upstream, second)) as gateway:
        status, _ = await ask(gateway)

    assert status == 200


RULES = """\
version: 1
models: {{mapped: {{price: free}}, told: {{price: free}}, kept: {{price: free}}, second: {{price: free}}}}
profiles:
  near: {{provider: openai-compatible, credentials: ["${{env:UPSTREAM_KEY}}"]}}
  spare: {{extends: near, base_url: {second}, priority: -1}}
channels:
  - {{name: mapped, extends: near, base_url: {first}, models: [mapped], status_map: {{400: 500, 404: 422}}}}
  - {{name: told, extends: near, base_url: {first}, models: [told], retry: {{on: [429], texts: [try elsewhere]}}}}
  - name: kept
    extends: near
    base_url: {first}
    models: [kept]
    limits: {{concurrency: 1}}
    circuit: {{open_on: {{texts: [balance is too low]}}}}
  - {{name: mapped-spare, extends: spare, models: [mapped]}}
  - {{name: told-spare, extends: spare, models: [told]}}
  - {{name: kept-spare, extends: spare, models: [kept, second]}}
"""


@pytest.fixture
async def ruled(tmp_path: Path, upstream: FakeUpstream, second: FakeUpstream) -> Any:
    """A gateway whose channels say what their failures mean."""
    text = RULES.format(first=upstream.url, second=second.url)
    async with running_gateway(tmp_path, {"gateway.yaml": text}) as gateway:
        yield gateway


async def test_what_a_failure_means_is_the_tree_s_to_say(ruled: Running, upstream: FakeUpstream) -> None:
    key, seen = await ruled.key(), list[tuple[int, str]]()
    asked = [
        ("mapped", 400, "odd"),  # Read as 500: another channel.
        ("mapped", 404, "there is no such file"),  # Read as 422: passed on.
        ("told", 500, "odd"),  # Not in the list: nobody else.
        ("told", 400, "Please TRY ELSEWHERE."),  # By its words.
        ("kept", 400, "Your balance is too low"),  # It opens, so it is no caller's fault.
        ("kept", 500, "never asked"),
    ]
    for model, status, message in asked:
        upstream._scripts.clear()
        upstream.answers(status=status, json={"error": {"message": message, "type": "x"}})
        answered, body = await ruled.post("/v1/chat/completions", chat(model), key=key)
        said = body["error"]["message"] if "error" in body else body["choices"][0]["message"]["content"]
        seen.append((answered, said.partition(" (request id")[0]))

    assert seen == [
        (200, "from the second"),
        (422, "there is no such file"),
        (502, "The provider of this model failed to answer."),
        (200, "from the second"),
        (200, "from the second"),
        (200, "from the second"),
    ]
    assert len(upstream.requests) == 5, "the last one went elsewhere at once"


async def test_an_admin_s_key_may_name_its_channel(
    ruled: Running, upstream: FakeUpstream, second: FakeUpstream
) -> None:
    upstream.answers(json=completion("from the first"))
    user = await ruled.key()
    admin = (
        await ruled.issue(await users.create(ruled.gateway.database, "boss", role=Role.ADMIN, at=datetime.now(UTC)))
    ).secret

    async def ask_as(key: str, model: str = "kept", **headers: str) -> tuple[int, Any]:
        status, body = await ruled.post("/v1/chat/completions", chat(model), key=key, headers=headers)
        return status, body["error"]["code"] if "error" in body else body["choices"][0]["message"]["content"]

    assert await ask_as(admin) == (200, "from the first")
    assert await ask_as(f"{admin}-kept-spare") == (200, "from the second")
    assert await ask_as(admin, **{"Clinx-Channel": "kept-spare"}) == (200, "from the second")
    assert await ask_as(f"{user}-kept-spare") == (403, "permission_denied")
    assert await ask_as(user, **{"Clinx-Channel": "kept-spare"}) == (403, "permission_denied")


async def test_streams_that_break_off_open_the_circuit_and_give_back_what_they_used(
    ruled: Running, upstream: FakeUpstream
) -> None:
    key = await ruled.key()
    upstream.streams([sse(*chunks("Hel")[:2], done=False), abort()])
    for _ in range(5):  # The channel takes one at a time.
        _, body = await ruled.post_raw("/v1/chat/completions", chat("kept", stream=True), key=key)
        assert b"upstream_broken" in body

    _, answer = await ruled.post("/v1/chat/completions", chat("kept"), key=key)

    assert answer["choices"][0]["message"]["content"] == "from the second"
    assert len(upstream.requests) == 5


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


@pytest.mark.parametrize(("repeated", "is_answered"), [(2, True), (9, False)])
async def test_a_stream_may_repeat_the_request_before_its_content_and_not_much_more(
    tmp_path: Path, upstream: FakeUpstream, *, repeated: int, is_answered: bool
) -> None:
    instructions = "Be good. " * 16_000
    made = {"id": "resp_1", "object": "response", "model": "m", "status": "in_progress", "output": []}
    whole = {**made, "status": "completed", "usage": {"input_tokens": 9, "output_tokens": 1, "total_tokens": 10}}
    beginning = event("response.in_progress", response={**made, "instructions": instructions})
    content = event("response.output_text.delta", item_id="msg_1", output_index=0, content_index=0, delta="Hi")
    upstream.streams([beginning * repeated, content, event("response.completed", response=whole)])
    files = {"gateway.yaml": TREE.format(first=upstream.url, second=upstream.url, credentials=ONE_KEY)}
    files["gateway.yaml"] = files["gateway.yaml"].replace("openai-compatible", "openai")
    asked = {"model": "m", "input": "Hi", "instructions": instructions, "stream": True}
    async with running_gateway(tmp_path, files) as gateway:
        status, body = await gateway.post_raw("/v1/responses", asked, key=await gateway.key())

    assert (status == 200, b'"delta": "Hi"' in body) == (is_answered, is_answered)


async def test_the_time_that_a_caller_took_to_send_is_no_channel_s(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())
    key, body = await gateway.key(), json.dumps(chat()).encode()
    url = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    presence = gateway.gateway.presence
    async with asyncio.timeout(10):
        while not presence.count:  # noqa: ASYNC110  (nobody tells of it)
            await asyncio.sleep(0)
    [visit] = presence._visits
    visit.exchange.started -= 1e6
    writer.write(body)
    answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 200 ")
