from __future__ import annotations

import json

from clinx.dialects.anthropic.dialect import Anthropic
from clinx.dialects.base import Dialect, Inbound, UpstreamProblem, WholeAnswer
from clinx.domain.catalog import Model, StreamEnd, UsageInStream
from clinx.domain.operation import Operation
from clinx.domain.pricing import FREE
from clinx.domain.usage import Usage
from clinx.errors import InternalError

DIALECT: Dialect = Anthropic()
BODY = b'{"model":"claude","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"one two"}]}'


def post(body: bytes = BODY) -> Inbound:
    return Inbound(method="POST", path="/v1/messages", match={}, query={}, headers={}, body=body)


def words(text: str) -> int:
    return len(text.split())


def test_a_streamed_message_from_envelope_to_usage() -> None:
    envelope = DIALECT.open_request(Operation.CHAT, post())
    tap = DIALECT.tap(envelope, StreamEnd.DONE)
    chunk = b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":3}}\n\n'

    assert DIALECT.stream_patches(envelope, UsageInStream.ON_REQUEST) == {}
    assert tap.feed(chunk) == chunk
    assert (tap.usage, tap.answered) == (Usage(input=3, call=1), True)
    assert DIALECT.count_prompt(envelope, words) == 3 + 3 + 2


def test_a_shorter_answer_can_be_asked_for() -> None:
    shorter = DIALECT.bounded(DIALECT.open_request(Operation.CHAT, post()), 40)

    assert shorter is not None
    assert shorter.body.data == BODY.replace(b"100", b"40")


def test_an_answer_is_read_as_what_was_asked() -> None:
    chat = DIALECT.open_request(Operation.CHAT, post())
    count = DIALECT.open_request(Operation.COUNT_TOKENS, post())

    assert DIALECT.read_answer(chat, b'{"content":[{"type":"text","text":"three"}]}') == WholeAnswer(None, ("three",))
    assert DIALECT.read_answer(count, b'{"input_tokens":3}') == WholeAnswer(Usage(), ())
    assert DIALECT.render_count(3) == b'{"input_tokens":3}'


def test_models_problems_and_errors() -> None:
    model = Model("claude", FREE)

    assert json.loads(DIALECT.render_models([model]))["data"] == [json.loads(DIALECT.render_model(model))]
    assert DIALECT.read_problem(b'{"error":"no"}') == UpstreamProblem("no")
    assert DIALECT.render_error(InternalError("no"), "req_1").status == 500
    assert DIALECT.render_stream_error(InternalError("no"), "req_1").startswith(b"event: error\n")


def test_paths_and_the_way_to_canonical() -> None:
    assert [(e.method, e.path) for e in DIALECT.endpoints] == [
        ("POST", "/v1/messages"),
        ("POST", "/v1/messages/count_tokens"),
    ]
    assert DIALECT.codec is not None
