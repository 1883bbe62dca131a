from __future__ import annotations

from typing import Any

import pytest

from clinx.canonical.response import FinishReason
from clinx.dialects.openai_responses.codec.reports import read_finish, write_finish, write_usage
from clinx.dialects.openai_responses.usage import read_usage
from clinx.domain.usage import Usage


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({"status": "completed"}, (FinishReason.STOP, "completed")),
        ({"status": "failed"}, (FinishReason.ERROR, "failed")),
        ({"status": "incomplete", "incomplete_details": None}, (FinishReason.LENGTH, "incomplete")),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            (FinishReason.LENGTH, "max_output_tokens"),
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            (FinishReason.CONTENT_FILTER, "content_filter"),
        ),
        ({"status": []}, (FinishReason.STOP, None)),
        ({}, (FinishReason.STOP, None)),
    ],
)
def test_why_a_response_ended(response: dict[str, Any], expected: object) -> None:
    assert read_finish(response) == expected


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        (FinishReason.STOP, "completed", None),
        (FinishReason.TOOL_CALLS, "completed", None),
        (FinishReason.REFUSAL, "incomplete", {"reason": "content_filter"}),
        (FinishReason.PAUSE, "completed", None),
        (FinishReason.LENGTH, "incomplete", {"reason": "max_output_tokens"}),
        (FinishReason.CONTENT_FILTER, "incomplete", {"reason": "content_filter"}),
    ],
)
def test_the_state_that_is_written(finish: FinishReason, status: str, reason: object) -> None:
    assert write_finish(finish) == {"status": status, "error": None, "incomplete_details": reason}


def test_a_failure_has_an_error() -> None:
    assert write_finish(FinishReason.ERROR) == {
        "status": "failed",
        "error": {"code": "server_error", "message": "The model failed."},
        "incomplete_details": None,
    }


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input=3, output=2, call=1),
        Usage(input=3, cache_read=5, cache_write=7, output=2, reasoning=11, call=1),
    ],
)
def test_usage_is_read_as_it_was_written(usage: Usage) -> None:
    assert read_usage({"usage": write_usage(usage)}) == usage


def test_media_are_plain_tokens_and_no_usage_is_none() -> None:
    assert write_usage(None) is None
    assert write_usage(Usage(input=1, audio_input=2, cache_write_1h=4, audio_output=8)) == {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 4},
        "output_tokens": 8,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 15,
    }
