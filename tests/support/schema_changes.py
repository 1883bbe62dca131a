"""What a change of the console's schema breaks for those who ask by the released one.

    python tests/support/schema_changes.py OLD.graphql NEW.graphql

prints every breaking and every dangerous change, and fails if there is a breaking one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from graphql import build_schema, find_breaking_changes, find_dangerous_changes


def breaking(old: str, new: str) -> list[str]:
    """Return what a client of the old schema could no longer do."""
    return sorted(each.description for each in find_breaking_changes(build_schema(old), build_schema(new)))


def dangerous(old: str, new: str) -> list[str]:
    """Return what may surprise a client of the old schema, such as a new value of an enum."""
    return sorted(each.description for each in find_dangerous_changes(build_schema(old), build_schema(new)))


def main(arguments: list[str]) -> int:
    """Compare two files."""
    old, new = (Path(each).read_text(encoding="utf-8") for each in arguments)
    broken = breaking(old, new)
    lines = [*(f"breaking: {each}" for each in broken), *(f"dangerous: {each}" for each in dangerous(old, new))]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
