"""Trees that nobody serves yet: the tree on disk with other documents, compiled without reading a single secret.

The tree itself is never written. A candidate is laid out in a folder of its own, so that what belongs to it is decided
by the one reader of trees, and the folder is gone before anybody hears of the outcome.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from clinx.config.compile import Compiled, compile_tree
from clinx.config.diagnostics import ConfigError, Diagnostic
from clinx.config.document import DocumentReader
from clinx.config.last_good import LastGood
from clinx.config.nodes import Mark, Node
from clinx.config.secrets import SecretResolver
from clinx.config.snapshot import Snapshot
from clinx.config.succession import objections
from clinx.config.tree import ROOT_FILE, Tree, read_tree
from clinx.config.watch import Sources
from clinx.domain.inquiry import Document, InquiryError

MOST_DOCUMENTS: Final = 100
MOST_BYTES: Final = 768 * 1024
"""Of all documents together."""
LONGEST_PATH: Final = 200

_SUFFIXES: Final = frozenset({".yaml", ".txt"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tree, and those documents that are no part of it: nothing includes them."""

    tree: Tree
    unread: tuple[str, ...]


def candidate(sources: Sources, documents: Sequence[Document]) -> Candidate:
    """Return the tree on disk with other documents; blocks on files.

    Raises:
        InquiryError: ``too_many_documents``, ``documents_too_large``, ``invalid_path`` or ``same_document_twice``.
    """
    _check(documents)
    base = read_tree(sources.root, sources.defaults)
    with tempfile.TemporaryDirectory(prefix="clinx-plan-") as name:
        folder = Path(name)
        _lay(folder, base, documents)
        tree = read_tree(folder, sources.defaults)
    unread = tuple(each.path for each in documents if each.content is not None and each.path not in tree.files)
    return Candidate(tree, unread)


def served_tree(sources: Sources, revision: str) -> Tree:
    """Return the tree of a revision, as far as the history of this machine has it, else what is on disk."""
    return LastGood(sources.state_dir).find(revision) or read_tree(sources.root, sources.defaults)


def compiled(sources: Sources, tree: Tree) -> Compiled:
    """Compile a tree, with placeholders where it refers to secrets, and run its tests; uses the processor for long.

    Raises:
        ConfigError: it could not be served.
    """
    secrets = SecretResolver({}, sources.root, sources.env_prefixes, blind=True)
    found = compile_tree(tree, secrets=secrets, dialects=sources.dialects, at=sources.now())
    if failed := sources.verify(found.snapshot, tree):
        raise ConfigError((*found.diagnostics, *failed))
    return found


def refusals(served: Snapshot, tree: Tree, successor: Snapshot) -> tuple[Diagnostic, ...]:
    """Return why a tree must not follow what is served although it compiles."""
    root = DocumentReader().read(ROOT_FILE, tree.files[ROOT_FILE]).root if ROOT_FILE in tree.files else None
    return tuple(objections(served, successor, root or Node({}, Mark(ROOT_FILE))))


def _check(documents: Sequence[Document]) -> None:
    if len(documents) > MOST_DOCUMENTS:
        raise InquiryError(
            "too_many_documents", f"At most {MOST_DOCUMENTS} documents.", "documents", most=MOST_DOCUMENTS
        )
    if sum(len((each.content or "").encode("utf-8", "replace")) for each in documents) > MOST_BYTES:
        most = MOST_BYTES
        raise InquiryError("documents_too_large", f"At most {most} bytes together.", "documents", most=most)
    if wrong := next(_strays(documents), None):
        raise InquiryError("invalid_path", "Not the path of a file of a tree, such as providers/acme.yaml.", *wrong)
    paths = [each.path for each in documents]
    if len(set(paths)) < len(paths):
        raise InquiryError("same_document_twice", "A document is given twice.", "documents")


def _strays(documents: Sequence[Document]) -> Iterator[tuple[str, ...]]:
    """Yield where a path is that could lead out of the tree, or to what no tree holds."""
    for place, each in enumerate(documents):
        path = PurePosixPath(each.path)
        is_plain = each.path.isprintable() and "\\" not in each.path and path.as_posix() == each.path
        is_inside = not path.is_absolute() and not any(part.startswith(".") for part in path.parts)
        if not (is_plain and is_inside and path.suffix in _SUFFIXES and len(each.path) <= LONGEST_PATH):
            yield ("documents", str(place), "path")


def _lay(folder: Path, base: Tree, documents: Sequence[Document]) -> None:
    files = dict(base.files)
    for each in documents:
        if each.content is None:
            files.pop(each.path, None)
        else:
            files[each.path] = each.content.encode("utf-8", "replace")
    for name, data in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError:  # A name that is a folder's as well: only one of the two can be.
            raise InquiryError("invalid_path", f"{name} cannot be a file of this tree.", "documents") from None
