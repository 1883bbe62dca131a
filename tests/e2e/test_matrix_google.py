"""Google's official SDK, against vendors of every format."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any, ClassVar

import pytest
from google import genai
from google.genai import errors, types
from google.genai.client import AsyncClient

from support.matrix import PARAMETERS, Ask, Heard, Matrix, Quarter
from support.matrix import quarter as quarter

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
]


def client(quarter: Quarter) -> AsyncClient:
    return sync_client(quarter).aio


def sync_client(quarter: Quarter) -> genai.Client:
    options = types.HttpOptions(base_url=quarter.gateway.url, timeout=10_000)
    return genai.Client(api_key=quarter.key, vertexai=False, http_options=options)


def asked(ask: Ask) -> dict[str, Any]:
    parts = [types.Part.from_text(text=ask.text)]
    if ask.picture is not None:
        parts.append(types.Part.from_bytes(data=base64.b64decode(ask.picture), mime_type="image/png"))
    contents = [types.Content(role="user", parts=parts)]
    if ask.heard is not None:
        results = [
            types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": said}))
            for call, said in zip(_calls(ask.heard.turn), ask.results, strict=True)
        ]
        contents += [ask.heard.turn, types.Content(role="user", parts=results)]
    declared = [types.FunctionDeclaration(name=name, parameters_json_schema=PARAMETERS) for name in ask.tools]
    config = types.GenerateContentConfig(
        system_instruction=ask.system,
        response_mime_type="application/json" if ask.schema else None,
        response_json_schema=ask.schema,
        tools=[types.Tool(function_declarations=declared)] if declared else None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        thinking_config=types.ThinkingConfig(include_thoughts=True) if ask.thinks else None,
    )
    return {"model": ask.model, "contents": contents, "config": config}


def _calls(turn: types.Content) -> list[types.FunctionCall]:
    return [part.function_call for part in turn.parts or () if part.function_call]


def heard(answers: Iterable[types.GenerateContentResponse]) -> Heard:
    """Put the pieces of an answer together, as a program of a user's would."""
    parts: list[types.Part] = []
    finish, usage = "", None
    for answer in answers:
        (candidate,) = answer.candidates or []
        parts += (candidate.content and candidate.content.parts) or ()
        finish = candidate.finish_reason.name if candidate.finish_reason else finish
        usage = answer.usage_metadata or usage
    turn = types.Content(role="model", parts=[part for part in parts if part.text or part.function_call])
    assert usage is not None
    made = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    return Heard(
        "".join(part.text or "" for part in parts if not part.thought),
        "".join(part.text or "" for part in parts if part.thought),
        tuple((str(call.name), json.dumps(call.args, sort_keys=True)) for call in _calls(turn)),
        finish,
        (usage.prompt_token_count or 0, usage.cached_content_token_count or 0, made),
        turn,
    )


class TestContent(Matrix):
    speaks = "gemini"
    words: ClassVar = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
    failure = errors.APIError
    refusal = errors.ClientError

    async def whole(self, quarter: Quarter, ask: Ask) -> Heard:
        return heard([await quarter.kept(client).models.generate_content(**asked(ask))])

    async def stream(self, quarter: Quarter, ask: Ask) -> Heard:
        pieces: list[types.GenerateContentResponse] = []
        async for piece in await quarter.kept(client).models.generate_content_stream(**asked(ask)):
            ask.on_text()
            pieces.append(piece)
        return heard(pieces)

    def whole_in_a_thread(self, quarter: Quarter, ask: Ask) -> Heard:
        return heard([quarter.kept(sync_client).models.generate_content(**asked(ask))])

    def stream_in_a_thread(self, quarter: Quarter, ask: Ask) -> Heard:
        return heard(quarter.kept(sync_client).models.generate_content_stream(**asked(ask)))


@pytest.mark.parametrize("upstream", ["openai_chat", "openai_responses", "anthropic"])
async def test_the_gateway_counts_a_prompt_where_nobody_else_does(quarter: Quarter, upstream: str) -> None:
    quarter.upstream.forget()
    counted = await quarter.kept(client).models.count_tokens(model=upstream, contents="Say hello.")

    assert counted.total_tokens
    assert quarter.upstream.requests == []
