from __future__ import annotations

import pytest

from clinx.dialects.base import UpstreamProblem, WholeAnswer
from clinx.dialects.embeddings.response import read_answer
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ('{"prompt_tokens":5,"total_tokens":5}', Usage(input=5, call=1)),
        ('{"total_tokens":5}', Usage(input=5, call=1)),
        ('{"prompt_tokens":-5}', None),
        ("null", None),
    ],
)
@pytest.mark.parametrize("vector", ["[0.1,-0.2]", '"base64"'])
def test_usage_of_an_answer_is_read(usage: str, expected: Usage | None, vector: str) -> None:
    body = f'{{"object":"list","data":[{{"embedding":{vector},"index":0}}],"model":"e","usage":{usage}}}'

    assert read_answer(body.encode()) == WholeAnswer(expected, ())


def test_an_error_in_an_answer_is_a_problem() -> None:
    assert read_answer(b'{"error":{"message":"no"}}') == WholeAnswer(None, (), UpstreamProblem("no"))


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"data":[]}', b'{"data":7}', b'{"data":[', b'{"\xff":1}', b"[" * 100_000]
)
def test_what_is_no_answer_is_a_broken_upstream(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read_answer(body)
