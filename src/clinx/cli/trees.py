"""The trees that commands look at: the one on disk, one that was served before, one of git's; compiled offline.

None of this needs the secrets that a tree refers to: they are stood in for, as on a machine that builds pull requests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Final

from clinx.config.compile import compile_tree
from clinx.config.diagnostics import Diagnostic
from clinx.config.document import DocumentReader
from clinx.config.last_good import LastGood
from clinx.config.secrets import SecretResolver
from clinx.config.snapshot import Snapshot
from clinx.config.tree import ROOT_FILE, Tree, default_tree, read_tree
from clinx.dialects.registry import DIALECTS
from clinx.settings import Settings

_GIT_SECONDS: Final = 30
"""Longest that git may take."""


class NoTreeError(ValueError):
    """There is no tree where one was said to be; the text says so to an operator."""


@dataclass(frozen=True, slots=True)
class Source:
    """A tree, what it compiles to, and what to call it."""

    tree: Tree
    snapshot: Snapshot
    name: str
    """``the tree in ./prod``, ``commit 1a2b3c4``."""
    findings: tuple[Diagnostic, ...] = ()
    """Warnings."""


def folder_of(path: Path | None) -> Path:
    """Return the folder of a tree that is named by itself, by its root document, or by the settings.

    Raises:
        NoTreeError: it is not there.
    """
    path = path or Settings().root
    root = path.parent if path.name == ROOT_FILE else path
    if not root.is_dir() or (root != path and not os.path.lexists(path)):
        raise NoTreeError(f"no {'folder' if root == path else 'file'} {path}")
    return root


def compiled(tree: Tree, root: Path, name: str, reader: DocumentReader | None = None) -> Source:
    """Compile a tree without its secrets.

    Raises:
        ConfigError: it has errors.
    """
    secrets = SecretResolver(os.environ, root, ("*",), placeholders=True)
    found = compile_tree(tree, secrets=secrets, dialects=DIALECTS, at=datetime.now(UTC), reader=reader)
    return Source(tree, found.snapshot, name, found.diagnostics)


def own(path: Path | None, reader: DocumentReader | None = None) -> Source:
    """Return the tree on disk.

    Raises:
        NoTreeError: it is not there.
        ConfigError: it has errors.
    """
    root = folder_of(path)
    tree = read_tree(root, default_tree())
    return compiled(tree, root, "the shipped example" if tree.is_builtin else str(root), reader)


def earlier(root: Path, wish: str | None) -> Source:
    """Return the tree that another is compared with.

    Args:
        root: the folder of the other.
        wish: a folder, a revision that was served here, or what git knows by this name. None is the last good tree
            that the gateway kept, else what is committed.

    Raises:
        NoTreeError: there is none.
        ConfigError: it has errors.
    """
    if wish is None:
        return _last_good() or _committed(root, "HEAD", "nothing to compare with: no tree was served here")
    path = Path(wish)
    if path.is_dir() or path.name == ROOT_FILE:
        return own(path)
    if (kept := _from_history(wish)) is not None:
        return kept
    return _committed(root, wish, f"{wish} is no folder and no revision that was served here")


def _last_good() -> Source | None:
    tree = LastGood(Settings().state_dir).read()
    return None if tree is None else _kept(tree, "the last good tree")


def _from_history(wish: str) -> Source | None:
    """Return a revision of the history that the gateway keeps; the first digits do."""
    history = LastGood(Settings().state_dir)
    names = [each.revision for each in history.history() if each.revision.startswith(wish)]
    tree = history.find(names[0]) if len(names) == 1 else None
    return None if tree is None else _kept(tree, f"revision {tree.id}")


def _kept(tree: Tree, name: str) -> Source:
    return compiled(tree, tree.root or Path(), name)


def _committed(root: Path, name: str, otherwise: str) -> Source:
    with _checked_out(root, name, otherwise) as folder:
        return compiled(read_tree(folder, default_tree()), root, f"commit {name}")


@contextmanager
def _checked_out(root: Path, name: str, otherwise: str) -> Generator[Path]:
    """Unpack the tree's folder as it was committed."""
    commit = _git(root, otherwise, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode().strip()
    # Run inside the folder, git packs that folder alone.
    packed = _git(root, f"{otherwise}, and commit {name} does not have it", "archive", commit)
    with tempfile.TemporaryDirectory(prefix="clinx-") as folder:
        with tarfile.open(fileobj=BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def _git(root: Path, otherwise: str, *arguments: str) -> bytes:
    try:
        ran = subprocess.run(  # noqa: S603  (no shell; a name that begins with a dash is refused by --verify)
            ["git", "-C", str(root), *arguments],  # noqa: S607  (the one that the operator's PATH has)
            check=True,
            capture_output=True,
            timeout=_GIT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        raise NoTreeError(f"{otherwise}, and git has no answer to `git {' '.join(arguments[:1])}` there") from None
    return ran.stdout


def complain(command: str, error: NoTreeError) -> int:
    """Say on standard error that there is no tree; return the exit code."""
    print(f"clinx {command}: {error}", file=sys.stderr)
    return 2
