from __future__ import annotations

import json

import pytest

from clinx.dialects.base import Dialect, Inbound, UpstreamProblem, WholeAnswer
from clinx.dialects.embeddings.dialect import Embeddings
from clinx.domain.catalog import Model, StreamEnd, UsageInStream
from clinx.domain.operation import Operation
from clinx.domain.pricing import FREE
from clinx.domain.usage import Usage
from clinx.errors import InternalError

DIALECT: Dialect = Embeddings()
INBOUND = Inbound("POST", "/v1/embeddings", {}, {}, {}, b'{"model":"e","input":["one two","three"],"stream":true}')
ENVELOPE = DIALECT.open_request(Operation.EMBED, INBOUND)


def test_an_embedding_from_envelope_to_answer() -> None:
    body = b'{"data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":3,"total_tokens":3}}'

    assert DIALECT.read_answer(ENVELOPE, body) == WholeAnswer(Usage(input=3, call=1), ())
    assert DIALECT.count_prompt(ENVELOPE, lambda text: len(text.split())) == 3


@pytest.mark.parametrize("reported", UsageInStream)
def test_nothing_is_streamed(reported: UsageInStream) -> None:
    assert not ENVELOPE.stream
    assert DIALECT.stream_patches(ENVELOPE, reported) == {}
    with pytest.raises(InternalError):
        DIALECT.tap(ENVELOPE, StreamEnd.DONE)


def test_no_bound_can_be_said() -> None:
    assert DIALECT.bounded(ENVELOPE, 16) is None


def test_models_and_problems() -> None:
    model = Model("e", FREE)

    assert json.loads(DIALECT.render_models([model]))["data"] == [json.loads(DIALECT.render_model(model))]
    assert DIALECT.read_problem(b'{"error":"no"}') == UpstreamProblem("no")
