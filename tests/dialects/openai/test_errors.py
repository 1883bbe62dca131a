from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.openai.errors import SHAPES, error_object, read_problem, render_error, render_stream_error
from clinx.dialects.problems import MAX_TEXT
from clinx.errors import (
    InsufficientBalance,
    InvalidRequest,
    MethodNotAllowed,
    ModelNotFound,
    NoSuchEndpoint,
    Unauthenticated,
    UpstreamOverloaded,
    UpstreamRefused,
)
from dialects.error_tree import codes


def refused(body: bytes, status: int = 400, content_type: str = "application/json") -> UpstreamRefused:
    return UpstreamRefused("The upstream refused", upstream_status=status, body=body, content_type=content_type)


def body_of(rendered_body: bytes) -> Any:
    return json.loads(rendered_body)["error"]


def test_message_hint_and_request_id_read_as_sentences() -> None:
    error = ModelNotFound("No model 'gtp-4o'", hint="Did you mean 'gpt-4o'?", param="model")

    assert body_of(render_error(error, "req_1").body) == {
        "message": "No model 'gtp-4o'. Did you mean 'gpt-4o'? (request id: req_1)",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


def test_the_stream_event_holds_the_same_object() -> None:
    error = UpstreamOverloaded("The upstream is busy.")

    whole = render_error(error, "req_1").body

    assert render_stream_error(error, "req_1") == b"data: " + whole + b"\n\n"


@pytest.mark.parametrize(("seconds", "header"), [(0, "1"), (0.2, "1"), (1, "1"), (1.5, "2"), (30, "30")])
def test_retry_after_is_said_in_whole_seconds(seconds: float, header: str) -> None:
    rendered = render_error(UpstreamOverloaded("Busy.", retry_after=seconds), "r")

    assert rendered.headers == {"Content-Type": "application/json", "Retry-After": header}


def test_a_wrong_method_hears_of_the_right_ones() -> None:
    rendered = render_error(MethodNotAllowed("No.", allowed=frozenset({"POST", "GET"})), "r")

    assert rendered.headers == {"Content-Type": "application/json", "Allow": "GET, POST"}


def test_a_missing_key_is_challenged() -> None:
    rendered = render_error(Unauthenticated("No key."), "r")

    assert rendered.headers == {"Content-Type": "application/json", "WWW-Authenticate": "Bearer"}


def test_an_empty_account_is_not_retried_by_sdks() -> None:
    rendered = render_error(InsufficientBalance("No money."), "r")

    assert rendered.headers == {"Content-Type": "application/json", "x-should-retry": "false"}


def test_what_cannot_be_encoded_is_replaced() -> None:
    assert body_of(render_error(NoSuchEndpoint("No /\udcff."), "r").body)["message"] == "No /?. (request id: r)"
    assert body_of(render_error(refused(b'{"error":"\\ud83d"}'), "r").body)["message"] == "?"


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_an_upstreams_refusal_is_passed_on_in_four_fields(status: int) -> None:
    body = (
        b'{"error":{"message":"Too long","type":"bad_request","param":"messages","code":"context_length_exceeded",'
        b'"innererror":{"x":1}},"request_id":"upstream-7"}'
    )

    rendered = render_error(refused(body, status), "r")

    assert rendered.status == status
    assert rendered.headers == {"Content-Type": "application/json"}
    assert json.loads(rendered.body) == {
        "error": {
            "message": "Too long",
            "type": "bad_request",
            "param": "messages",
            "code": "context_length_exceeded",
        }
    }


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            b'{"error":"bad model"}',
            {"message": "bad model", "type": "invalid_request_error", "param": None, "code": None},
        ),
        (
            b'{"object":"error","message":"m","type":"BadRequestError","param":null,"code":400}',
            {"message": "m", "type": "BadRequestError", "param": None, "code": "400"},
        ),
        (
            b'{"detail":"Not Found"}',
            {"message": "Not Found", "type": "invalid_request_error", "param": None, "code": None},
        ),
        (
            b"<html>no</html>",
            {
                "message": "The upstream refused. (request id: r)",
                "type": "invalid_request_error",
                "param": None,
                "code": "upstream_refused",
            },
        ),
        (
            b'{"error":{"message":"","type":"x"}}',
            {
                "message": "The upstream refused. (request id: r)",
                "type": "invalid_request_error",
                "param": None,
                "code": "upstream_refused",
            },
        ),
    ],
)
def test_a_refusal_in_another_shape_is_put_into_ours(body: bytes, error: Any) -> None:
    assert body_of(render_error(refused(body), "r").body) == error


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"error":{"message":"m","type":"t","param":"p","code":"c"}}', UpstreamProblem("m", "t", "c", param="p")),
        (b'{"error":{"message":"m","type":null,"code":429}}', UpstreamProblem("m", None, "429")),
        (b'{"error":"m","code":"c"}', UpstreamProblem("m", None, "c")),
        (b'{"message":"m","type":"t"}', UpstreamProblem("m", "t")),
        (b'{"code":20012,"message":"m","data":null}', UpstreamProblem("m", None, "20012")),
        (b'{"msg":"m"}', UpstreamProblem("m")),
        (b'{"err":"m"}', UpstreamProblem("m")),
        (b'{"error_msg":"m","error_code":17}', UpstreamProblem("m")),
        (b'{"detail":"m"}', UpstreamProblem("m")),
        (b'{"header":{"message":"m","code":1}}', UpstreamProblem("m")),
        (b'{"response":{"error":{"message":"m"}}}', UpstreamProblem("m")),
        (b'[{"error":{"message":"m","code":400}}]', UpstreamProblem("m", None, "400")),
        (b'{"error":{"type":"t"}}', UpstreamProblem(None, "t")),
        (b'{"error":{"message":"a\xff"}}', UpstreamProblem("a\ufffd")),
        (b'{"error":{"message":true,"type":[],"code":1.5}}', UpstreamProblem()),
        (b'{"detail":[{"loc":["body"]}]}', UpstreamProblem()),
        (b"[]", UpstreamProblem()),
        (b"[[]]", UpstreamProblem()),
        (b"7", UpstreamProblem()),
        (b"", UpstreamProblem()),
        (b"<html>", UpstreamProblem()),
        (b"[" * 100_000, UpstreamProblem()),
        (b'{"error":"' + b"x" * 5000 + b'"}', UpstreamProblem("x" * MAX_TEXT)),
    ],
)
def test_error_bodies_of_all_shapes_are_read(body: bytes, problem: UpstreamProblem) -> None:
    assert read_problem(body) == problem


