from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from architecture.source_tree import DOCS, PACKAGE, check
from dialects.error_tree import codes as gateway_codes

PLACES = ("graphql/**/*.py", "accounts/**/*.py", "relay/inquiries/*.py")
FILES = ("billing/failures.py", "billing/usage_report.py", "config/choices.py")
RAISED = {"Refusal": 1, "Refused": 1, "Problem": 0, "InquiryError": 0, "ChoiceError": 0, "ReportRefused": 0}
"""What is raised with a code, and which of its arguments that is."""
PAGES = ("console.md", "sign-in.md", "money-in.md")


def answered() -> set[str]:
    """Every code that the source says the console may answer with."""
    files = [*(file for place in PLACES for file in PACKAGE.glob(place)), *(PACKAGE / name for name in FILES)]
    return {code for file in files for code in _codes(file)}


def _codes(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            yield from _texts(*node.args[RAISED[name] : RAISED[name] + 1] if name in RAISED else ())
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield from _texts(node.value) if getattr(target, "id", "") == "code" else ()
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                yield from _texts(value) if "code" in _texts(key) else ()


def _texts(*nodes: ast.expr | None) -> list[str]:
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def documented(page: str) -> set[str]:
    """The codes in the first column of tables that list codes."""
    found: set[str] = set()
    for table in re.findall(r"^\| code \|.*\n\|[ :|-]+\n((?:\|.*\n)+)", page, re.MULTILINE):
        found |= {code for row in table.splitlines() for code in re.findall(r"`(\w+)`", row.split("|")[1])}
    return found


def test_every_code_of_the_console_is_documented() -> None:
    pages = "\n".join((DOCS / name).read_text(encoding="utf-8") for name in PAGES)
    named = set(re.findall(r"`(\w+)`", pages))

    check(
        answered() - named,
        why="a client acts on codes, so it must find what each of them means",
        what="name the code in a table of docs/console.md (or sign-in.md, money-in.md).",
    )


def test_every_code_that_is_documented_is_answered() -> None:
    listed = documented((DOCS / "console.md").read_text(encoding="utf-8"))

    assert len(listed) > 80
    check(
        listed - answered() - gateway_codes().keys(),
        why="what nobody answers only confuses",
        what="take the code out of docs/console.md.",
    )
