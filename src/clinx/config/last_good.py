"""The last tree that compiled, kept on disk: a restart over a broken tree can still serve it (``--last-good``)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from clinx.config.tree import Tree, read_tree

LINK: Final = "last-good"


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
        shutil.rmtree(target, ignore_errors=True)
        for name, data in tree.files.items():
            _write(target / name, data)
        fresh = self._link.with_name(f"{LINK}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target.relative_to(self._link.parent))
        fresh.replace(self._link)
        for old in self._copies.iterdir():
            if old != target:
                shutil.rmtree(old, ignore_errors=True)

    def read(self) -> Tree | None:
        """Return the kept tree, complete in itself; None when nothing was kept."""
        return read_tree(self._link, self._link) if self._link.is_dir() else None


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(descriptor)
