from pathlib import Path

import pytest

from support.fake_upstream import FakeUpstream
from support.gateway import Running, chat, completion, running_gateway, tree_for


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {key}"},
        {"authorization": "bearer {key}"},
        {"x-api-key": "{key}"},
        {"x-goog-api-key": "{key}"},
    ],
)
async def test_a_key_is_taken_from_any_of_the_usual_headers(
    gateway: Running, upstream: FakeUpstream, headers: dict[str, str]
) -> None:
    upstream.answers(json=completion())
    key = await gateway.key()

    status, _ = await gateway.post(
        "/v1/chat/completions", chat(), headers={name: value.format(key=key) for name, value in headers.items()}
    )

    assert status == 200


async def test_a_key_in_the_query_works(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())

    status, _ = await gateway.post(f"/v1/chat/completions?key={await gateway.key()}", chat())

    assert status == 200
    assert "?" not in upstream.requests[0].path


async def test_without_a_key_nothing_is_read_and_the_answer_is_401(gateway: Running, upstream: FakeUpstream) -> None:
    status, body = await gateway.post("/v1/chat/completions", b"not even json")

    assert (status, body["error"]["code"]) == (401, "invalid_api_key")
    assert upstream.requests == []


async def test_every_answer_has_a_request_id_and_the_caller_s_own_comes_back(
    gateway: Running, upstream: FakeUpstream
) -> None:
    upstream.answers(json=completion())
    headers = {"Authorization": f"Bearer {await gateway.key()}"}
    url = f"{gateway.url}/v1/chat/completions"

    async with gateway.session.post(url, json=chat(), headers=headers) as response:
        ours = response.headers["x-request-id"]
    async with gateway.session.post(url, json=chat(), headers={**headers, "X-Request-Id": "trace-7"}) as response:
        theirs, unique = response.headers["x-request-id"], response.headers["clinx-request-id"]
    async with gateway.session.post(url, json=chat(), headers={**headers, "X-Request-Id": "a b\tc"}) as response:
        refused = response.headers["x-request-id"]

    rows = await gateway.request_logs()
    assert ours.startswith("req_")
    assert theirs == "trace-7"
    assert unique.startswith("req_")
    assert refused.startswith("req_")
    assert {row.id for row in rows} == {ours, unique, refused}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"not json", None),
        (b"[]", None),
        (b'{"messages": [{"role": "user", "content": "hi"}]}', "model"),
        (b'{"model": 7, "messages": [{"role": "user", "content": "hi"}]}', "model"),
        (b'{"model": "", "messages": [{"role": "user", "content": "hi"}]}', "model"),
        (b'{"model": "fake-model"}', "messages"),
        (b'{"model": "fake-model", "messages": []}', "messages"),
        (b'{"model": "fake-model", "messages": "hi"}', "messages"),
        (b'{"model": "fake-model", "messages": [{"role": "user"}], "stream": "yes"}', "stream"),
        (b'{"model": "fake-model", "messages": [{"role": "user"}], "n": -1}', "n"),
        (b'{"model": "fake-model", "messages": [{"role": "user"}], "n": 1000000}', "n"),
        (b'{"model": "fake-model", "messages": [{"role": "user"}], "max_tokens": -5}', "max_tokens"),
        (b'{"model": "fake-model", "messages": [{"role": "user"}], "max_tokens": 1e99}', "max_tokens"),
        (b'{"model": "fake-model", "messages": [{"role": "user"}], "max_tokens": NaN}', None),
        (b'{"model": "fake-model", "messages": [{"role": "user"}], "max_tokens": true}', "max_tokens"),
        (b'{"model": "fake-model", "messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", None),
    ],
)
async def test_bad_input_is_a_400_in_openai_s_shape_that_charges_nothing(
    gateway: Running, upstream: FakeUpstream, body: bytes, param: str | None
) -> None:
    status, answer = await gateway.post("/v1/chat/completions", body, key=await gateway.key())

    assert status == 400
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    assert (answer["error"]["type"], answer["error"]["param"]) == ("invalid_request_error", param)
    assert upstream.requests == []
    assert all(not row.charge for row in await gateway.request_logs())


async def test_a_defect_is_a_500_that_tells_nothing(
    gateway: Running, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("clinx.relay.pipeline.plan", broken)
    status, body = await gateway.post("/v1/chat/completions", chat(), key=await gateway.key())

    assert (status, body["error"]["code"]) == (500, "internal")
    assert "secret detail" not in str(body)
    assert "req_" in body["error"]["message"]


@pytest.mark.parametrize("broken", ["clinx.relay.seats.Seat.leave", "clinx.relay.finish.Finisher.abandon"])
async def test_whatever_fails_when_an_exchange_is_over_it_is_counted_no_longer(
    tmp_path: Path, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    files = tree_for(upstream.url)
    files["gateway.yaml"] += "server: {concurrency: {total: 1}}\n"
    async with running_gateway(tmp_path, files) as gateway:
        monkeypatch.setattr("clinx.web.respond.whole", fails)
        monkeypatch.setattr(broken, fails)
        status, _ = await gateway.post("/v1/chat/completions", b"{}", key=await gateway.key())

        assert (status, gateway.gateway.presence.count) == (500, 0)
