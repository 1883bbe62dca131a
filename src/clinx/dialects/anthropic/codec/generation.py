"""What generations of Claude take, told by the model's name; other vendors' models are taken for old ones.

The vendor removed parameters as models came: who sends a temperature to a new model, or a budget of thoughts, is
refused. Callers of other formats send both and cannot know.
"""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2})(?!\d))?(?!\d)")

_SCHEMAS: Final = (4, 5)
_ADAPTIVE: Final = (4, 6)
_UNSAMPLED: Final = (4, 7)


def generation_of(model: str) -> tuple[int, int]:
    """Return major and minor version of a Claude by its name; (0, 0) for anything else."""
    found = _NAME.search(model.lower())
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def is_claude(model: str) -> bool:
    """Whether the name is that of a Claude."""
    return "claude" in model.lower()


def takes_schemas(model: str) -> bool:
    """Whether the form of an answer can be given as a schema."""
    return generation_of(model) >= _SCHEMAS


def is_adaptive(model: str) -> bool:
    """Whether the model decides how much to think, from an effort; older ones need a budget."""
    return generation_of(model) >= _ADAPTIVE


def takes_sampling(model: str) -> bool:
    """Whether temperature, top_p and top_k can be given."""
    return generation_of(model) < _UNSAMPLED
