from __future__ import annotations

import pytest

from clinx.canonical.content import Text, ToolCall
from clinx.canonical.response import FinishReason, settled

CALL = ToolCall("c", "f", "{}")


def test_an_answer_that_stopped_with_a_call_waits_for_its_result() -> None:
    assert settled(FinishReason.STOP, (Text("x"), CALL)) is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("finish", [FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.TOOL_CALLS])
def test_other_reasons_stay(finish: FinishReason) -> None:
    assert settled(finish, (CALL,)) is finish


def test_an_answer_without_a_call_stopped() -> None:
    assert settled(FinishReason.STOP, (Text("x"),)) is FinishReason.STOP
