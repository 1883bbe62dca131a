"""OpenAI's official SDK and its chats, against vendors of every format."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import openai
import pytest
from openai.types.chat import ChatCompletion

from support.matrix import PARAMETERS, Ask, Heard, Matrix, Quarter
from support.matrix import quarter as quarter

pytestmark = pytest.mark.asyncio(loop_scope="module")


def options(quarter: Quarter) -> dict[str, Any]:
    return {"base_url": f"{quarter.gateway.url}/v1", "api_key": quarter.key, "max_retries": 0, "timeout": 10}


def client(quarter: Quarter) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(**options(quarter))


def sync_client(quarter: Quarter) -> openai.OpenAI:
    return openai.OpenAI(**options(quarter))


def asked(ask: Ask) -> dict[str, Any]:
    content: Any = ask.text
    if ask.picture is not None:
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{ask.picture}"}}
        content = [{"type": "text", "text": ask.text}, picture]
    messages: list[Any] = [{"role": "system", "content": ask.system}] if ask.system else []
    messages.append({"role": "user", "content": content})
    if ask.heard is not None:
        messages.append(ask.heard.turn)
        calls = ask.heard.turn["tool_calls"]
        messages += [
            {"role": "tool", "tool_call_id": call["id"], "content": result}
            for call, result in zip(calls, ask.results, strict=True)
        ]
    more: dict[str, Any] = {"reasoning_effort": "low"} if ask.thinks else {}
    if ask.schema is not None:
        form = {"name": "place", "schema": ask.schema, "strict": True}
        more["response_format"] = {"type": "json_schema", "json_schema": form}
    if ask.tools:
        more["tools"] = [
            {"type": "function", "function": {"name": name, "parameters": PARAMETERS}} for name in ask.tools
        ]
    return {"model": ask.model, "messages": messages, **more}


def streamed(ask: Ask) -> dict[str, Any]:
    return {**asked(ask), "stream_options": {"include_usage": True}}


def heard(answer: ChatCompletion) -> Heard:
    (choice,) = answer.choices
    message = choice.message.model_dump(exclude_none=True)
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    used = answer.usage
    assert used is not None
    cached = used.prompt_tokens_details.cached_tokens if used.prompt_tokens_details else None
    return Heard(
        choice.message.content or "",
        message.get("reasoning_content") or "",
        tuple((call["name"], json.dumps(json.loads(call["arguments"]), sort_keys=True)) for call in calls),
        choice.finish_reason,
        (used.prompt_tokens, cached or 0, used.completion_tokens),
        {name: message[name] for name in ("role", "content", "tool_calls") if name in message},
    )


class TestChat(Matrix):
    speaks = "openai_chat"
    words: ClassVar = {name: name for name in ("stop", "length", "tool_calls", "content_filter")}
    failure = openai.APIError
    refusal = openai.BadRequestError

    async def whole(self, quarter: Quarter, ask: Ask) -> Heard:
        return heard(await quarter.kept(client).chat.completions.create(**asked(ask)))

    async def stream(self, quarter: Quarter, ask: Ask) -> Heard:
        thoughts = ""
        async with quarter.kept(client).chat.completions.stream(**streamed(ask)) as stream:
            async for event in stream:
                if event.type == "content.delta":
                    ask.on_text()
                elif event.type == "chunk" and event.chunk.choices:
                    thoughts += getattr(event.chunk.choices[0].delta, "reasoning_content", None) or ""
            answer = heard(stream.current_completion_snapshot)
        assert answer.thoughts == thoughts
        return answer

    def whole_in_a_thread(self, quarter: Quarter, ask: Ask) -> Heard:
        return heard(quarter.kept(sync_client).chat.completions.create(**asked(ask)))

    def stream_in_a_thread(self, quarter: Quarter, ask: Ask) -> Heard:
        with quarter.kept(sync_client).chat.completions.stream(**streamed(ask)) as stream:
            stream.until_done()
            return heard(stream.current_completion_snapshot)
