from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.base import Envelope, Inbound
from clinx.dialects.openai_responses.request import MOST_CHECKED, STORED_TOKENS, bounded, open_request
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest

MINIMAL: dict[str, Any] = {"model": "gpt", "input": "Hello"}
USER = {"role": "user", "content": "Hello"}


def post(body: bytes | dict[str, Any]) -> Inbound:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Inbound(method="POST", path="/v1/responses", match={}, query={}, headers={}, body=data)


def opened(**members: Any) -> Envelope:
    return open_request(Operation.CHAT, post({**MINIMAL, **members}))


def test_a_text_is_all_a_request_needs() -> None:
    body = b'{ "model":"gpt", "input":"Hello" }'

    envelope = open_request(Operation.CHAT, post(body))

    assert (envelope.dialect, envelope.operation, envelope.model) == ("openai_responses", Operation.CHAT, "gpt")
    assert (envelope.stream, envelope.max_output_tokens, envelope.choices) == (False, None, 1)
    assert (envelope.prompt_bytes, envelope.wants_usage) == (len(body), True)
    assert envelope.body.patched({}) == body


def test_stream_and_bound_are_the_callers() -> None:
    envelope = opened(input=[USER], stream=True, max_output_tokens=77)

    assert (envelope.stream, envelope.max_output_tokens) == (True, 77)


@pytest.mark.parametrize("name", ["previous_response_id", "prompt"])
def test_what_is_stored_at_the_vendor_is_held_for_and_needs_no_input(name: str) -> None:
    body = json.dumps({"model": "gpt", name: "x"}).encode()

    assert open_request(Operation.CHAT, post(body)).prompt_bytes == len(body) + STORED_TOKENS
    assert opened(input=[], **{name: "x"}).model == "gpt"


@pytest.mark.parametrize(
    ("members", "param", "message"),
    [
        ({"model": None}, "model", "Missing required parameter: 'model'."),
        ({"input": None}, "input", "Missing required parameter: 'input'."),
        ({"input": []}, "input", "Invalid value for 'input': expected an array with at least 1 element."),
        ({"input": {}}, "input", "Invalid type for 'input': expected a string or an array, but got an object instead."),
        ({"input": [USER, "x"]}, "input", "Invalid type for 'input': expected an array of objects."),
        (
            {"input": ["x" * MOST_CHECKED]},
            "input[0]",
            "Invalid type for 'input[0]': expected an object, but got a string instead.",
        ),
        (
            {"max_output_tokens": 0},
            "max_output_tokens",
            (
                "Invalid value for 'max_output_tokens': expected an integer from 1 to 1073741824, but got 0,"
                " which is out of range."
            ),
        ),
        ({"stream": "yes"}, "stream", "Invalid type for 'stream': expected a boolean, but got a string instead."),
        ({"background": True}, "background", "Answers are not made in the background here."),
        ({"Max_Output_Tokens": 1}, "Max_Output_Tokens", "Unknown parameter: 'Max_Output_Tokens'."),
        ({"Input": "x"}, "Input", "Unknown parameter: 'Input'."),
    ],
)
def test_what_the_gateway_relies_on_is_read_strictly(members: dict[str, Any], param: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        opened(**members)

    assert (refused.value.param, refused.value.message) == (param, message)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model":"\\ud800"}', b"\xff", b'{"a":' * 50_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        open_request(Operation.CHAT, post(body))


def test_of_many_items_only_the_first_is_looked_at() -> None:
    assert opened(input=[USER, "x" * MOST_CHECKED]).model == "gpt"


@pytest.mark.parametrize(("asked", "bound"), [(None, 50), (40, 40), (60, 50)])
def test_an_answer_is_bounded_but_never_beyond_what_was_asked_for(asked: int | None, bound: int) -> None:
    envelope = bounded(opened(max_output_tokens=asked), 50)

    assert envelope is not None
    assert (envelope.max_output_tokens, envelope.body.value("max_output_tokens")) == (bound, bound)


def test_no_bound_is_lower_than_the_format_allows() -> None:
    assert bounded(opened(), 15) is None
    assert bounded(opened(max_output_tokens=10), 15) == opened(max_output_tokens=10)
    with pytest.raises(ValueError, match="at least one token"):
        bounded(opened(), 0)
