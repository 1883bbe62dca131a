"""What tests of content rules share.

hits = Hits()
assert fed(TextScreen(rules, hits), ["a sec", "ret"]) == "a ***"
assert hits.counts == {"rule": 1}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from clinx.policies.guard import GuardRule
from clinx.policies.guard_text import Screen


class Hits:
    """Counts what rules report, by their names."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def __call__(self, rule: GuardRule, count: int) -> None:
        self.counts[rule.name] += count


def fed(screen: Screen, pieces: Iterable[str]) -> str:
    """Return all that a screen shows of a text that comes in pieces."""
    shown = [screen.feed(piece) for piece in pieces]
    return "".join([*shown, screen.close()])
