"""Limits and budgets as callers meet them, over a whole gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from support.fake_upstream import FakeUpstream, pause, sse
from support.gateway import Running, chat, chunks, completion, running_gateway, tree_for

MESSAGES = {"model": "fake-model", "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


def limited(upstream: FakeUpstream, rule: str) -> dict[str, str]:
    return {**tree_for(upstream.url), "policies/limits.yaml": f"- name: few\n  {rule}\n"}


async def ask(gateway: Running, key: str, model: str = "fake-model", **more: Any) -> tuple[int, Any]:
    return await gateway.post("/v1/chat/completions", chat(model, **more), key=key)


async def test_the_refusal_names_the_rule_and_when_to_come_back_in_every_dialect(
    tmp_path: Path, upstream: FakeUpstream
) -> None:
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, limited(upstream, "limit: {requests: 1, per: 1h, of: user}")) as gateway:
        user = await gateway.user()
        key = (await gateway.issue(user)).secret
        async with gateway.session.post(
            f"{gateway.url}/v1/chat/completions", json=chat(), headers={"Authorization": f"Bearer {key}"}
        ) as answer:
            told = {name: answer.headers.get(f"x-ratelimit-{name}-requests") for name in ("limit", "remaining")}
        refusals = [
            await refusal(gateway, key, path, body)
            for path, body in (
                ("/v1/chat/completions", chat()),
                ("/v1/messages", MESSAGES),
                ("/v1beta/models/fake-model:generateContent", CONTENTS),
                ("/v1/responses", {"model": "fake-model", "input": "Hi"}),
            )
        ]
        other = await ask(gateway, await gateway.key())
        logged = [(row.outcome, row.refused_by) for row in await gateway.request_logs()]

    assert sorted(logged, key=str) == [("ok", None)] * 2 + [("rate_limited", "few")] * 4
    assert told == {"limit": "1", "remaining": "0"}
    assert [(status, "3600" <= after <= "3660") for status, after, *_ in refusals] == [(429, True)] * 4
    assert [each[2] for each in refusals] == [("1", "0", f"{after}s") for _, after, *_ in refusals]
    assert all("The limit 'few' is reached: 1 request in 1h for this user." in text for *_, text in refusals)
    assert other[0] == 200


async def refusal(gateway: Running, key: str, path: str, body: Any) -> tuple[int, str, tuple[str, ...], str]:
    headers = {"Authorization": f"Bearer {key}"}
    async with gateway.session.post(gateway.url + path, json=body, headers=headers) as answer:
        told = tuple(answer.headers[f"x-ratelimit-{name}-requests"] for name in ("limit", "remaining", "reset"))
        return answer.status, answer.headers["Retry-After"], told, await answer.text()


async def test_what_failed_is_given_back_where_only_successes_count(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.answers(status=400, json={"error": {"message": "No."}}).answers(json=completion())
    rule = "limit: {requests: 1, per: 1h, of: token, count: success}"
    async with running_gateway(tmp_path, limited(upstream, rule)) as gateway:
        key = await gateway.key()
        statuses = [(await ask(gateway, key))[0] for _ in range(3)]

    assert statuses == [400, 200, 429]


@pytest.mark.parametrize("rule", ["limit: {tokens: 20, per: 1h}", 'limit: {amount: "0.000025", per: 1h}'])
async def test_what_is_used_up_lets_nobody_in(tmp_path: Path, upstream: FakeUpstream, rule: str) -> None:
    """Each call uses 12 tokens, and costs 0.000015."""
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, limited(upstream, rule)) as gateway:
        key = await gateway.key()
        statuses = [(await ask(gateway, key))[0] for _ in range(3)]

    assert statuses == [200, 200, 429]


async def test_a_slot_is_held_until_the_stream_has_ended(tmp_path: Path, upstream: FakeUpstream) -> None:
    rest = asyncio.Event()
    first, *others = chunks("Hello", "!")
    upstream.streams([sse(first, others[0], done=False), pause(rest), sse(*others[1:])])
    async with running_gateway(tmp_path, limited(upstream, "limit: {concurrency: 1}")) as gateway:
        key = await gateway.key()
        running = asyncio.Task(gateway.post_raw("/v1/chat/completions", chat(stream=True), key=key))
        await upstream.until(lambda: len(upstream.requests) == 1)
        during, body = await ask(gateway, key)
        rest.set()
        await running
        after, _ = await gateway.post_raw("/v1/chat/completions", chat(stream=True), key=key)

    assert (during, body["error"]["code"], after) == (429, "rate_limit_exceeded", 200)


@pytest.mark.parametrize("per", ["hour", "day", "month", "total"])
async def test_a_budget_survives_a_restart_to_the_last_unit(tmp_path: Path, upstream: FakeUpstream, per: str) -> None:
    upstream.answers(json=completion())
    files = limited(upstream, f'budget: {{amount: "0.000045", per: {per}, of: user}}')
    async with running_gateway(tmp_path, files) as gateway:
        user = await gateway.user()
        key = (await gateway.issue(user)).secret
        before = [(await ask(gateway, key))[0] for _ in range(2)]
    async with running_gateway(tmp_path, files) as gateway:
        after = [(await ask(gateway, key))[0] for _ in range(2)]
        refused = (await ask(gateway, key))[1]["error"]
        logged = {(row.outcome, row.refused_by) for row in await gateway.request_logs()}

    assert logged == {("ok", None), ("budget_spent", "few")}
    assert (before, after) == ([200, 200], [200, 429])
    assert refused["code"] == "budget_spent"
    assert "The budget 'few' of 0.000045" in refused["message"]


async def test_nothing_is_charged_or_sent_for_what_is_refused(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, limited(upstream, "limit: {requests: 1, per: 1h}")) as gateway:
        user = await gateway.user(credit="1")
        key = (await gateway.issue(user)).secret
        for _ in range(3):
            await ask(gateway, key)
        balance = await gateway.balance(user)
        logs = [(log.outcome, str(log.charge)) for log in await gateway.request_logs()]

    assert len(upstream.requests) == 1
    assert str(balance.total) == "0.999985"
    assert sorted(logs) == [("ok", "0.000015"), ("rate_limited", "0"), ("rate_limited", "0")]
