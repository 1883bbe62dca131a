from __future__ import annotations

import json

from clinx.dialects.base import Dialect, Inbound, UpstreamProblem, WholeAnswer
from clinx.dialects.openai_chat.dialect import OpenAIChat
from clinx.domain.catalog import Model, StreamEnd, UsageInStream
from clinx.domain.operation import Operation
from clinx.domain.pricing import FREE
from clinx.domain.usage import Usage

DIALECT: Dialect = OpenAIChat()
CHAT = b'{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"one two"}]}'
COMPLETE = b'{"model":"davinci-002","prompt":"one two"}'


def post(body: bytes) -> Inbound:
    return Inbound(method="POST", path="/v1/chat/completions", match={}, query={}, headers={}, body=body)


def words(text: str) -> int:
    return len(text.split())


def test_a_streamed_chat_from_envelope_to_usage() -> None:
    envelope = DIALECT.open_request(Operation.CHAT, post(CHAT))
    tap = DIALECT.tap(envelope, StreamEnd.DONE)

    assert DIALECT.stream_patches(envelope, UsageInStream.ON_REQUEST) == {"stream_options": b'{"include_usage":true}'}
    assert tap.feed(b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n') == b""
    assert tap.usage == Usage(input=3, output=4, call=1)
    assert DIALECT.count_prompt(envelope, words) == 3 + 3 + 1 + 2


def test_a_completion_from_envelope_to_answer() -> None:
    envelope = DIALECT.open_request(Operation.COMPLETE, post(COMPLETE))

    assert DIALECT.read_answer(envelope, b'{"choices":[{"text":"three"}]}') == WholeAnswer(None, ("three",))
    assert DIALECT.count_prompt(envelope, words) == 2


def test_a_caller_who_asked_for_usage_gets_it() -> None:
    asking = CHAT.replace(b'"stream":true', b'"stream":true,"stream_options":{"include_usage":true}')
    tap = DIALECT.tap(DIALECT.open_request(Operation.CHAT, post(asking)), StreamEnd.DONE)
    chunk = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n'

    assert tap.feed(chunk) == chunk


def test_models_and_problems() -> None:
    model = Model("gpt-4o", FREE)

    assert json.loads(DIALECT.render_models([model]))["data"] == [json.loads(DIALECT.render_model(model))]
    assert DIALECT.read_problem(b'{"error":"no"}') == UpstreamProblem("no")
