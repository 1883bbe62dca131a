from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.base import UpstreamProblem, WholeAnswer
from clinx.dialects.body import JsonBody
from clinx.dialects.embeddings.contents import (
    DIALECT,
    MAX_REQUESTS,
    count_contents,
    open_batch,
    open_embedding,
    read_embeddings,
)
from clinx.dialects.gemini.endpoints import NAME
from clinx.dialects.google.parts import IMAGE
from clinx.dialects.prompts import MOST_BRACKETS
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.errors import InvalidRequest, UpstreamBroken

CONTENT = {"parts": [{"text": "Hello"}]}


def body(value: Any) -> JsonBody:
    return JsonBody.parse(json.dumps(value).encode())


def test_one_content_is_embedded() -> None:
    envelope = open_embedding(body({"model": "models/m", "content": CONTENT}), "m")

    assert (envelope.operation, envelope.model, envelope.max_output_tokens) == (Operation.EMBED, "m", 0)
    assert envelope.naming(envelope.body, "n") == {"model": b'"models/n"'}


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ({}, "content"),
        ({"content": None}, "content"),
        ({"content": "Hi"}, "content"),
        ({"content": CONTENT, "model": "n"}, "model"),
    ],
)
def test_a_request_without_a_content_is_refused(value: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        open_embedding(body(value), "m")

    assert caught.value.param == param


def test_every_request_of_a_batch_is_renamed() -> None:
    requests = [{"model": "models/m", "content": CONTENT, "taskType": "X"}, {"content": CONTENT}]

    envelope = open_batch(body({"requests": requests}), "m")

    assert (envelope.operation, envelope.choices) == (Operation.EMBED_BATCH, 1)
    assert json.loads(envelope.body.patched(envelope.naming(envelope.body, "n"))) == {
        "requests": [
            {"model": "models/n", "content": CONTENT, "taskType": "X"},
            {"content": CONTENT, "model": "models/n"},
        ]
    }


@pytest.mark.parametrize(
    ("requests", "param"),
    [
        (None, "requests"),
        ([], "requests"),
        ({}, "requests"),
        ([CONTENT, 1], "requests[1]"),
        ([{"model": "models/n"}], "requests[0].model"),
        ([{"model": []}], "requests[0].model"),
        ([CONTENT] * (MAX_REQUESTS + 1), "requests"),
    ],
)
def test_a_batch_that_cannot_be_one_is_refused(requests: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        open_batch(body({"requests": requests}), "m")

    assert caught.value.param == param


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b'{"embedding":{"values":[1]}}', WholeAnswer(None, ())),
        (b'{"embeddings":[{"values":[1]}]}', WholeAnswer(None, ())),
        (
            b'{"embedding":{},"usageMetadata":{"promptTokenCount":3}}',
            WholeAnswer(Usage(input=3, call=1), ()),
        ),
        (b'{"error":{"code":500,"message":"no"}}', WholeAnswer(None, (), UpstreamProblem("no", None, "500"))),
    ],
)
def test_an_answer_is_read_without_its_vectors(answer: bytes, expected: WholeAnswer) -> None:
    assert read_embeddings(answer) == expected


@pytest.mark.parametrize("answer", [b"", b"<html>", b"{}", b'{"embeddings":[]}', b'{"embeddings":1}', b"[" * 100_000])
def test_what_is_no_answer_is_broken(answer: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read_embeddings(answer)


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        ({"content": {"parts": [{"text": "one two"}, {"text": "three"}]}}, 3),
        ({"content": {"parts": {"text": "one two"}}, "title": "four five six"}, 2),
        ({"requests": [{"content": {"parts": [{"text": "one"}]}}] * 2}, 2),
        ({"requests": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png"}}]}}, {}, 7]}, IMAGE),
        ({}, 0),
    ],
)
def test_texts_are_counted_and_nothing_around_them(value: Any, tokens: int) -> None:
    assert count_contents(body(value), words) == tokens


def test_absurdly_dense_requests_are_counted_as_text() -> None:
    text = b"[" + b"[]," * MOST_BRACKETS + b" []]"

    assert count_contents(JsonBody.parse(b'{"requests":' + text + b"}"), words) == 2


def test_they_belong_to_the_dialect_of_generated_content() -> None:
    assert DIALECT == NAME
