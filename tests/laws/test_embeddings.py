"""Laws of embeddings between formats: what one says the other says, and what is left out is named."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw, structs

from clinx.canonical.content import Text
from clinx.canonical.embedding import EmbeddingRequest, EmbeddingResponse, Encoding, Input, Tokens
from clinx.dialects.base import Encoded, Envelope, Inbound, Target
from clinx.dialects.registry import DIALECTS, EMBEDDINGS
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.errors import InvalidRequest, UpstreamBroken

some = settings(max_examples=30, deadline=None)

WAYS = [
    ("openai_embeddings", Operation.EMBED),
    ("gemini", Operation.EMBED_BATCH),
    ("gemini", Operation.EMBED),
]
every_way = pytest.mark.parametrize(("dialect", "operation"), WAYS)
every_pair = pytest.mark.parametrize(("first", "second"), list(product(WAYS, WAYS)))

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SIZES = st.one_of(st.none(), st.integers(1, 4096))
WORDS = st.one_of(st.none(), st.sampled_from(["RETRIEVAL_QUERY", "Ä \\"]))
TOKENS = st.lists(st.integers(0, 200_000), min_size=1, max_size=4).map(
    lambda ids: Tokens(Raw(json.dumps(ids).encode()))
)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
VECTORS = st.lists(FLOATS, max_size=4).map(lambda numbers: Raw(json.dumps(numbers).encode()))


@st.composite
def requests(draw: st.DrawFn, *, of_tokens: bool = False) -> EmbeddingRequest:
    part = st.builds(Text, TEXTS)
    count = draw(st.integers(1, 3))
    parts = [(draw(TOKENS),) if of_tokens else tuple(draw(st.lists(part, max_size=2))) for _ in range(count)]
    size, task, title = draw(SIZES), draw(WORDS), draw(WORDS)
    inputs = tuple(Input(each, size, task, title) for each in parts)
    return EmbeddingRequest("m", inputs, draw(st.sampled_from([None, *Encoding])), draw(WORDS))


def encoded(way: tuple[str, Operation], request: EmbeddingRequest) -> Encoded:
    return EMBEDDINGS[way[0]].encode_request(request, Target("m"), way[1])


def opened(way: tuple[str, Operation], body: bytes) -> Envelope:
    return DIALECTS[way[0]].open_request(way[1], Inbound("POST", "/", {"model": "m"}, {}, {}, body))


def decoded(way: tuple[str, Operation], body: bytes) -> EmbeddingRequest:
    return EMBEDDINGS[way[0]].decode_request(opened(way, body))


def kept(way: tuple[str, Operation], request: EmbeddingRequest) -> EmbeddingRequest:
    """What is left of a request by the losses that are named; how answers are encoded is no upstream's business."""
    lost = {loss.path for loss in encoded(way, request).losses}
    inputs = request.inputs[:1] if "input" in lost else request.inputs
    left = tuple(
        Input(
            (Text("".join(part.text for part in each.parts if isinstance(part, Text))),),
            each.dimensions,
            None if "taskType" in lost else each.task,
            None if "title" in lost else each.title,
        )
        for each in inputs
    )
    return EmbeddingRequest("m", left, None, None if "user" in lost else request.user)


def joined(request: EmbeddingRequest) -> EmbeddingRequest:
    """The same with each input's texts as one, and however its answer is to be encoded."""
    inputs = tuple(
        structs.replace(each, parts=(Text("".join(part.text for part in each.parts if isinstance(part, Text))),))
        for each in request.inputs
    )
    return structs.replace(request, inputs=inputs, encoding=None)


@every_way
@some
@given(request=requests())
def test_a_request_comes_back_but_for_what_is_named(
    dialect: str, operation: Operation, request: EmbeddingRequest
) -> None:
    way = dialect, operation

    assert joined(decoded(way, encoded(way, request).body)) == kept(way, request)


@every_pair
@some
@given(request=requests())
def test_what_one_format_asked_the_other_asks(
    first: tuple[str, Operation], second: tuple[str, Operation], request: EmbeddingRequest
) -> None:
    asked = decoded(first, encoded(first, request).body)

    there = decoded(second, encoded(second, asked).body)

    assert joined(there) == kept(second, kept(first, request))


@some
@given(request=requests(of_tokens=True))
def test_tokens_come_back_to_their_own_format_and_are_refused_by_the_other(request: EmbeddingRequest) -> None:
    own, *others = WAYS

    back = decoded(own, encoded(own, request).body)

    assert [
        json.loads(bytes(part.payload)) for each in back.inputs for part in each.parts if isinstance(part, Tokens)
    ] == [json.loads(bytes(part.payload)) for each in request.inputs for part in each.parts if isinstance(part, Tokens)]
    assert all("input" in {loss.path for loss in encoded(other, request).losses} for other in others)


def numbers(response: EmbeddingResponse) -> list[Any]:
    return [json.loads(bytes(vector)) for vector in response.vectors]


@every_pair
@some
@given(
    encoding=st.sampled_from([None, *Encoding]),
    vectors=st.lists(VECTORS, min_size=1, max_size=3),
    tokens=st.integers(1, 1 << 30),
)
def test_vectors_come_back_to_the_last_bit(
    first: tuple[str, Operation],
    second: tuple[str, Operation],
    encoding: Encoding | None,
    vectors: Sequence[Raw],
    tokens: int,
) -> None:
    if Operation.EMBED in {way[1] for way in (first, second) if way[0] == "gemini"}:
        vectors = vectors[:1]
    answer = EmbeddingResponse(tuple(vectors), Usage(input=tokens, call=1))
    asked = EmbeddingRequest("m", (Input(()),) * len(vectors), encoding)
    for dialect, operation in (first, second):
        codec = EMBEDDINGS[dialect]
        body = codec.encode_answer(answer, asked, operation)

        told = codec.decode_answer(body)

        assert (numbers(told), told.usage) == (numbers(answer), answer.usage)
        read = DIALECTS[dialect].read_answer(opened((dialect, operation), _request(operation)), body)
        assert (read.usage, read.problem) == (answer.usage, None)
        answer = told


def _request(operation: Operation) -> bytes:
    content = {"content": {}}
    return json.dumps({"model": "m", "input": "a", **content, "requests": [content]}).encode()


MEMBERS = [
    *("model", "input", "content", "parts", "text", "requests", "taskType", "title", "outputDimensionality", "user"),
    *("dimensions", "encoding_format", "data", "embedding", "embeddings", "values", "index", "usage", "usageMetadata"),
]
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5)),
    max_leaves=12,
)
OBJECTS: st.SearchStrategy[Mapping[str, Any]] = st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=6)


@every_way
@settings(max_examples=100, deadline=None)
@given(body=OBJECTS)
def test_no_request_is_too_odd_to_be_read_or_refused(
    dialect: str, operation: Operation, body: Mapping[str, Any]
) -> None:
    data = json.dumps({"model": "m", "input": "a", "content": {}, "requests": [{"content": {}}], **body}).encode()
    try:
        request = decoded((dialect, operation), data)
    except InvalidRequest:
        return

    for way in WAYS:
        json.loads(encoded(way, request).body)


@every_way
@settings(max_examples=100, deadline=None)
@given(body=OBJECTS)
def test_no_answer_is_too_odd_to_be_read_or_broken(dialect: str, operation: Operation, body: Mapping[str, Any]) -> None:
    del operation
    try:
        answer = EMBEDDINGS[dialect].decode_answer(json.dumps(body).encode())
    except UpstreamBroken:
        return

    assert all(isinstance(number, int | float) for vector in numbers(answer) for number in vector)
