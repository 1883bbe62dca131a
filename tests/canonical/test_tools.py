from __future__ import annotations

import pytest

from clinx.canonical.tools import ChoiceMode, ToolChoice


@pytest.mark.parametrize(
    ("choice", "forced"),
    [
        (ToolChoice(ChoiceMode.ANY, ("f",)), "f"),
        (ToolChoice(ChoiceMode.ANY, ("f", "g")), None),
        (ToolChoice(ChoiceMode.ANY), None),
        (ToolChoice(ChoiceMode.AUTO, ("f",)), None),
        (ToolChoice(parallel=False), None),
    ],
)
def test_one_function_that_must_be_called_is_forced(choice: ToolChoice, forced: str | None) -> None:
    assert choice.forced == forced
