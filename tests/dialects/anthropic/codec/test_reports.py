from __future__ import annotations

import pytest

from clinx.canonical.response import FinishReason
from clinx.dialects.anthropic.codec.reports import decode_finish, encode_finish, encode_usage
from clinx.dialects.anthropic.usage import read_usage
from clinx.domain.usage import Usage


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("tool_use", FinishReason.TOOL_CALLS),
        ("pause_turn", FinishReason.PAUSE),
        ("refusal", FinishReason.REFUSAL),
        ("news", FinishReason.STOP),
        (None, FinishReason.STOP),
        ([], FinishReason.STOP),
    ],
)
def test_stop_reasons_are_read(reason: object, finish: FinishReason) -> None:
    assert decode_finish(reason) is finish


@pytest.mark.parametrize(
    ("finish", "sequence", "reason"),
    [
        (FinishReason.STOP, None, "end_turn"),
        (FinishReason.STOP, "END", "stop_sequence"),
        (FinishReason.LENGTH, None, "max_tokens"),
        (FinishReason.TOOL_CALLS, None, "tool_use"),
        (FinishReason.CONTENT_FILTER, None, "refusal"),
        (FinishReason.REFUSAL, None, "refusal"),
        (FinishReason.PAUSE, None, "pause_turn"),
        (FinishReason.ERROR, None, "end_turn"),
    ],
)
def test_stop_reasons_are_written(finish: FinishReason, sequence: str | None, reason: str) -> None:
    assert encode_finish(finish, sequence) == {"stop_reason": reason, "stop_sequence": sequence}


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input=9, output=3, call=1),
        Usage(input=9, cache_read=100, cache_write=20, cache_write_1h=10, output=3, reasoning=4, search=2, call=1),
    ],
)
def test_usage_is_written_as_it_is_read(usage: Usage) -> None:
    assert read_usage(encode_usage(usage)) == usage


def test_media_in_a_prompt_is_input_and_nothing_is_zero() -> None:
    zero = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}

    assert encode_usage(Usage(input=1, audio_input=2, image_input=3, audio_output=4)) == {
        "input_tokens": 6,
        "output_tokens": 4,
        **zero,
    }
    assert encode_usage(None) == {"input_tokens": 0, "output_tokens": 0, **zero}
