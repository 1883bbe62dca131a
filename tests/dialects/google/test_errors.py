from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.google.errors import error_body, problem_in, read_problem, render_error
from clinx.dialects.problems import MAX_TEXT
from clinx.errors import InvalidRequest, MethodNotAllowed, NoSuchEndpoint, UpstreamOverloaded, UpstreamRefused

DAILY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
MINUTE = "GenerateRequestsPerMinutePerProjectPerModel"
SPENT = "You exceeded your current quota, please check your plan and billing details.\nQuota exceeded, limit: 10"


def refused(body: bytes, status: int = 400) -> UpstreamRefused:
    return UpstreamRefused("The upstream refused", upstream_status=status, body=body, content_type="application/json")


def body_of(rendered: bytes) -> Any:
    return json.loads(rendered)["error"]


@pytest.mark.parametrize(("seconds", "said"), [(0, "1"), (0.2, "1"), (1.5, "2"), (30, "30")])
def test_when_to_come_back_is_said_twice(seconds: float, said: str) -> None:
    rendered = render_error(UpstreamOverloaded("Busy.", retry_after=seconds), "r")

    assert rendered.headers["Retry-After"] == said
    assert body_of(rendered.body)["details"][1]["retryDelay"] == f"{said}s"


def test_a_body_is_the_same_wherever_it_stands() -> None:
    error = InvalidRequest("No.", param="contents")

    assert error_body(error, "r") == render_error(error, "r").body


def test_a_wrong_method_hears_of_the_right_ones() -> None:
    rendered = render_error(MethodNotAllowed("No.", allowed=frozenset({"POST", "GET"})), "r")

    assert rendered.headers == {"Content-Type": "application/json", "Allow": "GET, POST"}


def test_the_parameter_is_named_for_programs() -> None:
    details = body_of(render_error(InvalidRequest("No.", param="contents[1]"), "r").body)["details"]

    assert details[1]["fieldViolations"] == [{"field": "contents[1]", "description": "No."}]


def test_what_cannot_be_encoded_is_replaced() -> None:
    assert body_of(render_error(NoSuchEndpoint("No /\udcff."), "r").body)["message"] == "No /?."
    assert body_of(render_error(refused(b'{"error":"\\ud83d"}'), "r").body)["message"] == "?"


@pytest.mark.parametrize(("status", "word"), [(400, "INVALID_ARGUMENT"), (404, "NOT_FOUND"), (413, "INVALID_ARGUMENT")])
def test_a_refusal_is_passed_on_without_its_details(status: int, word: str) -> None:
    body = b'{"error":{"code":400,"message":"Key AIzaSyA1234567890abcdefghijklmnop?","status":"X","details":[{"a":1}]}}'

    rendered = render_error(refused(body, status), "r")

    assert rendered.status == status
    assert json.loads(rendered.body) == {"error": {"code": status, "message": "Key …?", "status": word}}


def google(status: str, message: str = "m", code: int = 400, *details: Any) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "status": status, "details": details}}).encode()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (google("INVALID_ARGUMENT"), UpstreamProblem("m", "INVALID_ARGUMENT", "400")),
        (b"[" + google("UNAVAILABLE", "m", 503) + b"]", UpstreamProblem("m", "UNAVAILABLE", "503")),
        # Whose fault it is, is sometimes said elsewhere than in the status.
        (
            google("INVALID_ARGUMENT", "API key not valid.", 400, {"reason": "API_KEY_INVALID"}),
            UpstreamProblem("API key not valid.", "INVALID_ARGUMENT", "invalid_api_key"),
        ),
        (
            google("NOT_FOUND", "models/x is not found for API version v1beta", 404),
            UpstreamProblem("models/x is not found for API version v1beta", "NOT_FOUND", "model_not_found"),
        ),
        (google("NOT_FOUND", "No such file", 404), UpstreamProblem("No such file", "NOT_FOUND", "404")),
        (
            google("FAILED_PRECONDITION", "User location is not supported for the API use."),
            UpstreamProblem(
                "User location is not supported for the API use.", "FAILED_PRECONDITION", "permission_denied"
            ),
        ),
        (google("FAILED_PRECONDITION", "Not now"), UpstreamProblem("Not now", "FAILED_PRECONDITION", "400")),
        # Too much for a minute sounds like too much for good.
        (
            google("RESOURCE_EXHAUSTED", SPENT, 429, {"violations": [{"quotaId": MINUTE}]}),
            UpstreamProblem("Quota exceeded, limit: 10", "RESOURCE_EXHAUSTED", "429"),
        ),
        (
            google("RESOURCE_EXHAUSTED", SPENT.partition("\n")[0], 429),
            UpstreamProblem("Too many requests.", "RESOURCE_EXHAUSTED", "429"),
        ),
        (
            google("RESOURCE_EXHAUSTED", SPENT, 429, {"violations": [{"quotaId": DAILY}]}),
            UpstreamProblem(SPENT, "RESOURCE_EXHAUSTED", "insufficient_quota"),
        ),
        (
            google("RESOURCE_EXHAUSTED", "Slow", 429, {"retryDelay": "34.5s"}),
            UpstreamProblem("Slow", "RESOURCE_EXHAUSTED", "429", 34.5),
        ),
        (
            google("RESOURCE_EXHAUSTED", "Slow", 429, {"retryDelay": "soon"}),
            UpstreamProblem("Slow", "RESOURCE_EXHAUSTED", "429"),
        ),
        (google("RESOURCE_EXHAUSTED", "Slow", 429), UpstreamProblem("Slow", "RESOURCE_EXHAUSTED", "429")),
        # Others' shapes.
        (b'{"error":"m"}', UpstreamProblem("m")),
        (b'{"message":"m","code":7}', UpstreamProblem("m", None, "7")),
        (b'{"detail":"m"}', UpstreamProblem("m")),
        (b'{"error":{"message":true,"status":[],"code":1.5,"details":{}}}', UpstreamProblem()),
        (b'{"error":{"message":"m","details":[1,{"violations":[1]}]}}', UpstreamProblem("m")),
        (b'{"error":{"message":"a\xff"}}', UpstreamProblem("a\ufffd")),
        (b'{"error":"' + b"x" * 5000 + b'"}', UpstreamProblem("x" * MAX_TEXT)),
        (b"[]", UpstreamProblem()),
        (b"[[]]", UpstreamProblem()),
        (b"7", UpstreamProblem()),
        (b"", UpstreamProblem()),
        (b"<html>", UpstreamProblem()),
        (b"[" * 100_000, UpstreamProblem()),
    ],
)
def test_error_bodies_of_all_shapes_are_read(body: bytes, problem: UpstreamProblem) -> None:
    assert read_problem(body) == problem


def test_an_answer_without_an_error_has_no_problem() -> None:
    assert problem_in(None, b'{"error":null}') is None
    assert problem_in("no", b'{"error":"no"}') == UpstreamProblem("no")
