from __future__ import annotations

import pytest

from clinx.dialects.base import UpstreamProblem, WholeAnswer
from clinx.dialects.openai_chat.response import Message, problem_in, read_answer
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


def test_text_of_unexpected_types_is_no_text() -> None:
    odd = Message(content=7, refusal={}, tool_calls=["x", {"function": "y"}, {"function": {"name": 1}}], audio=[1])

    assert odd.text() == ""
    assert Message(content=["x", {"text": "a"}, {"text": 1}], tool_calls="x").text() == "a"


@pytest.mark.parametrize(
    "message",
    [
        Message(content="a"),
        Message(content=[{"text": ""}]),
        Message(reasoning_content="a"),
        Message(reasoning="a"),
        Message(refusal="a"),
        Message(tool_calls=[{}]),
        Message(function_call={"name": "a"}),
        Message(audio={"id": "a"}),
    ],
)
def test_a_message_with_anything_in_it_is_not_empty(message: Message) -> None:
    assert not message.is_empty()


def test_a_message_that_only_names_the_role_is_empty() -> None:
    assert Message().is_empty()
    assert Message(content="", tool_calls=[], reasoning="").is_empty()


def test_an_error_is_one_by_its_object_or_its_kind() -> None:
    body = b'{"message":"no"}'

    assert problem_in(None, "chat.completion", body) is None
    assert problem_in({}, None, body) is None
    assert problem_in("no", None, body) == UpstreamProblem("no")
    assert problem_in(None, "error", body) == UpstreamProblem("no")
