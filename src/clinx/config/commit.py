"""Which git commit is checked out in a folder, read from the repository's own files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_ID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MAX_PARENTS: Final = 20
_MAX_BYTES: Final = 4 * 2**20


def checked_out(folder: Path) -> str | None:
    """Return the commit id of the work tree that holds this folder; None when there is none to be read."""
    try:
        directory = _git_directory(folder.resolve())
        return _head(directory) if directory is not None else None
    except (OSError, ValueError, RuntimeError):
        return None


def _git_directory(folder: Path) -> Path | None:
    for parent in (folder, *folder.parents)[:_MAX_PARENTS]:
        entry = parent / ".git"
        if entry.is_dir():
            return entry
        if entry.is_file():
            # A linked work tree: the file says where its directory is.
            return parent / _text(entry).removeprefix("gitdir:").strip()
    return None


def _head(directory: Path) -> str | None:
    head = _text(directory / "HEAD").strip()
    if not head.startswith("ref:"):
        return _known(head)
    reference = head.removeprefix("ref:").strip()
    shared = directory / "commondir"
    common = directory / _text(shared).strip() if shared.is_file() else directory
    for place in (directory / reference, common / reference):
        if place.is_file():
            return _known(_text(place).strip())
    packed = common / "packed-refs"
    lines = _text(packed).splitlines() if packed.is_file() else []
    found = (line.split(" ", 1)[0] for line in lines if line.endswith(f" {reference}"))
    return _known(next(found, ""))


def _known(text: str) -> str | None:
    return text if _ID.fullmatch(text) else None


def _text(path: Path) -> str:
    with path.open(encoding="utf-8") as stream:
        return stream.read(_MAX_BYTES)
