from __future__ import annotations

from typing import Any

import pytest

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.openai_errors import SHAPES, error_object, read_problem, render_error
from clinx.errors import InsufficientBalance, Unauthenticated, UpstreamRefused
from dialects.error_tree import codes


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


def test_a_challenge_and_an_end_to_retries_are_headers() -> None:
    assert render_error(Unauthenticated("Who?"), "r").headers["WWW-Authenticate"] == "Bearer"
    assert render_error(InsufficientBalance("Empty."), "r").headers["x-should-retry"] == "false"
