"""What becomes of losses: a severe one closes a road, and the others are named to the caller."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from clinx.dialects.base import Loss, Severity
from clinx.errors import UnsupportedByModel

_UNPRINTED: Final = re.compile(r"[^\w.\[\]-]", re.ASCII)
_LONGEST_PATH: Final = 64
_MOST_PATHS: Final = 16


def refuse_severe(losses: Sequence[Loss]) -> None:
    """Refuse what the answer would be wrong without.

    Raises:
        UnsupportedByModel: there is a severe loss.
    """
    severe = next((loss for loss in losses if loss.severity is Severity.SEVERE), None)
    if severe is not None:
        raise UnsupportedByModel(f"This model cannot be asked for '{severe.path}': {severe.detail}", param=severe.path)


def losses_header(losses: Sequence[Loss]) -> Mapping[str, str]:
    """Return the header that names what was lost; none where nothing was."""
    paths = dict.fromkeys(_UNPRINTED.sub("?", loss.path)[:_LONGEST_PATH] or "?" for loss in losses)
    if not paths:
        return {}
    more = [] if len(paths) <= _MOST_PATHS else ["..."]
    return {"Clinx-Losses": ", ".join([*list(paths)[:_MOST_PATHS], *more])}
