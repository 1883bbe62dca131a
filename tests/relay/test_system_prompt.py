"""A channel's system prompt, seen at the upstream's own socket, on the native road and on the translated one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.fake_upstream import FakeUpstream
from support.gateway import chat, completion, running_gateway

TREE = """\
version: 1
models: {{m: {{price: free}}, e: {{price: free}}}}
channels:
  - name: main
    provider: openai-compatible
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [m, e]
    system_prompt: {{text: Be kind., mode: prepend}}
    drop: [store, service_tier]
"""
MESSAGES = {"model": "m", "max_tokens": 9, "system": "Be brief.", "messages": [{"role": "user", "content": "hi"}]}


async def test_every_caller_s_chat_is_told_and_nothing_else_is(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, {"gateway.yaml": TREE.format(url=upstream.url)}) as gateway:
        key = await gateway.key()
        await gateway.post("/v1/chat/completions", chat("m", store=True, service_tier="flex", top_p=1), key=key)
        await gateway.post("/v1/messages", MESSAGES, key=key)
        await gateway.post("/v1/completions", {"model": "m", "prompt": "hi", "max_tokens": 3}, key=key)

    sent: list[dict[str, Any]] = [request.json for request in upstream.requests]
    ours = {"role": "system", "content": "Be kind."}
    assert sent[0] == {**chat("m", top_p=1), "messages": [ours, *chat("m")["messages"]]}
    assert sent[1]["messages"][:2] == [ours, {"role": "system", "content": "Be brief."}]
    assert sent[2] == {"model": "m", "prompt": "hi", "max_tokens": 3}
