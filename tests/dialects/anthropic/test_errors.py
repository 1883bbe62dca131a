from __future__ import annotations

import json

import pytest

from clinx.dialects.anthropic.errors import SHAPES, read_problem, render_error, render_stream_error
from clinx.dialects.base import UpstreamProblem
from clinx.errors import InvalidRequest, UpstreamMisconfigured, UpstreamRefused
from dialects.error_tree import codes


def refused(body: bytes, status: int = 400) -> UpstreamRefused:
    return UpstreamRefused("no", upstream_status=status, body=body, content_type="application/json")


def test_every_code_has_its_shape() -> None:
    assert SHAPES.keys() == codes().keys()


def test_message_and_hint_are_sentences_and_the_code_is_a_detail() -> None:
    body = json.loads(render_error(InvalidRequest("Wrong", hint="Mend it!", param="x"), "req_1").body)

    assert body == {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "Wrong. Mend it!",
            "details": {"error_code": "invalid_request"},
        },
        "request_id": "req_1",
    }


def test_text_that_cannot_be_encoded_is_replaced() -> None:
    body = json.loads(render_error(InvalidRequest("a \ud800 b"), "req_1").body)

    assert body["error"]["message"] == "a ? b."


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
    ],
)
def test_a_refusal_is_passed_on_with_its_status_and_without_what_is_private(status: int, kind: str) -> None:
    said = {"type": "whatever", "message": "No: https://inner.example/v1 knows sk-ant-secret."}
    body = json.dumps({"type": "error", "error": said, "request_id": "req_vendor"}).encode()
    rendered = render_error(refused(body, status), "req_1")

    assert rendered.status == status
    assert json.loads(rendered.body) == {
        "type": "error",
        "error": {"type": kind, "message": "No: https://…/v1 knows ….", "details": None},
        "request_id": "req_1",
    }


def test_a_refusal_in_another_format_is_told_in_this_one() -> None:
    body = b'{"error":{"message":"Too long.","type":"invalid_request_error","code":"context_length_exceeded"}}'

    assert json.loads(render_error(refused(body), "req_1").body)["error"] == {
        "type": "invalid_request_error",
        "message": "Too long.",
        "details": None,
    }


def test_a_refusal_without_words_gets_ours() -> None:
    error = json.loads(render_error(refused(b"<html>"), "req_1").body)["error"]

    assert (error["type"], error["message"]) == ("invalid_request_error", "no.")


def test_an_event_in_the_middle_of_a_stream_is_named() -> None:
    event = render_stream_error(UpstreamMisconfigured("Broken"), "req_1")

    assert event == (
        b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"Broken.",'
        b'"details":{"error_code":"upstream_misconfigured"}},"request_id":"req_1"}\n\n'
    )


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
            UpstreamProblem("Overloaded", "overloaded_error", None),
        ),
        (
            b'{"error":{"type":"invalid_request_error","message":"m","details":{"error_code":"file_expired"}}}',
            UpstreamProblem("m", "invalid_request_error", "file_expired"),
        ),
        (
            b'{"type":"error","error":{"type":"not_found_error","message":"model: claude-9"}}',
            UpstreamProblem("model: claude-9", "not_found_error", "model_not_found"),
        ),
        (
            b'{"type":"error","error":{"type":"not_found_error","message":"Not found"}}',
            UpstreamProblem("Not found", "not_found_error", None),
        ),
        (b'{"error":{"message":"m","code":1234}}', UpstreamProblem("m", None, "1234")),
        (b'{"error":"just words"}', UpstreamProblem("just words", None, None)),
        (b'{"message":"m","type":"t","code":"c"}', UpstreamProblem("m", "t", "c")),
        (b'{"detail":"d"}', UpstreamProblem("d", None, None)),
        (b'{"error":{"message":"\\ud800"}}', UpstreamProblem("?", None, None)),
        (b'{"error":{"message":true,"type":[]}}', UpstreamProblem()),
        (b'{"error":{"message":"' + b"x" * 5000 + b'"}}', UpstreamProblem("x" * 2000)),
        (b"[]", UpstreamProblem()),
        (b"[" * 100_000, UpstreamProblem()),
        (b"\xff", UpstreamProblem()),
        (b"<html>", UpstreamProblem()),
        (b"", UpstreamProblem()),
    ],
)
def test_any_error_body_is_read_as_far_as_it_goes(body: bytes, problem: UpstreamProblem) -> None:
    assert read_problem(body) == problem
