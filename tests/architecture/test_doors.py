from __future__ import annotations

import ast

from architecture.source_tree import PACKAGE, check, modules

DOOR_LINES = 15


def test_every_package_has_a_door() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}

    check(
        (str(folder.relative_to(PACKAGE.parent)) for folder in folders if not (folder / "__init__.py").is_file()),
        why="a folder without a door is a namespace package: tools and wheels disagree about it",
        what="add an __init__.py whose docstring says what the room is for.",
    )


def test_the_door_says_what_the_room_is_for() -> None:
    doors = {module.where: ast.get_docstring(module.tree) for module in modules() if module.is_package}

    check(
        (where for where, docstring in doors.items() if not docstring),
        why="a reader starts at the door",
        what="write what the room is for, its nouns, and what does not belong.",
    )
    check(
        (
            f"{where}: {len(docstring.splitlines())} lines"
            for where, docstring in doors.items()
            if docstring and len(docstring.splitlines()) > DOOR_LINES
        ),
        why=f"a door of more than {DOOR_LINES} lines is not read",
        what="keep what a newcomer needs; move the rest to the module it is about.",
    )
