"""The files of a configuration tree, read once, and their hash.

Shipped files come first and an operator's file of the same name replaces them. Nothing outside the root is read:
patterns are relative without ``..``, and a symlink must resolve inside the root (a ConfigMap's ``..data`` does).
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Final

from clinx.config.commit import checked_out
from clinx.config.diagnostics import Diagnostic
from clinx.config.document import DocumentReader
from clinx.config.nodes import Mark, Node

ROOT_FILE: Final = "gateway.yaml"
FOLDERS: Final = ("providers", "policies")
TESTS: Final = "policies/tests"
"""What `clinx test` runs. Those that are shipped are about the shipped tree, and are no part of another."""
WORD_FOLDER: Final = "policies/words"
"""Where the lists are that rules of the verb `guard` name."""
MAX_BYTES: Final = 2**20
MAX_FILES: Final = 1000

_MISSPELT: Final = "gateway.yml"
_SHOWN: Final = 3
"""Most names in one message."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The bytes of a tree at one look."""

    root: Path | None
    files: Mapping[str, bytes]
    """By path relative to the tree, with ``/``; shipped and own files together."""
    included: tuple[str, ...]
    """Files that gateway.yaml includes, in order."""
    is_builtin: bool
    """There is no configuration of one's own: the shipped gateway.yaml is used."""
    commit: str | None
    """The git commit checked out there, if any."""
    diagnostics: tuple[Diagnostic, ...]
    """What was wrong with finding and reading files."""
    id: str = field(init=False)
    """The first 12 hexadecimal digits of the hash of all paths and contents."""

    def __post_init__(self) -> None:
        """Take the hash."""
        digest = hashlib.sha256()
        for name, data in sorted(self.files.items()):
            digest.update(f"{name}\0{len(data)}\0".encode())
            digest.update(data)
        for each in self.diagnostics:
            # A tree that cannot be read is not the same as one without the unreadable file.
            digest.update(str(each).encode())
        object.__setattr__(self, "id", digest.hexdigest()[:12])


class TreeReader:
    """Looks at a tree again and again, parsing gateway.yaml only when it changed."""

    def __init__(self, root: Path | None, defaults: Path, documents: DocumentReader | None = None) -> None:
        """Remember where the operator's files (None: there are none) and the shipped ones are."""
        self._root = root
        self._defaults = defaults
        self._documents = documents or DocumentReader()

    def read(self) -> Tree:
        """Read every file; problems are in ``diagnostics``, never raised."""
        shipped = _Folder(self._defaults)
        own = _Folder(self._root) if self._root is not None else None
        is_builtin = own is None or not own.root_document()
        if is_builtin:
            shipped.named(ROOT_FILE)
        included = self._include(own) if own is not None else ()
        for folder in FOLDERS:
            shipped.matching(f"{folder}/*.yaml")
            if own is not None:
                own.matching(f"{folder}/*.yaml")
        tested = shipped if own is None or is_builtin else own
        tested.matching(f"{TESTS}/*.yaml")
        if own is not None:
            own.matching(f"{WORD_FOLDER}/*.txt")
            own.refuse_unread()
        return Tree(
            root=self._root,
            files={**shipped.files, **(own.files if own is not None else {})},
            included=included,
            is_builtin=is_builtin,
            commit=checked_out(self._root) if self._root is not None else None,
            diagnostics=(*shipped.found, *(own.found if own is not None else ())),
        )

    def _include(self, own: _Folder) -> tuple[str, ...]:
        data = own.files.get(ROOT_FILE)
        if data is None:
            return ()
        root = self._documents.read(ROOT_FILE, data).root
        patterns = root.map.get("include") if root is not None else None
        names: dict[str, None] = {}
        for each in patterns.items if patterns is not None else []:
            names.update(dict.fromkeys(own.include(each)))
        names.pop(ROOT_FILE, None)
        return tuple(names)


def read_tree(root: Path | None, defaults: Path) -> Tree:
    """Read a tree once."""
    return TreeReader(root, defaults).read()


def default_tree() -> Path:
    """Return where the shipped files are: inside the installed package, or the root of a source checkout."""
    packaged = Path(str(resources.files("clinx"))) / "defaults"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[3]


