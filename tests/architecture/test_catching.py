from __future__ import annotations

import ast
from collections.abc import Iterator

from architecture.source_tree import check, modules

LAST_RESORTS = frozenset({"clinx.web.errors", "clinx.relay.finish", "clinx.config.watch"})
BROAD = frozenset({"Exception", "BaseException"})


def test_only_the_last_resorts_catch_everything() -> None:
    check(
        (
            f"{module.where}:{line}"
            for module in modules()
            if module.name not in LAST_RESORTS
            for line in _broad(module.tree)
        ),
        why="whoever catches everything also catches the defects, and hides them",
        what=(
            "catch the narrowest type, where something can be done about it; to clean up, use `finally` or "
            "`except BaseException` that ends in a bare `raise`."
        ),
    )


def _broad(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and _swallows(node):
            yield node.lineno
        if isinstance(node, ast.Call) and _name(node.func) == "suppress" and BROAD & {_name(arg) for arg in node.args}:
            yield node.lineno


def _swallows(handler: ast.ExceptHandler) -> bool:
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {_name(node) for node in types if node is not None}
    if "Exception" in names:
        return True
    return (not names or "BaseException" in names) and not _raises_again(handler)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
