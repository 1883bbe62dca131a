from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import Text, Unknown
from clinx.canonical.embedding import EmbeddingRequest, EmbeddingResponse, Encoding, Input, Tokens
from clinx.canonical.request import Extra
from clinx.dialects.base import Severity, Target
from clinx.dialects.embeddings.input_codec import InputCodec
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.errors import InvalidRequest, UpstreamBroken
from dialects.embeddings.embedding import openai

CODEC = InputCodec()
EMBED = Operation.EMBED
ASKED = EmbeddingRequest("m", (Input((Text("a"),)),))


def encoded(request: EmbeddingRequest) -> tuple[Any, list[tuple[str, Severity]]]:
    written = CODEC.encode_request(request, Target("vendor"), EMBED)
    return json.loads(written.body), [(loss.path, loss.severity) for loss in written.losses]


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("one", [Text("one")]),
        (["one", "twö"], [Text("one"), Text("twö")]),
        ([1, 22], [Tokens(Raw(b"[1, 22]"))]),
        ([[1, 2], [3]], [Tokens(Raw(b"[1, 2]")), Tokens(Raw(b"[3]"))]),
    ],
)
def test_every_kind_of_input_is_read(given: Any, parts: list[Any]) -> None:
    request = CODEC.decode_request(openai({"input": given}))

    assert request == EmbeddingRequest("m", tuple(Input((part,)) for part in parts))
    assert encoded(request) == ({"model": "vendor", "input": given}, [])


def test_what_is_asked_for_beside_the_input_is_read() -> None:
    body = {"input": ["a", "b"], "dimensions": 8, "encoding_format": "base64", "user": "ann", "task": "x"}

    request = CODEC.decode_request(openai({**body, "late_chunking": None}))

    assert request == EmbeddingRequest(
        "m",
        (Input((Text("a"),), 8), Input((Text("b"),), 8)),
        Encoding.BASE64,
        "ann",
        {"openai_embeddings": {"task": Extra(Raw(b'"x"'))}},
    )
    assert encoded(request) == ({**body, "model": "vendor"}, [])


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": "8"}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"encoding_format": 1}, "encoding_format"),
        ({"user": 1}, "user"),
    ],
)
def test_a_value_of_another_type_is_refused(body: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CODEC.decode_request(openai({"input": "a", **body}))

    assert refused.value.param == param


def test_tasks_and_titles_are_harmless_losses_named_once() -> None:
    each = Input((Text("a"), Text("b")), 3, "QUERY", "T", {"gemini": {"autoTruncate": Extra(Raw(b"true"))}})

    assert encoded(EmbeddingRequest("m", (each, each))) == (
        {"model": "vendor", "input": ["ab", "ab"], "dimensions": 3},
        [(path, Severity.HARMLESS) for path in ("autoTruncate", "taskType", "title")],
    )


def test_what_is_no_text_and_vectors_of_several_sizes_are_severe_losses() -> None:
    picture = Input((Text("a"), Unknown("gemini", Raw(b"{}"))), 3)

    _, losses = encoded(EmbeddingRequest("m", (picture, Input((Text("b"),)))))

    assert losses == [("content.parts", Severity.SEVERE), ("outputDimensionality", Severity.SEVERE)]


def test_vectors_are_told_in_the_order_of_their_inputs() -> None:
    data = [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": "AACAPw=="}]
    body = json.dumps({"data": data, "usage": {"prompt_tokens": 5, "total_tokens": 5}}).encode()

    assert CODEC.decode_answer(body) == EmbeddingResponse((Raw(b"[1.0]"), Raw(b"[2]")), Usage(input=5, call=1))


def test_vectors_without_a_place_stand_where_they_are() -> None:
    answer = CODEC.decode_answer(b'{"data":[{"embedding":[2]},{"embedding":[1]}]}')

    assert answer == EmbeddingResponse((Raw(b"[2]"), Raw(b"[1]")))


@pytest.mark.parametrize("places", [[0, 0], [9, 3], [None, 0], [1, 2], [-1, 0]])
def test_places_that_leave_open_which_vector_is_whose_are_broken(places: list[int | None]) -> None:
    data = [{"index": place, "embedding": [1]} for place in places]

    with pytest.raises(UpstreamBroken):
        CODEC.decode_answer(json.dumps({"data": data}).encode())


@pytest.mark.parametrize("body", [b'{"data":[{}]}', b'{"data":[{"embedding":{}}]}', b'{"data":7}', b"[" * 100_000])
def test_what_cannot_be_read_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        CODEC.decode_answer(body)


@pytest.mark.parametrize(
    ("encoding", "said"), [(None, [0.25, -0.5]), (Encoding.FLOAT, [0.25, -0.5]), (Encoding.BASE64, "AACAPgAAAL8=")]
)
def test_an_answer_is_written_as_the_caller_wants_it(encoding: Encoding | None, said: Any) -> None:
    asked = EmbeddingRequest("m", ASKED.inputs, encoding)

    body = CODEC.encode_answer(EmbeddingResponse((Raw(b"[0.25,-0.5]"),), Usage(input=4, call=1)), asked, EMBED)

    assert json.loads(body) == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": said}],
        "model": "m",
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }
