"""The trees that were served, kept on disk: to start over a broken tree (``--last-good``), and to go back to."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from clinx.config.tree import Tree, read_tree

LINK: Final = "last-good"
MOST: Final = 20
"""Trees that are kept; the one that was served longest ago goes first."""

_COMMIT: Final = ".commit"
"""Beside the files of a copy, which is no checkout itself: the commit it was."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A tree that was served here."""

    revision: str
    commit: str | None
    served_at: datetime
    """When it was last begun to be served."""


class LastGood:
    """A folder of copies and a symlink to the newest, which is replaced in one step."""

    def __init__(self, state_dir: Path) -> None:
        """Remember where; nothing is created until something is kept."""
        self._link = state_dir / LINK
        self._copies = state_dir / f"{LINK}.d"

    def keep(self, tree: Tree) -> None:
        """Copy the files of a tree, shipped ones included, and point the link at the copy.

        Raises:
            OSError: the state folder cannot be written; what was kept before is untouched.
        """
        target = self._copies / tree.id
        if self._link.exists() and self._link.resolve() == target.resolve():
            return
        self._copies.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not target.is_dir():
            self._copy(tree, target)
        self._put_first(target)
        fresh = self._link.with_name(f"{LINK}.{os.getpid()}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target.relative_to(self._link.parent))
        fresh.replace(self._link)
        for old in self._newest_first()[MOST:]:
            shutil.rmtree(old[1], ignore_errors=True)

    def read(self) -> Tree | None:
        """Return the tree kept last, complete in itself; None when nothing was kept."""
        return _read(self._link) if self._link.is_dir() else None

    def find(self, revision: str) -> Tree | None:
        """Return a tree of the history, complete in itself; None when it is not there, or not what it was."""
        folder = self._copies / revision
        if Path(revision).name != revision or not folder.is_dir():
            return None
        tree = _read(folder)
        return tree if tree.id == revision else None

    def history(self) -> list[Kept]:
        """Return what is kept, the one served last first."""
        return [_kept(*each) for each in self._newest_first()]

    def _newest_first(self) -> list[tuple[int, Path]]:
        """Return the copies with when each was last begun to be served; a sibling may drop some at the same time."""
        if not self._copies.is_dir():
            return []
        folders = [path for path in self._copies.iterdir() if path.is_dir() and not path.name.startswith(".")]
        stamped = [(stamp, path) for path in folders if (stamp := _stamp(path)) is not None]
        return sorted(stamped, reverse=True)

    def _put_first(self, target: Path) -> None:
        """Say that a copy is served from now on; it is the newest even where the clock has gone back."""
        os.utime(target)
        newest, folder = self._newest_first()[0]
        if folder != target:
            later = newest + 10**9  # What every file system can tell apart.
            os.utime(target, ns=(later, later))

    def _copy(self, tree: Tree, target: Path) -> None:
        """Write all files beside, then rename: a copy is whole or it is not there."""
        beside = target.with_name(f".{target.name}.{os.getpid()}.new")
        shutil.rmtree(beside, ignore_errors=True)
        for name, data in tree.files.items():
            _write(beside / name, data)
        if tree.commit is not None:
            _write(beside / _COMMIT, tree.commit.encode())
        try:
            beside.replace(target)
        except OSError:
            shutil.rmtree(beside, ignore_errors=True)
            if not target.is_dir():  # Else a sibling that keeps its history here as well was faster.
                raise


def _read(folder: Path) -> Tree:
    return read_tree(folder, folder)


def _stamp(folder: Path) -> int | None:
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _kept(stamp: int, folder: Path) -> Kept:
    commit, served_at = folder / _COMMIT, datetime.fromtimestamp(stamp / 1e9, UTC)
    return Kept(folder.name, commit.read_text(encoding="ascii") if commit.is_file() else None, served_at)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(descriptor)
