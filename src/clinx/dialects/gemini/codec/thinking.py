"""How much thinking is asked for, in the model's terms: a level, or a budget of tokens; older ones know neither."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from clinx.canonical.request import Effort, ThinkingWish
from clinx.dialects.base import Loss
from clinx.dialects.losses import harmless

_VERSION: Final = re.compile(r"gemini-(\d{1,3})(?:\.(\d{1,3}))?")
_WITH_BUDGETS: Final = (2, 5)
_WITH_LEVELS: Final = (3, 0)

_BUDGETS: Final[Mapping[Effort, int]] = MappingProxyType(
    {
        Effort.NONE: 0,
        Effort.MINIMAL: 512,
        Effort.LOW: 1024,
        Effort.MEDIUM: 8192,
        Effort.HIGH: 24576,
        Effort.MAX: 24576,
    }
)
_LEVELS: Final[Mapping[Effort, str]] = MappingProxyType(
    {
        Effort.NONE: "MINIMAL",
        Effort.MINIMAL: "MINIMAL",
        Effort.LOW: "LOW",
        Effort.MEDIUM: "MEDIUM",
        Effort.HIGH: "HIGH",
        Effort.MAX: "HIGH",
    }
)
_ALWAYS: Final = "pro"
"""In the names of models that cannot be kept from thinking."""
_LEAST: Final = 128
"""The smallest budget of those."""
_MOST: Final = 24576
"""The largest budget that all models take."""

_UNSAID: Final = "How much this model thinks is left to it."


def version(model: str) -> tuple[int, int] | None:
    """Return the version in a model's name; None for a name that has none."""
    found = _VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else None


def write_thinking(wish: ThinkingWish, model: str, losses: list[Loss]) -> Mapping[str, object]:
    """Return the thinking config for a model; empty when there is nothing to say, or nobody to say it to."""
    known = version(model)
    if known is not None and known < _WITH_BUDGETS:
        if not wish.is_off:
            losses.append(harmless("thinking", _UNSAID))
        return {}
    amount = _level(wish, model) if known is not None and known >= _WITH_LEVELS else _budget(wish, model)
    shown = {"includeThoughts": wish.shown} if wish.shown is not None and not wish.is_off else {}
    return {**amount, **shown}


def _level(wish: ThinkingWish, model: str) -> Mapping[str, object]:
    effort = wish.as_effort()
    if effort is None:
        return {}
    level = _LEVELS[effort]
    return {"thinkingLevel": "LOW" if level == "MINIMAL" and _ALWAYS in model else level}


def _budget(wish: ThinkingWish, model: str) -> Mapping[str, object]:
    budget = wish.budget if wish.effort is None else _BUDGETS[wish.effort]
    if budget is None:
        return {}
    if budget < 0:
        return {"thinkingBudget": -1}
    return {"thinkingBudget": min(max(budget, _LEAST if _ALWAYS in model else 0), _MOST)}
