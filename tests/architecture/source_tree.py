"""The sources as data: what every rule of this folder looks at."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "src" / "clinx"
TESTS = REPOSITORY / "tests"
DOCS = REPOSITORY / "docs"
GENERATED = PACKAGE / "storage" / "migrations"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """One source file. ``name`` is dotted: ``clinx.domain.money``; a package is named like its folder."""

    path: Path
    name: str
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def where(self) -> str:
        return self.path.relative_to(REPOSITORY).as_posix()

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Every function and method with its dotted name."""
        yield from _functions(self.tree, self.name)


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            name = f"{prefix}.{child.name}"
            if isinstance(child, Function):
                yield name, child
            yield from _functions(child, name)
        else:
            yield from _functions(child, prefix)


def is_declaration(function: Function) -> bool:
    """A body of nothing but a docstring and ``...``: a protocol's method or an overload."""
    return all(isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) for line in function.body)


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the package, generated migrations left out."""
    return tuple(_read(path) for path in sorted(PACKAGE.rglob("*.py")) if GENERATED not in path.parents)


def _read(path: Path) -> Module:
    relative = path.relative_to(PACKAGE.parent).with_suffix("")
    parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
    text = path.read_text(encoding="utf-8")
    return Module(path, ".".join(parts), text, ast.parse(text, filename=str(path)))


@cache
def exceptions(rule: str) -> dict[str, str]:
    """The exceptions of one rule and their reasons: ``[tool.clinx.architecture.<rule>]`` in pyproject.toml."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    return project["tool"].get("clinx", {}).get("architecture", {}).get(rule, {})


def check(findings: Iterable[str], *, why: str, what: str) -> None:
    """Fail with every finding, the reason of the rule and the way out."""
    found = sorted(findings)
    if found:
        pytest.fail("\n".join([*found, f"why:  {why}", f"what: {what}"]), pytrace=False)


def check_with_exceptions(rule: str, findings: dict[str, str], *, why: str, what: str) -> None:
    """Like `check`, for findings by name: exceptions are let through, and one that is no longer needed must go."""
    allowed = exceptions(rule)
    table = f"[tool.clinx.architecture.{rule}] in pyproject.toml"
    check(
        (text for name, text in findings.items() if name not in allowed),
        why=why,
        what=f"{what} If it truly cannot be, add its name and the reason to {table}.",
    )
    check(
        (name for name in allowed if name not in findings),
        why="the list of exceptions only ever shrinks",
        what=f"these obey the rule (or are gone): remove them from {table}.",
    )
