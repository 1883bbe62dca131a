from __future__ import annotations

import json

import pytest

from clinx.dialects.base import UpstreamProblem, WholeAnswer
from clinx.dialects.gemini.response import read_answer, read_count, render_count
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken
from dialects import golden


@pytest.mark.parametrize("name", golden.cases("gemini", "responses"))
def test_the_answer_of(name: str) -> None:
    body, expected = golden.read("gemini", "responses", name)

    answer = read_answer(body)

    usage = expected["usage"] and Usage(**expected["usage"])
    problem = expected["problem"] and UpstreamProblem(**expected["problem"])
    assert answer == WholeAnswer(usage, tuple(expected["text"]), problem)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"candidates":[]}', b'{"candidates":null}', b'{"choices":[{}]}']
)
def test_what_is_no_answer_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read_answer(body)


def test_a_count_uses_nothing() -> None:
    assert read_count(b'{"totalTokens":7,"promptTokensDetails":[]}') == WholeAnswer(Usage(), ())
    assert read_count(b'{"error":{"message":"no"}}').problem == UpstreamProblem("no")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"totalTokens":"7"}', b"[]"])
def test_what_is_no_count_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read_count(body)


def test_a_count_is_written_as_it_is_read() -> None:
    assert json.loads(render_count(7)) == {"totalTokens": 7}
