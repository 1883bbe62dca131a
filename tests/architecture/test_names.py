from __future__ import annotations

import re

from architecture.source_tree import REPOSITORY, check, modules

NO_IDEA = frozenset(
    {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "core", "service", "services"}
)
PROTOCOL_ROOMS = frozenset({"clinx.dialects.base", "clinx.state.base"})
"""The only modules called base: each holds the protocol of its room."""

SCANNED = ("src", "tests", "bench", "docs", ".ci")
OTHERS = frozenset({"goldens", ".peers", "results", "__pycache__"})
"""Folders that hold recordings, other projects and output."""
TEXT = frozenset({".py", ".md", ".yaml", ".toml", ".json", ""})
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")


def test_every_module_is_named_for_its_idea() -> None:
    names = {module.name for module in modules()}

    check(
        (name for name in names if NO_IDEA & set(re.split(r"[._]", name))),
        why="a name that says nothing collects everything",
        what="name the module for the noun it is about, or move its functions to the rooms that own them.",
    )


def test_base_is_only_the_protocol_of_a_room() -> None:
    names = {module.name for module in modules() if module.name.rpartition(".")[2] == "base"}

    check(
        names - PROTOCOL_ROOMS,
        why="base.py holds a room's protocol, where two real implementations ship",
        what="name the module for what it is.",
    )


def test_nothing_is_left_for_later_in_the_sources() -> None:
    paths = (path for folder in SCANNED for path in sorted((REPOSITORY / folder).rglob("*")))
    texts = (path for path in paths if path.is_file() and path.suffix in TEXT and not OTHERS & set(path.parts))

    check(
        (
            f"{path.relative_to(REPOSITORY)}:{number}"
            for path in texts
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
            if UNFINISHED.search(line)
        ),
        why="a note to finish something is read by everybody and finished by nobody",
        what="do it now, or open an issue and delete the note.",
    )
