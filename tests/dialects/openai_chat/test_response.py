from __future__ import annotations

from typing import Any

import pytest

from clinx.dialects.base import UpstreamProblem, WholeAnswer
from clinx.dialects.openai_chat.response import problem_in, read_answer, said_in
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken
from dialects import golden


@pytest.mark.parametrize("name", golden.cases("openai_chat", "responses"))
def test_the_answer_of(name: str) -> None:
    body, expected = golden.read("openai_chat", "responses", name)

    assert read_answer(body) == WholeAnswer(
        usage=None if expected["usage"] is None else Usage(**expected["usage"]),
        text=tuple(expected["text"]),
        problem=None if expected["problem"] is None else UpstreamProblem(**expected["problem"]),
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>502 Bad Gateway</body></html>",
        b'{"choices":[{"message":{"content":"half',
        b"[]",
        b"null",
        b"{}",
        b'{"choices":[]}',
        b'{"choices":null}',
        b'{"choices":"text"}',
        b'{"choices":[7]}',
        b'{"choices":[{"message":"text"}]}',
        b'{"usage":{"prompt_tokens":1}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_is_a_broken_upstream(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read_answer(body)


def test_bytes_that_are_no_text_do_not_hide_usage() -> None:
    body = b'{"choices":[{"message":{"content":"a\xff"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}'

    assert read_answer(body) == WholeAnswer(Usage(input=1, output=2, call=1), ("a\ufffd",))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "a"}, "a"),
        ({"role": "assistant", "content": "a"}, "a"),
        ({"content": "a", "refusal": "b"}, "ab"),
        ({"content": ["x", {"text": "a"}, {"text": 1}], "tool_calls": "x"}, "a"),
        ({"content": [{"text": ""}]}, ""),
        ({"reasoning_content": "a", "reasoning": "a", "content": "b"}, "ba"),
        ({"reasoning": "a"}, "a"),
        ({"tool_calls": ["x", {"function": "y"}, {"function": {"name": 1}}, {"function": {"name": "f"}}]}, "f"),
        ({"function_call": {"name": "f", "arguments": "{"}}, "f{"),
        ({"audio": {"id": "a", "data": "aaaa", "transcript": "t"}}, "t"),
        ({"audio": {"id": "a"}}, ""),
        ({"content": 7, "audio": [1]}, ""),
        ({"thinking": "so", "content": ""}, "so"),
        ({"role": "assistant", "content": "a", "thoughts": "b"}, "ab"),
    ],
)
def test_what_a_message_says_is_counted(message: dict[str, Any], text: str) -> None:
    assert said_in(message) == text


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"role": "assistant"},
        {"role": "assistant", "content": ""},
        {"content": None},
        {"content": "", "tool_calls": [], "reasoning": ""},
        {"role": "assistant", "content": None, "name": "a", "id": "b", "signature": "c", "annotations": [1], "x": ""},
    ],
)
def test_a_message_that_only_names_the_role_says_nothing(message: dict[str, Any]) -> None:
    assert said_in(message) is None


def test_an_index_of_an_odd_type_does_not_hide_an_answer() -> None:
    body = b'{"choices":[{"index":1.0,"message":{"content":"a","thinking":"b"}}]}'

    assert read_answer(body) == WholeAnswer(None, ("ab",))


def test_an_error_is_one_by_its_object_or_its_kind() -> None:
    body = b'{"message":"no"}'

    assert problem_in(None, "chat.completion", body) is None
    assert problem_in({}, None, body) is None
    assert problem_in("no", None, body) == UpstreamProblem("no")
    assert problem_in(None, "error", body) == UpstreamProblem("no")


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        (b'{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}', Usage(input=7, output=3, call=1)),
        (b'{"prompt_tokens":7,"completion_tokens":0,"total_tokens":7}', Usage(input=7, call=1)),
        (b'{"prompt_tokens":7,"completion_tokens":3,"total_tokens":12}', Usage(input=7, output=5, call=1)),
        (
            b'{"prompt_tokens":7,"completion_tokens":3,"cached_tokens":2}',
            Usage(input=5, cache_read=2, output=3, call=1),
        ),
        (b'{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}', None),
        (b'{"prompt_tokens":1,"completion_tokens":0,"total_tokens":true}', None),
        (b'{"prompt_tokens":7,"completion_tokens":-3,"total_tokens":4}', None),
        (b'{"prompt_tokens":1.0,"completion_tokens":3,"total_tokens":4}', None),
    ],
)
def test_a_report_of_three_wholes_is_read_like_any_other(report: bytes, usage: Usage | None) -> None:
    body = b'{"choices":[{"message":{"role":"assistant","content":"x"}}],"usage":' + report + b"}"

    assert read_answer(body) == WholeAnswer(usage, ("x",), None)
