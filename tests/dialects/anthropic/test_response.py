from __future__ import annotations

import json

import pytest

from clinx.dialects.anthropic.response import problem_in, read_answer, read_count, render_count, text_of
from clinx.dialects.base import UpstreamProblem, WholeAnswer
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken
from dialects import golden


@pytest.mark.parametrize("name", golden.cases("anthropic", "responses"))
def test_the_answer_of(name: str) -> None:
    body, expected = golden.read("anthropic", "responses", name)
    usage = expected["usage"] and Usage(**expected["usage"])
    problem = expected["problem"] and UpstreamProblem(**expected["problem"])

    assert read_answer(body) == WholeAnswer(usage, tuple(expected["text"]), problem)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"1", b'{"type":"message"}', b'{"content":"text"}', b'{"content":[1]}', b"[" * 100_000],
)
def test_what_is_no_message_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read_answer(body)


def test_a_count_costs_nothing() -> None:
    assert read_count(b'{"input_tokens":1234,"more":1}') == WholeAnswer(Usage(), (), None)


def test_an_error_in_the_place_of_a_count_is_one() -> None:
    problem = UpstreamProblem("no", "api_error", None)

    assert read_count(b'{"type":"error","error":{"type":"api_error","message":"no"}}').problem == problem


@pytest.mark.parametrize("body", [b"", b"{}", b'{"input_tokens":"many"}', b'{"input_tokens":1.5}'])
def test_what_is_no_count_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read_count(body)


def test_a_count_is_written() -> None:
    assert json.loads(render_count(17)) == {"input_tokens": 17}


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "text", "text": "Hello"}, "Hello"),
        ({"type": "thinking", "thinking": "hm", "signature": "sig"}, "hm"),
        ({"type": "redacted_thinking", "data": "x"}, ""),
        ({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": "ü"}}, 'f{"a": "ü"}'),
        ({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}, "f"),
        ({"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {"q": 1}}, 'web_search{"q": 1}'),
        ({"type": "web_search_tool_result", "tool_use_id": "srv", "content": "found"}, ""),
        ({"type": "poem", "verse": "generated", "lines": 4}, "generated"),
    ],
)
def test_what_was_generated_of_a_block_is_counted(block: dict[str, object], text: str) -> None:
    assert text_of(block) == text


def test_an_error_is_seen_by_its_type_or_its_member() -> None:
    assert problem_in("message", None, b"{}") is None
    assert problem_in("error", None, b'{"message":"m"}') == UpstreamProblem("m", None, None)
    assert problem_in(None, {"message": "m"}, b'{"error":{"message":"m"}}') == UpstreamProblem("m", None, None)
