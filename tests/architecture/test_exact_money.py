from __future__ import annotations

import ast
from collections.abc import Iterator

from architecture.source_tree import check, modules

EXACT_ROOMS = ("clinx.billing", "clinx.domain.money", "clinx.domain.pricing")


def test_no_float_comes_near_money() -> None:
    check(
        (
            f"{module.where}:{line}"
            for module in modules()
            if module.name.startswith(EXACT_ROOMS)
            for line in _floats(module.tree)
        ),
        why="a float cannot hold 0.1: money is integers of nano-units and exact rationals, rounded once",
        what="use Amount, int or Fraction; a duration is a timedelta here.",
    )


def _floats(tree: ast.Module) -> Iterator[int]:
    """Where a value is said to be a float, or made one: the name `float`, in code or in a quoted annotation."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "float":
            yield node.lineno
        if isinstance(node, ast.arg | ast.AnnAssign) and isinstance(node.annotation, ast.Constant):
            yield from (node.lineno for _ in range("float" in str(node.annotation.value)))
