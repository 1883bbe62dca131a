from __future__ import annotations

import json

import pytest

from clinx.dialects.base import Dialect, UpstreamProblem, WholeAnswer
from clinx.dialects.gemini.dialect import Gemini
from clinx.domain.catalog import Model, StreamEnd, UsageInStream
from clinx.domain.operation import Operation
from clinx.domain.pricing import FREE
from clinx.domain.usage import Usage
from dialects.gemini.asking import HELLO, post

DIALECT: Dialect = Gemini()
CONTENT = {"content": HELLO["contents"][0]}


def words(text: str) -> int:
    return len(text.split())


def test_a_streamed_answer_from_envelope_to_usage() -> None:
    envelope = DIALECT.open_request(Operation.CHAT, post(HELLO, "streamGenerateContent", alt="sse"))
    tap = DIALECT.tap(envelope, StreamEnd.FINISH)
    chunk = b'data: {"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3}}\r\n\r\n'

    assert DIALECT.stream_patches(envelope, UsageInStream.ON_REQUEST) == {}
    assert (tap.feed(chunk), tap.close(), tap.finished) == (chunk, b"", True)
    assert tap.usage == Usage(input=3, call=1)
    assert DIALECT.count_prompt(envelope, words) == 2 + 1


@pytest.mark.parametrize(
    ("operation", "body", "answer", "expected"),
    [
        (
            Operation.CHAT,
            HELLO,
            b'{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}',
            WholeAnswer(None, ("Hi",)),
        ),
        (Operation.COUNT_TOKENS, HELLO, b'{"totalTokens":3}', WholeAnswer(Usage(), ())),
        (Operation.EMBED, CONTENT, b'{"embedding":{"values":[1]}}', WholeAnswer(None, ())),
        (Operation.EMBED_BATCH, {"requests": [CONTENT]}, b'{"embeddings":[{}]}', WholeAnswer(None, ())),
    ],
)
def test_each_operation_has_an_answer_of_its_own(
    operation: Operation, body: object, answer: bytes, expected: WholeAnswer
) -> None:
    assert DIALECT.read_answer(DIALECT.open_request(operation, post(body)), answer) == expected


def test_only_what_is_generated_can_be_bounded() -> None:
    chat = DIALECT.open_request(Operation.CHAT, post(HELLO))
    embedding = DIALECT.open_request(Operation.EMBED, post(CONTENT))

    assert DIALECT.bounded(embedding, 100) is None
    shorter = DIALECT.bounded(chat, 100)
    assert shorter is not None
    assert shorter.max_output_tokens == 100


def test_models_counts_and_problems() -> None:
    model = Model("gemini-pro", FREE)

    assert json.loads(DIALECT.render_models([model]))["models"] == [json.loads(DIALECT.render_model(model))]
    assert DIALECT.render_count(7) == b'{"totalTokens":7}'
    assert DIALECT.read_problem(b'{"error":"no"}') == UpstreamProblem("no")
    assert DIALECT.codec is not None
