from __future__ import annotations

from architecture.source_tree import PACKAGE, check

ROOMS = ("endpoints", "request", "response", "stream", "usage", "errors")
MOST = 900
"""Lines of the six rooms together: what a dialect that only passes through must have."""
SLACK = 150
"""Lines a budget may be wider than what it is for."""

OUTSIDE = {"openai_chat": 1025, "openai_responses": 800, "anthropic": 850, "gemini": 1450}
CODEC = {"openai_chat": 2175, "openai_responses": 2075, "anthropic": 1700, "gemini": 1825}
"""Lines of all that is outside the codec, and of the codec. They only shrink (docs/adr/0018)."""


def test_the_six_rooms_of_a_dialect_fit_in_their_budget() -> None:
    found = {name: sum(_lines(f"{name}/{room}.py") for room in ROOMS) for name in CODEC}

    check(
        (f"clinx.dialects.{name}: {lines} lines in its six rooms" for name, lines in found.items() if lines > MOST),
        why=f"a dialect says only what is its own, in {MOST} lines",
        what="move what another dialect does as well to a module beside them.",
    )


def test_dialects_and_codecs_keep_to_their_budgets() -> None:
    outside = {name: _lines(f"{name}/*.py") for name in OUTSIDE}
    codecs = {f"{name}.codec": _lines(f"{name}/codec/*.py") for name in CODEC}
    budgets = {**OUTSIDE, **{f"{name}.codec": lines for name, lines in CODEC.items()}}
    found = {**outside, **codecs}

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


def test_every_dialect_with_a_codec_has_its_budgets() -> None:
    with_codec = {path.parent.parent.name for path in (PACKAGE / "dialects").glob("*/codec/__init__.py")}

    check(
        with_codec ^ OUTSIDE.keys() | with_codec ^ CODEC.keys(),
        why="what is not counted grows",
        what="give the dialect its budgets in tests/architecture/test_dialect_sizes.py.",
    )


def _lines(pattern: str) -> int:
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (PACKAGE / "dialects").glob(pattern))
