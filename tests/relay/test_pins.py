from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clinx.accounts import users
from clinx.domain.identity import Role
from support.gateway import chat, running_gateway

TREE = """\
version: 1
groups: {default: {}, vip: {}}
models: {echo: {price: free}, other: {price: free}, words: {price: free}}
channels:
  - {name: two, provider: echo, models: [echo]}
  - {name: wide, provider: echo, models: [echo, other, words]}
  - {name: apart, provider: echo, models: [echo], groups: [vip]}
"""


@pytest.mark.parametrize(
    ("named", "model", "status", "code", "says"),
    [
        ("two", "echo", 200, None, ""),
        ("twoo", "echo", 400, "invalid_request", "There is no channel 'twoo'. Did you mean \"two\"?"),
        ("x" * 200, "echo", 400, "invalid_request", f"There is no channel '{'x' * 128}'."),
        ("two", "other", 400, "invalid_request", "The channel 'two' does not serve the model 'other' to this group"),
        ("apart", "echo", 400, "invalid_request", "The channel 'apart' does not serve the model 'echo' to this group"),
        ("two", "ecko", 404, "model_not_found", "The model 'ecko' does not exist"),
    ],
)
async def test_an_admin_who_names_a_channel_that_cannot_serve_is_told_so(
    tmp_path: Path, named: str, model: str, status: int, code: str | None, says: str
) -> None:
    async with running_gateway(tmp_path, {"gateway.yaml": TREE}) as gateway:
        boss = await users.create(gateway.gateway.database, "boss", role=Role.ADMIN, at=datetime.now(UTC))
        key = (await gateway.issue(boss)).secret
        by_key: tuple[int, Any] = await gateway.post("/v1/chat/completions", chat(model), key=f"{key}-{named}")
        by_header: tuple[int, Any] = await gateway.post(
            "/v1/chat/completions", chat(model), key=key, headers={"Clinx-Channel": named}
        )

    for answered, body in (by_key, by_header):
        error = body.get("error", {"code": None, "message": ""})
        assert (answered, error["code"]) == (status, code)
        assert says in error["message"]


async def test_tokens_are_not_counted_here_for_a_channel_that_does_not_serve_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", "vendor-secret-0123456789")
    counts = '  - {name: claude, provider: anthropic, credentials: ["${env:UPSTREAM_KEY}"], models: [other]}\n'
    asked = {"model": "other", "messages": [{"role": "user", "content": "Hi"}]}
    async with running_gateway(tmp_path, {"gateway.yaml": TREE + counts}) as gateway:
        boss = await users.create(gateway.gateway.database, "boss", role=Role.ADMIN, at=datetime.now(UTC))
        key = (await gateway.issue(boss)).secret
        status, body = await gateway.post("/v1/messages/count_tokens", asked, key=f"{key}-two")

    assert status == 400
    assert "The channel 'two' does not serve the model 'other'" in body["error"]["message"]
