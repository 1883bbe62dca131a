from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.anthropic.request import MAX_OUTPUT, MOST_CHECKED, bounded, open_request
from clinx.dialects.base import Envelope, Inbound
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest
from dialects import golden

MINIMAL: dict[str, Any] = {"model": "claude", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}

NUMBER = f"an integer from 0 to {MAX_OUTPUT}"


def post(body: bytes | dict[str, Any], headers: dict[str, str] | None = None) -> Inbound:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Inbound(method="POST", path="/v1/messages", match={}, query={}, headers=headers or {}, body=data)


def opened(**members: Any) -> Envelope:
    return open_request(Operation.CHAT, post({**MINIMAL, **members}))


@pytest.mark.parametrize("name", golden.cases("anthropic", "requests"))
def test_the_request_of(name: str) -> None:
    body, expected = golden.read("anthropic", "requests", name)

    envelope = open_request(Operation.CHAT, post(body))

    assert {name: getattr(envelope, name) for name in expected} == expected
    assert (envelope.dialect, envelope.choices, envelope.wants_usage) == ("anthropic", 1, True)
    assert envelope.body.patched({}) == body


@pytest.mark.parametrize(
    ("members", "param", "message"),
    [
        ({"model": None}, "model", "Missing required parameter: 'model'."),
        ({"model": ["claude"]}, "model", "Invalid type for 'model': expected a string, but got an array instead."),
        ({"max_tokens": None}, "max_tokens", "Missing required parameter: 'max_tokens'."),
        (
            {"max_tokens": -1},
            "max_tokens",
            f"Invalid value for 'max_tokens': expected {NUMBER}, but got -1, which is out of range.",
        ),
        (
            {"max_tokens": "1"},
            "max_tokens",
            "Invalid type for 'max_tokens': expected an integer, but got a string instead.",
        ),
        ({"messages": None}, "messages", "Missing required parameter: 'messages'."),
        ({"messages": []}, "messages", "Invalid value for 'messages': expected an array with at least 1 element."),
        ({"messages": "Hi"}, "messages", "Invalid type for 'messages': expected an array, but got a string instead."),
        ({"messages": [{}, "Hi"]}, "messages", "Invalid type for 'messages': expected an array of objects."),
        (
            {"messages": ["x" * MOST_CHECKED]},
            "messages[0]",
            "Invalid type for 'messages[0]': expected an object, but got a string instead.",
        ),
        ({"stream": "yes"}, "stream", "Invalid type for 'stream': expected a boolean, but got a string instead."),
        ({"Max_Tokens": 1}, "Max_Tokens", "Unknown parameter: 'Max_Tokens'."),
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


def test_a_question_for_a_count_needs_no_bound_and_is_never_streamed() -> None:
    body = {"model": "claude", "messages": MINIMAL["messages"], "stream": True}

    envelope = open_request(Operation.COUNT_TOKENS, post(body))

    assert (envelope.operation, envelope.stream, envelope.max_output_tokens) == (Operation.COUNT_TOKENS, False, 0)


def test_headers_that_say_how_to_read_a_request_are_passed_on() -> None:
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "a,b", "x-api-key": "secret", "X-Other": "x"}

    envelope = open_request(Operation.CHAT, post(MINIMAL, headers))

    assert envelope.headers == {"anthropic-version": "2023-06-01", "anthropic-beta": "a,b"}


@pytest.mark.parametrize("value", ["a\r\nb", "ü", "x" * 3000, "a\0"])
def test_a_header_that_cannot_be_sent_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        open_request(Operation.CHAT, post(MINIMAL, {"anthropic-beta": value}))

    assert refused.value.param == "anthropic-beta"


@pytest.mark.parametrize(
    ("operation", "match", "model"),
    [(Operation.LIST_MODELS, {}, ""), (Operation.SHOW_MODEL, {"model": "anthropic/claude"}, "anthropic/claude")],
)
def test_a_question_about_models_needs_no_body(operation: Operation, match: dict[str, str], model: str) -> None:
    inbound = Inbound(method="GET", path="/v1/models", match=match, query={}, headers={}, body=b"")

    envelope = open_request(operation, inbound)

    assert (envelope.operation, envelope.model, envelope.max_output_tokens) == (operation, model, None)


def test_a_bound_is_lowered_in_its_place() -> None:
    body = b'{"model":"claude", "max_tokens" : 900, "messages":[{}]}'

    shorter = bounded(open_request(Operation.CHAT, post(body)), 40)

    assert shorter is not None
    assert shorter.body.data == body.replace(b"900", b"40")
    assert shorter.max_output_tokens == 40


def test_a_lower_bound_of_the_callers_stays() -> None:
    envelope = opened()

    assert bounded(envelope, 100) is envelope


@pytest.mark.parametrize(
    ("thinking", "fits"),
    [
        ({"type": "enabled", "budget_tokens": 1024}, True),
        ({"type": "enabled", "budget_tokens": 2000}, False),
        ({"type": "adaptive"}, True),
        (None, True),
        ("odd", False),
    ],
)
def test_an_answer_is_not_made_shorter_than_its_thoughts(thinking: object, fits: bool) -> None:
    envelope = opened(max_tokens=4000, thinking=thinking)

    assert (bounded(envelope, 2000) is not None) == fits


def test_an_answer_of_nothing_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="at least one token"):
        bounded(opened(), 0)


def test_the_largest_bound_is_taken() -> None:
    assert opened(max_tokens=MAX_OUTPUT).max_output_tokens == MAX_OUTPUT
