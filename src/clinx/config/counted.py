"""Rules that count what several processes do: they need a place where those count together."""

from __future__ import annotations

from collections.abc import Iterator

from clinx.config.diagnostics import Diagnostic
from clinx.config.nodes import Mark
from clinx.config.snapshot import Snapshot
from clinx.policies.budget import BudgetRule
from clinx.policies.limit import LimitRule


def uncounted(snapshot: Snapshot, workers: int) -> Iterator[Diagnostic]:
    """Report every limit and budget of a tree that several workers are to serve without Redis."""
    for rule in snapshot.policies.rules:
        if isinstance(rule.verb, LimitRule | BudgetRule):
            message = f"{rule.word} {rule.name!r} cannot be counted by {workers} workers apart"
            yield _mark(rule.verb.place).finding("E503", message, "Set CLINX_REDIS, or serve with one worker.")


def _mark(place: str) -> Mark:
    """Read back ``file:line:column``."""
    file, line, column = place.rsplit(":", 2)
    return Mark(file, int(line), int(column))
