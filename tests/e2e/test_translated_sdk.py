"""The official SDK of OpenAI, a model at Anthropic: a round of a tool with thoughts, as an agent goes it."""

import json
from pathlib import Path
from typing import Any

import openai

from support.fake_upstream import FakeUpstream
from support.gateway import running_gateway

TREE = """\
version: 1
models: {{m: {{price: free, max_output: 8000}}}}
channels:
  - name: main
    provider: anthropic
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [m]
    groups: [default]
"""
TOOLS: Any = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]
START = {"id": "msg_1", "model": "m", "role": "assistant", "content": [], "usage": {"input_tokens": 3}}
CALLING: list[dict[str, Any]] = [
    {"type": "message_start", "message": START},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "sig"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "t1", "name": "add", "input": {}},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"a":'}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "1}"}},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
]
ANSWER = {
    **START,
    "type": "message",
    "content": [{"type": "text", "text": "42"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 1},
}


async def test_an_agent_calls_a_tool_and_its_model_goes_on_thinking(tmp_path: Path) -> None:
    async with FakeUpstream() as upstream:
        events = [b"event: %b\ndata: %b\n\n" % (each["type"].encode(), json.dumps(each).encode()) for each in CALLING]
        upstream.streams(events).answers(json=ANSWER)
        async with running_gateway(tmp_path, {"gateway.yaml": TREE.format(url=upstream.url)}) as gateway:
            key = await gateway.key()
            async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0) as sdk:
                more: Any = {"model": "m", "tools": TOOLS, "reasoning_effort": "low"}
                asked: Any = [{"role": "user", "content": "1 + 41?"}]
                async with sdk.chat.completions.stream(messages=asked, **more) as stream:
                    said = (await stream.get_final_completion()).choices[0]
                turn = said.message.model_dump(exclude_none=True, include={"role", "tool_calls"})
                turn.update(said.message.model_extra or {})
                told: Any = [*asked, turn, {"role": "tool", "tool_call_id": "t1", "content": "42"}]
                answer = await sdk.chat.completions.create(messages=told, **more)

    assert said.finish_reason == "tool_calls"
    assert answer.choices[0].message.content == "42"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 10
    assert upstream.requests[1].json["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "42"}]},
            ],
        },
    ]