def test_a_refusal_says_nothing_of_keys_and_hosts_in_any_field() -> None:
    body = (
        b'{"error":{"message":"Key sk-123 of http://vllm.internal:8000/v1 (10.0.0.7) refused",'
        b'"type":"Bearer x","param":"AIzaSyA1234567890abcdefghijklmnop","code":"10.0.0.7:8000"}}'
    )

    assert body_of(render_error(refused(body), "r").body) == {
        "message": "Key … of http://…/v1 (…) refused",
        "type": "Bearer …",
        "param": "…",
        "code": "…",
    }


def test_the_param_of_a_refusal_is_kept() -> None:
    assert body_of(render_error(InvalidRequest("No.", param="messages[1]"), "r").body)["param"] == "messages[1]"


def test_every_code_has_its_shape() -> None:
    assert SHAPES.keys() == codes().keys()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error": {"message": "M", "type": "T", "code": "C"}}', UpstreamProblem("M", "T", "C")),
        (b'{"response": {"error": {"message": "M", "code": "C"}}}', UpstreamProblem("M", None, "C")),
        (b'{"type": "error", "message": "M", "code": 7}', UpstreamProblem("M", None, "7")),
        (b'{"error": {"message": "M", "param": "P"}}', UpstreamProblem("M", param="P")),
        (b'[{"error": "M"}]', UpstreamProblem("M")),
        (b'{"header": {"message": "M"}}', UpstreamProblem("M")),
        (b"<html>", UpstreamProblem()),
    ],
)
def test_errors_are_read_wherever_they_stand(body: bytes, expected: UpstreamProblem) -> None:
    assert read_problem(body) == expected


def test_a_refusal_is_said_in_the_upstreams_words() -> None:
    body = b'{"error": {"message": "No, https://internal.example says.", "param": "p", "secret": 1}}'
    error = UpstreamRefused("Refused.", upstream_status=422, body=body, content_type="application/json")

    said: Any = error_object(error, "req_1")

    assert said == {
        "message": "No, https://… says.",
        "type": "invalid_request_error",
        "param": "p",
        "code": None,
    }
    assert render_error(error, "req_1").status == 422
