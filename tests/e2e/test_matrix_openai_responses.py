"""OpenAI's official SDK and its responses, against vendors of every format."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import openai
import pytest
from openai.types.responses import Response

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
    content: list[Any] = [{"type": "input_text", "text": ask.text}]
    if ask.picture is not None:
        content.append({"type": "input_image", "image_url": f"data:image/png;base64,{ask.picture}", "detail": "auto"})
    items: list[Any] = [{"role": "user", "content": content}]
    if ask.heard is not None:
        items += ask.heard.turn
        calls = [item for item in ask.heard.turn if item["type"] == "function_call"]
        items += [
            {"type": "function_call_output", "call_id": call["call_id"], "output": result}
            for call, result in zip(calls, ask.results, strict=True)
        ]
    more: dict[str, Any] = {"reasoning": {"effort": "low", "summary": "auto"}} if ask.thinks else {}
    if ask.system is not None:
        more["instructions"] = ask.system
    if ask.schema is not None:
        more["text"] = {"format": {"type": "json_schema", "name": "place", "schema": ask.schema, "strict": True}}
    if ask.tools:
        more["tools"] = [
            {"type": "function", "name": name, "parameters": PARAMETERS, "strict": False} for name in ask.tools
        ]
    return {"model": ask.model, "input": items, "store": False, **more}


def heard(answer: Response) -> Heard:
    items = [item.model_dump(exclude_none=True) for item in answer.output]
    calls = [item for item in items if item["type"] == "function_call"]
    thoughts = [piece["text"] for item in items if item["type"] == "reasoning" for piece in item["summary"]]
    details = answer.incomplete_details
    used = answer.usage
    assert used is not None
    return Heard(
        answer.output_text,
        "".join(thoughts),
        tuple((call["name"], json.dumps(json.loads(call["arguments"]), sort_keys=True)) for call in calls),
        (details and details.reason) or str(answer.status),
        (used.input_tokens, used.input_tokens_details.cached_tokens, used.output_tokens),
        items,
    )


class TestResponses(Matrix):
    speaks = "openai_responses"
    words: ClassVar = {
        "stop": "completed",
        "tool_calls": "completed",
        "length": "max_output_tokens",
        "content_filter": "content_filter",
    }
    failure = openai.APIError
    refusal = openai.BadRequestError

    async def whole(self, quarter: Quarter, ask: Ask) -> Heard:
        return heard(await quarter.kept(client).responses.create(**asked(ask)))

    async def stream(self, quarter: Quarter, ask: Ask) -> Heard:
        last: Response | None = None
        async with quarter.kept(client).responses.stream(**asked(ask)) as stream:
            async for event in stream:
                if event.type == "response.output_text.delta":
                    ask.on_text()
                elif event.type == "response.completed" or event.type == "response.incomplete":  # noqa: PLR1714 - for types
                    last = event.response
        assert last is not None
        return heard(last)

    def whole_in_a_thread(self, quarter: Quarter, ask: Ask) -> Heard:
        return heard(quarter.kept(sync_client).responses.create(**asked(ask)))

    def stream_in_a_thread(self, quarter: Quarter, ask: Ask) -> Heard:
        with quarter.kept(sync_client).responses.stream(**asked(ask)) as stream:
            return heard(stream.get_final_response())
