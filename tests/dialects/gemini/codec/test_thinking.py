from __future__ import annotations

import pytest

from clinx.canonical.request import Effort, ThinkingWish
from clinx.dialects.base import Loss
from clinx.dialects.gemini.codec.thinking import version, write_thinking


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("gemini-2.5-flash", (2, 5)),
        ("google/gemini-3-pro-preview", (3, 0)),
        ("gemini-2.0-flash-001", (2, 0)),
        ("gemini-exp", None),
        ("gemma-3", None),
    ],
)
def test_the_version_is_in_the_name(model: str, found: tuple[int, int] | None) -> None:
    assert version(model) == found


@pytest.mark.parametrize(
    ("model", "wish", "written"),
    [
        ("gemini-2.5-flash", ThinkingWish(Effort.NONE), {"thinkingBudget": 0}),
        ("gemini-2.5-pro", ThinkingWish(Effort.NONE), {"thinkingBudget": 128}),
        ("gemini-2.5-flash", ThinkingWish(Effort.LOW), {"thinkingBudget": 1024}),
        ("gemini-2.5-flash", ThinkingWish(Effort.MAX), {"thinkingBudget": 24576}),
        ("gemini-2.5-flash", ThinkingWish(budget=5000), {"thinkingBudget": 5000}),
        ("gemini-2.5-flash", ThinkingWish(budget=100_000), {"thinkingBudget": 24576}),
        ("gemini-2.5-flash", ThinkingWish(budget=-1), {"thinkingBudget": -1}),
        ("gemini-2.5-flash", ThinkingWish(shown=True), {"includeThoughts": True}),
        ("gemini-2.5-flash", ThinkingWish(budget=0, shown=True), {"thinkingBudget": 0}),
        ("gemini-3-flash", ThinkingWish(Effort.NONE), {"thinkingLevel": "MINIMAL"}),
        ("gemini-3-pro", ThinkingWish(Effort.MINIMAL), {"thinkingLevel": "LOW"}),
        ("gemini-3-pro", ThinkingWish(Effort.HIGH, shown=True), {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-3.1-flash", ThinkingWish(budget=3000), {"thinkingLevel": "MEDIUM"}),
        ("gemini-3-pro", ThinkingWish(budget=-1, shown=False), {"includeThoughts": False}),
        ("an-alias", ThinkingWish(Effort.MEDIUM), {"thinkingBudget": 8192}),
        ("gemini-2.0-flash", ThinkingWish(budget=0), {}),
    ],
)
def test_a_wish_is_said_in_the_model_s_terms(model: str, wish: ThinkingWish, written: object) -> None:
    losses: list[Loss] = []

    assert write_thinking(wish, model, losses) == written
    assert losses == []


def test_a_model_that_does_not_think_is_not_asked_to() -> None:
    losses: list[Loss] = []

    assert write_thinking(ThinkingWish(Effort.HIGH), "gemini-1.5-pro", losses) == {}
    assert [loss.path for loss in losses] == ["thinking"]
