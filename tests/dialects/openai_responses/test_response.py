from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.openai_responses.response import read_answer, text_of
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken

MESSAGE = {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}


def answer(*output: Any, **members: Any) -> bytes:
    whole = {"id": "resp_1", "status": "completed", "error": None, "output": [*output], **members}
    return json.dumps(whole).encode()


def test_text_and_usage_are_read() -> None:
    found = read_answer(answer(MESSAGE, MESSAGE, usage={"input_tokens": 3, "output_tokens": 2}))

    assert (found.text, found.usage, found.problem) == (("Hello", "Hello"), Usage(input=3, output=2, call=1), None)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (MESSAGE, "Hello"),
        ({"type": "message", "content": [{"type": "refusal", "refusal": "No"}, {"text": 1}, "x"]}, "No"),
        ({"type": "function_call", "id": "x", "call_id": "y", "name": "sum", "arguments": "{}"}, "sum{}"),
        ({"type": "custom_tool_call", "name": "patch", "input": "abc"}, "patchabc"),
        (
            {"type": "reasoning", "summary": [{"text": "Hm"}], "content": [{"text": "?"}], "encrypted_content": "e"},
            "Hm?",
        ),
        ({"type": "code_interpreter_call", "code": "1+1", "outputs": [{"logs": "2"}]}, "1+1"),
        ({"type": "web_search_call", "id": "x", "status": "completed"}, ""),
        ({}, ""),
    ],
)
def test_what_was_generated_of_an_item(item: dict[str, Any], text: str) -> None:
    assert text_of(item) == text


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            answer(status="failed", error={"code": "server_error", "message": "Oh no"}),
            UpstreamProblem("Oh no", None, "server_error"),
        ),
        (answer(status="cancelled"), UpstreamProblem()),
        (b'{"error":{"message":"No","type":"t","code":"c"}}', UpstreamProblem("No", "t", "c")),
        (b'{"type":"error","message":"No","code":"c"}', UpstreamProblem("No", None, "c")),
    ],
)
def test_an_error_in_spite_of_its_status(body: bytes, problem: UpstreamProblem) -> None:
    assert read_answer(body).problem == problem


def test_an_incomplete_answer_is_an_answer() -> None:
    found = read_answer(answer(MESSAGE, status="incomplete", incomplete_details={"reason": "max_output_tokens"}))

    assert (found.text, found.problem) == (("Hello",), None)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"output":', b"[]", b"{}", b'{"output":{},"status":{}}', b"[" * 100_000]
)
def test_what_is_no_response_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read_answer(body)


def test_lone_surrogates_and_broken_utf8_are_read() -> None:
    body = b'{"output":[{"type":"message","content":[{"type":"output_text","text":"a\\ud800\xff"}]}]}'

    assert read_answer(body).text == ("a\ud800\ufffd",)
