from __future__ import annotations

from architecture.source_tree import PACKAGE, check

MOST = 900
"""Lines of a dialect outside its codec."""
SLACK = 150
"""Lines a budget may be wider than what it is for."""

CODEC = {"openai_chat": 2175, "openai_responses": 2075, "anthropic": 1700, "gemini": 1825}
"""Lines of each codec. They only shrink (docs/adr/0018)."""


def test_all_of_a_dialect_but_its_codec_fits_in_its_budget() -> None:
    found = {name: _lines(f"{name}/*.py") for name in CODEC}

    check(
        (f"clinx.dialects.{name}: {lines} lines outside its codec" for name, lines in found.items() if lines > MOST),
        why=f"a dialect says only what is its own, in {MOST} lines",
        what="move what another format does as well to a module beside them.",
    )


def test_codecs_keep_to_their_budgets() -> None:
    found = {f"{name}.codec": _lines(f"{name}/codec/*.py") for name in CODEC}
    budgets = {f"{name}.codec": lines for name, lines in CODEC.items()}

    check(
        (f"{name}: {found[name]} lines of {budgets[name]}" for name in found if found[name] > budgets[name]),
        why="a dialect that grows without a decision becomes one that nobody reads",
        what="find what another dialect does as well; where there is nothing, say so in docs/adr/0018 and raise it.",
    )
    check(
        (f"{name}: {found[name]} lines of {budgets[name]}" for name in found if found[name] < budgets[name] - SLACK),
        why="budgets only shrink",
        what="lower the budget to what is needed.",
    )


def test_every_codec_has_its_budget() -> None:
    with_codec = {path.parent.parent.name for path in (PACKAGE / "dialects").glob("*/codec/__init__.py")}

    check(
        with_codec ^ CODEC.keys(),
        why="what is not counted grows",
        what="give the codec its budget in tests/architecture/test_dialect_sizes.py.",
    )


def _lines(pattern: str) -> int:
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (PACKAGE / "dialects").glob(pattern))
