from __future__ import annotations

from typing import Any

import pytest

from clinx.dialects.problems import (
    MAX_TEXT,
    Shape,
    at,
    document_of,
    headers_of,
    message_in,
    sentences,
    status_of,
    text,
    whole_seconds,
)
from clinx.errors import MethodNotAllowed, UpstreamOverloaded, UpstreamRefused

PATHS = (("error", "message"), ("detail",))


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b'{"a": 1}', {"a": 1}), (b'[{"a": 1}, {}]', {"a": 1}), (b"[]", {}), (b"7", {}), (b"<html>", {}), (b"", {})],
)
def test_an_error_body_is_an_object_or_the_first_of_an_array(body: bytes, expected: dict[str, Any]) -> None:
    assert document_of(body) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"error": {"message": "A"}, "detail": "B"}, "A"),
        ({"error": {"message": ""}, "detail": "B"}, "B"),
        ({"error": "A"}, None),
        ({"detail": 429}, "429"),
        ({"detail": True}, None),
    ],
)
def test_the_first_text_at_a_known_place_is_the_message(document: dict[str, Any], expected: str | None) -> None:
    assert message_in(document, PATHS) == expected


def test_nothing_stands_where_no_object_is() -> None:
    assert (at({"a": {"b": 1}}, ("a", "b")), at({"a": [1]}, ("a", "b")), at({}, ("a",))) == (1, None, None)


def test_texts_are_cut_and_can_be_encoded() -> None:
    assert text("x" * 9999) == "x" * MAX_TEXT
    assert text("a\ud800") == "a?"


def test_what_there_is_to_say_reads_as_sentences() -> None:
    assert sentences(("Not so", None, "", "Why?", "Because.")) == "Not so. Why? Because."


def test_headers_say_when_to_come_back_and_what_is_allowed() -> None:
    assert headers_of(UpstreamOverloaded("Busy.", retry_after=1.2)) == {
        "Content-Type": "application/json",
        "Retry-After": "2",
    }
    assert headers_of(MethodNotAllowed("No.", allowed=frozenset({"POST", "GET"})))["Allow"] == "GET, POST"
    assert (whole_seconds(0.0), whole_seconds(30.0)) == (1, 30)


def test_a_status_is_the_upstreams_own_where_it_refused() -> None:
    shapes = {"upstream_refused": Shape(400, "bad"), "upstream_overloaded": Shape(529, "busy")}

    assert status_of(UpstreamRefused("no", upstream_status=422, body=b"", content_type=""), shapes) == 422
    assert status_of(UpstreamOverloaded("busy"), shapes) == 529
