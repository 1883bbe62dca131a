from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.openai.errors import SHAPES
from clinx.dialects.openai_responses.errors import read_problem, render_error, render_stream_error
from clinx.dialects.problems import MAX_TEXT
from clinx.errors import (
    GatewayError,
    InsufficientBalance,
    InvalidRequest,
    MethodNotAllowed,
    Unauthenticated,
    UpstreamBroken,
    UpstreamOverloaded,
    UpstreamRefused,
)
from dialects.error_tree import codes, example
from dialects.golden import GOLDENS

EXPECTED: dict[str, Any] = json.loads((GOLDENS / "openai_responses" / "errors.json").read_text())


def refused(body: bytes, status: int = 400) -> UpstreamRefused:
    return UpstreamRefused("no", upstream_status=status, body=body, content_type="application/json")


def test_every_code_has_its_shape() -> None:
    assert SHAPES.keys() == codes().keys() == EXPECTED.keys()


@pytest.mark.parametrize("kind", codes().values(), ids=codes().keys())
def test_the_error_of(kind: type[GatewayError]) -> None:
    rendered = render_error(example(kind), "req_1")

    assert {
        "status": rendered.status,
        "headers": rendered.headers,
        "body": json.loads(rendered.body),
        "event": render_stream_error(example(kind), "req_1").decode(),
    } == EXPECTED[kind.code]


def test_an_event_says_it_flat_and_in_an_object() -> None:
    event = render_stream_error(UpstreamBroken("It broke"), "req_1")

    assert event.startswith(b"event: error\ndata: {")
    assert json.loads(event.partition(b"data: ")[2]) == {
        "type": "error",
        "sequence_number": 0,
        "code": "upstream_broken",
        "message": "It broke. (request id: req_1)",
        "param": None,
        "error": {
            "message": "It broke. (request id: req_1)",
            "type": "server_error",
            "param": None,
            "code": "upstream_broken",
        },
    }


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (UpstreamOverloaded("Busy.", retry_after=1.5), {"Retry-After": "2"}),
        (MethodNotAllowed("No.", allowed=frozenset({"POST", "GET"})), {"Allow": "GET, POST"}),
        (Unauthenticated("No key."), {"WWW-Authenticate": "Bearer"}),
        (InsufficientBalance("No money."), {"x-should-retry": "false"}),
        (InvalidRequest("No."), {}),
    ],
)
def test_headers(error: GatewayError, headers: dict[str, str]) -> None:
    assert render_error(error, "r").headers == {"Content-Type": "application/json", **headers}


def test_a_refusal_is_passed_on_in_four_fields_without_what_is_private() -> None:
    said = {"message": "No: https://inner.example/v1 knows.", "type": "t", "param": "p", "code": "c", "more": 1}
    rendered = render_error(refused(json.dumps({"error": said}).encode(), 422), "req_1")

    assert rendered.status == 422
    assert json.loads(rendered.body)["error"] == {
        "message": "No: https://…/v1 knows.",
        "type": "t",
        "param": "p",
        "code": "c",
    }


def test_what_cannot_be_encoded_is_replaced() -> None:
    assert json.loads(render_error(refused(b'{"error":"\\ud83d"}'), "r").body)["error"]["message"] == "?"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"error":{"message":"m","type":"t","code":"c"}}', UpstreamProblem("m", "t", "c")),
        (b'{"error":"m"}', UpstreamProblem("m")),
        (b'[{"error":{"message":"m"}}]', UpstreamProblem("m")),
        (b'{"type":"error","message":"m","code":"c"}', UpstreamProblem("m", None, "c")),
        (
            b'{"type":"response.failed","response":{"error":{"message":"m","code":"c"}}}',
            UpstreamProblem("m", None, "c"),
        ),
        (b'{"message":"m","code":7}', UpstreamProblem("m", None, "7")),
        (b'{"detail":"m"}', UpstreamProblem("m")),
        (b"<html>", UpstreamProblem()),
        (b"", UpstreamProblem()),
        (b"[" * 100_000, UpstreamProblem()),
        (b"[]", UpstreamProblem()),
        (b'{"error":{"message":true,"type":[]}}', UpstreamProblem()),
    ],
)
def test_known_shapes_are_read(body: bytes, problem: UpstreamProblem) -> None:
    assert read_problem(body) == problem


def test_long_messages_are_cut() -> None:
    assert read_problem(b'{"error":"' + b"x" * 9999 + b'"}') == UpstreamProblem("x" * MAX_TEXT)
