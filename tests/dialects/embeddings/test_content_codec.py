from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import Text, Unknown
from clinx.canonical.embedding import EmbeddingRequest, EmbeddingResponse, Encoding, Input, Tokens
from clinx.canonical.request import Extra
from clinx.dialects.base import Severity, Target
from clinx.dialects.embeddings.content_codec import ContentCodec
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.errors import InvalidRequest, UpstreamBroken
from dialects.embeddings.embedding import google

CODEC = ContentCodec()
ONE, MANY = Operation.EMBED, Operation.EMBED_BATCH
CONTENT = {"parts": [{"text": "a"}]}
PICTURE = {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}
ASKED = EmbeddingRequest("m", (Input((Text("a"),)),))


def encoded(request: EmbeddingRequest, operation: Operation = MANY) -> tuple[Any, list[tuple[str, Severity]]]:
    written = CODEC.encode_request(request, Target("vendor"), operation)
    return json.loads(written.body), [(loss.path, loss.severity) for loss in written.losses]


def test_one_content_is_read_and_written_with_what_is_asked_for_it() -> None:
    body = {"content": CONTENT, "taskType": "RETRIEVAL_DOCUMENT", "title": "T", "outputDimensionality": 8, "tune": [1]}

    request = CODEC.decode_request(google({**body, "model": "models/m", "autoTruncate": None}))

    extras = {"gemini": {"tune": Extra(Raw(b"[1]"))}}
    assert request == EmbeddingRequest("m", (Input((Text("a"),), 8, "RETRIEVAL_DOCUMENT", "T", extras),))
    assert encoded(request, ONE) == ({**body, "model": "models/vendor"}, [])


def test_a_batch_is_read_and_written_one_by_one() -> None:
    requests = [
        {"content": CONTENT, "task_type": "X"},
        {"content": {"parts": {"text": "b"}}, "outputDimensionality": 2},
    ]

    request = CODEC.decode_request(google({"requests": requests, "tune": 1}, MANY))

    extras = {"gemini": {"tune": Extra(Raw(b"1"))}}
    inputs = (Input((Text("a"),), task="X"), Input((Text("b"),), 2))
    assert request == EmbeddingRequest("m", inputs, extras=extras)
    assert encoded(request) == (
        {
            "requests": [
                {"model": "models/vendor", "content": CONTENT, "taskType": "X"},
                {"model": "models/vendor", "content": {"parts": [{"text": "b"}]}, "outputDimensionality": 2},
            ],
            "tune": 1,
        },
        [],
    )


def test_what_is_no_text_is_kept_for_vendors_of_this_format() -> None:
    request = CODEC.decode_request(google({"content": {"parts": [{"text": "See"}, PICTURE]}}))

    text, picture = request.inputs[0].parts
    assert text == Text("See")
    assert isinstance(picture, Unknown)
    assert (picture.dialect, json.loads(bytes(picture.payload))) == ("gemini", PICTURE)
    assert encoded(request, ONE)[0]["content"] == {"parts": [{"text": "See"}, PICTURE]}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"content": {"parts": 1}}, "content.parts"),
        ({"content": {"parts": [{"text": 1}]}}, "content.parts[0].text"),
        ({"content": CONTENT, "taskType": 1}, "taskType"),
        ({"content": CONTENT, "title": []}, "title"),
        ({"content": CONTENT, "outputDimensionality": "8"}, "outputDimensionality"),
    ],
)
def test_a_value_of_another_type_is_refused(body: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as alone:
        CODEC.decode_request(google(body))
    with pytest.raises(InvalidRequest) as among_others:
        CODEC.decode_request(google({"requests": [{"content": CONTENT}, body]}, MANY))

    assert (alone.value.param, among_others.value.param) == (param, f"requests[1].{param}")


def test_a_request_of_a_batch_must_have_a_content() -> None:
    with pytest.raises(InvalidRequest) as refused:
        CODEC.decode_request(google({"requests": [{"content": None}]}, MANY))

    assert refused.value.param == "requests[0].content"


def test_what_only_others_know_is_lost_by_its_name() -> None:
    extras = {"openai_embeddings": {"truncate": Extra(Raw(b"true"))}}
    request = EmbeddingRequest("m", ASKED.inputs, Encoding.BASE64, "ann", extras)

    assert encoded(request)[1] == [("truncate", Severity.HARMLESS), ("user", Severity.HARMLESS)]


@pytest.mark.parametrize("part", [Tokens(Raw(b"[1]")), Unknown("openai_embeddings", Raw(b"{}"))])
def test_tokens_and_what_is_another_format_s_are_severe_losses(part: Any) -> None:
    body, losses = encoded(EmbeddingRequest("m", (Input((part,)),)))

    assert body == {"requests": [{"model": "models/vendor", "content": {"parts": []}}]}
    assert losses == [("input", Severity.SEVERE)]


def test_several_inputs_are_a_severe_loss_where_one_is_taken() -> None:
    request = EmbeddingRequest("m", (*ASKED.inputs, Input((Text("b"),))))

    assert encoded(request, ONE)[1] == [("input", Severity.SEVERE)]
    assert encoded(request, MANY)[1] == []


@pytest.mark.parametrize(
    ("body", "vectors"),
    [
        ({"embedding": {"values": [1, 2]}}, [b"[1, 2]"]),
        ({"embeddings": [{"values": [1]}, {"values": [2]}]}, [b"[1]", b"[2]"]),
    ],
)
def test_both_answers_are_read(body: Any, vectors: list[bytes]) -> None:
    told = {**body, "usageMetadata": {"promptTokenCount": 5}}

    assert CODEC.decode_answer(json.dumps(told).encode()) == EmbeddingResponse(
        tuple(map(Raw, vectors)), Usage(input=5, call=1)
    )


@pytest.mark.parametrize("body", [b'{"embedding":{}}', b'{"embeddings":[{"values":{}}]}', b"7", b"[" * 100_000])
def test_what_cannot_be_read_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        CODEC.decode_answer(body)


@pytest.mark.parametrize(
    ("operation", "said"),
    [(ONE, {"embedding": {"values": [0.25]}}), (MANY, {"embeddings": [{"values": [0.25]}]})],
)
@pytest.mark.parametrize(
    ("usage", "told"), [(None, {}), (Usage(input=4, call=1), {"usageMetadata": {"promptTokenCount": 4}})]
)
def test_an_answer_is_one_vector_or_a_list(operation: Operation, said: Any, usage: Usage | None, told: Any) -> None:
    body = CODEC.encode_answer(EmbeddingResponse((Raw(b"[0.25]"),), usage), ASKED, operation)

    assert json.loads(body) == {**said, **told}