class _Folder:
    """One root: what was read from it, and what was wrong."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._real = _resolved(root)
        self.files: dict[str, bytes] = {}
        self.found: list[Diagnostic] = []

    def root_document(self) -> bool:
        """Read gateway.yaml and return True; False for a folder that holds nothing a tree could be meant by.

        A folder that is not there, and one with other parts of a tree, are slips: they are reported, for to serve
        something else instead would hide them.
        """
        try:
            names = {path.name for path in self._root.iterdir()}
        except OSError as error:
            self.found.append(Mark(ROOT_FILE).finding("E110", f"folder {self._root}: {error.strerror}"))
            return True
        if ROOT_FILE in names:
            self.named(ROOT_FILE)
            return True
        strays = sorted(name for name in names if _is_meant(name))
        if strays and _MISSPELT not in strays:
            message = f"there is no {ROOT_FILE} beside {', '.join(strays[:_SHOWN])}"
            self.found.append(Mark(ROOT_FILE).finding("E110", message, "nothing is served without it: write one"))
        return bool(strays)

    def named(self, name: str) -> None:
        """Read one file."""
        self._take(self._root / name, Mark(name))

    def matching(self, pattern: str) -> list[str]:
        """Read every file that matches, sorted by name; hidden files and folders are not looked at."""
        paths = self._visible(pattern)
        for path in paths:
            self._take(path, Mark(self._name(path)))
        return [name for path in paths if (name := self._name(path)) in self.files]

    def include(self, wish: Node) -> list[str]:
        """Read what one entry of ``include`` names."""
        if not isinstance(wish.value, str):
            return []
        if (problem := _escape(wish.value)) is not None:
            self.found.append(wish.mark.finding("E109", f'"{wish.value}" {problem}'))
            return []
        names = self.matching(wish.value)
        if not names and not _is_glob(wish.value):
            self.found.append(wish.mark.finding("E110", f'no file "{wish.value}"'))
        elif not names:
            self.found.append(wish.mark.finding("W110", f'"{wish.value}" matches no file'))
        return names

    def refuse_unread(self) -> None:
        """Refuse files that look as if they were obeyed and are not."""
        for pattern in (_MISSPELT, *(f"{folder}/*.yml" for folder in (*FOLDERS, TESTS))):
            for path in self._visible(pattern):
                mark = Mark(self._name(path))
                self.found.append(mark.finding("E108", "files are called .yaml here", "rename it"))

    def _visible(self, pattern: str) -> list[Path]:
        try:
            paths = list(islice(self._root.glob(pattern), MAX_FILES + 1))
        except OSError as error:
            self.found.append(Mark(pattern).finding("E108", f"cannot be listed: {error.strerror}"))
            return []
        if len(paths) > MAX_FILES:
            self.found.append(Mark(pattern).finding("E105", f"more than {MAX_FILES} files"))
        shown = (path for path in paths[:MAX_FILES] if not any(part.startswith(".") for part in self._parts(path)))
        return sorted(shown)

    def _parts(self, path: Path) -> tuple[str, ...]:
        return path.relative_to(self._root).parts

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def _take(self, path: Path, mark: Mark) -> None:
        if mark.file in self.files:
            return
        try:
            real = path.resolve(strict=True)
            if not real.is_relative_to(self._real):
                self.found.append(mark.finding("E109", "the symlink leads out of the tree"))
                return
            if not stat.S_ISREG(real.stat().st_mode):
                self.found.append(mark.finding("E108", "not a file"))
                return
            with real.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except (OSError, RuntimeError) as error:
            # RuntimeError: a loop of symlinks.
            self.found.append(mark.finding("E108", f"cannot be read: {getattr(error, 'strerror', None) or error}"))
            return
        if len(data) > MAX_BYTES:
            self.found.append(mark.finding("E105", f"larger than {MAX_BYTES} bytes"))
            return
        self.files[mark.file] = data


def _resolved(root: Path) -> Path:
    try:
        return root.resolve()
    except (OSError, RuntimeError):
        # A loop of symlinks: every file in it will be reported as unreadable.
        return root


def _is_meant(name: str) -> bool:
    """Whether an entry of a folder says that the folder is meant as a tree."""
    return name in FOLDERS or (name.endswith((".yaml", ".yml")) and not name.startswith("."))


def _is_glob(pattern: str) -> bool:
    return any(char in pattern for char in "*?[")


def _escape(pattern: str) -> str | None:
    """Say why a pattern may not be used, if so."""
    path = PurePosixPath(pattern)
    if not path.parts or "\0" in pattern:
        return "names no file"
    if path.is_absolute() or "\\" in pattern:
        return "must be relative to the tree"
    if ".." in path.parts:
        return "leaves the tree"
    if "**" in pattern:
        return 'must name its folders: "**" is not supported'
    return None
