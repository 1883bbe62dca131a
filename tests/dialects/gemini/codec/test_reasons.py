from __future__ import annotations

import pytest

from clinx.canonical.response import FinishReason
from clinx.dialects.gemini.codec.reasons import read_finish, write_finish


@pytest.mark.parametrize(
    ("native", "finish"),
    [
        (None, FinishReason.STOP),
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("SAFETY", FinishReason.CONTENT_FILTER),
        ("RECITATION", FinishReason.CONTENT_FILTER),
        ("MALFORMED_FUNCTION_CALL", FinishReason.ERROR),
        ("SOMETHING_NEW", FinishReason.ERROR),
    ],
)
def test_reasons_are_read(native: str | None, finish: FinishReason) -> None:
    assert read_finish(native) is finish


def test_every_reason_is_written() -> None:
    assert {finish: write_finish(finish) for finish in FinishReason} == {
        FinishReason.STOP: "STOP",
        FinishReason.LENGTH: "MAX_TOKENS",
        FinishReason.TOOL_CALLS: "STOP",
        FinishReason.CONTENT_FILTER: "SAFETY",
        FinishReason.REFUSAL: "SAFETY",
        FinishReason.PAUSE: "STOP",
        FinishReason.ERROR: "OTHER",
    }
