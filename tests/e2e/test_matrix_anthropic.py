"""Anthropic's official SDK, against vendors of every format."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import anthropic
import pytest
from anthropic.types import Message

from support.matrix import PARAMETERS, Ask, Heard, Matrix, Quarter
from support.matrix import quarter as quarter

pytestmark = pytest.mark.asyncio(loop_scope="module")


def options(quarter: Quarter) -> dict[str, Any]:
    return {"base_url": quarter.gateway.url, "api_key": quarter.key, "max_retries": 0, "timeout": 10}


def client(quarter: Quarter) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(**options(quarter))


def sync_client(quarter: Quarter) -> anthropic.Anthropic:
    return anthropic.Anthropic(**options(quarter))


def asked(ask: Ask) -> dict[str, Any]:
    content: list[Any] = [{"type": "text", "text": ask.text}]
    if ask.picture is not None:
        source = {"type": "base64", "media_type": "image/png", "data": ask.picture}
        content.append({"type": "image", "source": source})
    messages: list[Any] = [{"role": "user", "content": content}]
    if ask.heard is not None:
        calls = [block for block in ask.heard.turn if block["type"] == "tool_use"]
        results = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": result}
            for call, result in zip(calls, ask.results, strict=True)
        ]
        messages += [{"role": "assistant", "content": ask.heard.turn}, {"role": "user", "content": results}]
    more: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 1024}} if ask.thinks else {}
    if ask.system is not None:
        more["system"] = ask.system
    if ask.schema is not None:
        more["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
    if ask.tools:
        more["tools"] = [{"name": name, "input_schema": PARAMETERS} for name in ask.tools]
    return {"model": ask.model, "max_tokens": 2000, "messages": messages, **more}


def heard(answer: Message) -> Heard:
    blocks = [block.model_dump(exclude_none=True) for block in answer.content]
    used = answer.usage
    cached, written = used.cache_read_input_tokens or 0, used.cache_creation_input_tokens or 0
    return Heard(
        "".join(block["text"] for block in blocks if block["type"] == "text"),
        "".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        tuple(
            (block["name"], json.dumps(block["input"], sort_keys=True))
            for block in blocks
            if block["type"] == "tool_use"
        ),
        str(answer.stop_reason),
        (used.input_tokens + cached + written, cached, used.output_tokens),
        blocks,
    )


class TestMessages(Matrix):
    speaks = "anthropic"
    words: ClassVar = {
        "stop": "end_turn",
        "tool_calls": "tool_use",
        "length": "max_tokens",
        "content_filter": "refusal",
    }
    failure = anthropic.APIError
    refusal = anthropic.BadRequestError

    async def whole(self, quarter: Quarter, ask: Ask) -> Heard:
        return heard(await quarter.kept(client).messages.create(**asked(ask)))

    async def stream(self, quarter: Quarter, ask: Ask) -> Heard:
        async with quarter.kept(client).messages.stream(**asked(ask)) as stream:
            async for event in stream:
                if event.type == "text":
                    ask.on_text()
            return heard(await stream.get_final_message())

    def whole_in_a_thread(self, quarter: Quarter, ask: Ask) -> Heard:
        return heard(quarter.kept(sync_client).messages.create(**asked(ask)))

    def stream_in_a_thread(self, quarter: Quarter, ask: Ask) -> Heard:
        with quarter.kept(sync_client).messages.stream(**asked(ask)) as stream:
            return heard(stream.get_final_message())


@pytest.mark.parametrize("upstream", ["openai_chat", "openai_responses", "gemini"])
async def test_the_gateway_counts_a_prompt_where_nobody_else_does(quarter: Quarter, upstream: str) -> None:
    quarter.upstream.forget()
    counted = await quarter.kept(client).messages.count_tokens(
        model=upstream, messages=[{"role": "user", "content": "Say hello."}]
    )

    assert counted.input_tokens > 0
    assert quarter.upstream.requests == []
