"""Slots: each process has one folder to keep its journal in, and a lock on it for as long as it lives."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Final

from clinx.billing.journal.failures import JournalRefused
from clinx.billing.journal.files import segment_numbers, sync_folder

_MODE: Final = 0o700
_FILE_MODE: Final = 0o600


class Slot:
    """A folder that is ours until `release`, or until this process dies."""

    def __init__(self, path: Path, node: str, lock: int) -> None:
        """Take over a folder whose lock is held."""
        self.path = path
        self.node = node
        """The id of the place: the same for every process that ever has it."""
        self._lock = lock

    def release(self) -> None:
        """Let another process have it."""
        os.close(self._lock)


def claim(folder: Path, new_id: Callable[[], str]) -> Slot:
    """Take the first slot that nobody has; ``new_id`` names one that is new.

    Raises:
        JournalRefused: the slot does not say which node it is.
        OSError: the folder cannot be written.
    """
    folder.mkdir(mode=_MODE, parents=True, exist_ok=True)
    candidates = (folder / str(number) for number in count())
    return next(slot for path in candidates if (slot := _try(path, new_id)) is not None)


def orphans(folder: Path) -> list[Slot]:
    """Take every slot that nobody has and that holds a journal: the process that wrote it is dead.

    Raises:
        JournalRefused: one does not say which node it is; none is taken then.
    """
    found: list[Slot] = []
    paths = (path for path in folder.iterdir() if path.name.isdecimal()) if folder.is_dir() else ()
    try:
        for path in sorted(paths, key=lambda path: int(path.name)):
            slot = _try(path, None) if segment_numbers(path) else None
            if slot is not None:
                found.append(slot)
    except JournalRefused:
        for slot in found:
            slot.release()
        raise
    return found


def _try(path: Path, new_id: Callable[[], str] | None) -> Slot | None:
    path.mkdir(mode=_MODE, exist_ok=True)
    lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return Slot(path, _name(path, new_id), lock)
    except BlockingIOError:
        os.close(lock)
        return None
    except (OSError, JournalRefused):
        os.close(lock)
        raise


def _name(path: Path, new_id: Callable[[], str] | None) -> str:
    """Read which node a slot is; a new one is named."""
    file = path / "node"
    node = file.read_text(encoding="utf-8").strip() if file.exists() else ""
    if node:
        return node
    if new_id is None or file.exists() or segment_numbers(path):
        raise JournalRefused(
            f"{file} is gone or empty: nobody can tell whose journal this is. Restore it (the name is in the table "
            f"node, and at the beginning of each segment), or move the folder away."
        )
    return _write_name(file, new_id())


def _write_name(file: Path, node: str) -> str:
    """Write it whole or not at all."""
    draft = file.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _FILE_MODE)
    try:
        os.write(descriptor, node.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(file)
    sync_folder(file.parent)
    return node
