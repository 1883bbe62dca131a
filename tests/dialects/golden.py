"""Golden files: an input, a line of dashes, and what is expected of it as JSON, together in one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

GOLDENS = Path(__file__).resolve().parents[1] / "goldens"
RULE = b"\n----------\n"


def cases(dialect: str, kind: str) -> list[str]:
    """The names of the goldens of one kind."""
    return sorted(path.stem for path in (GOLDENS / dialect / kind).iterdir())


def read(dialect: str, kind: str, name: str) -> tuple[bytes, dict[str, Any]]:
    """The input's exact bytes, and the expectation."""
    given, rule, expected = (GOLDENS / dialect / kind / f"{name}.txt").read_bytes().partition(RULE)
    assert rule, f"{name}: no line of dashes"
    return given, json.loads(expected)
