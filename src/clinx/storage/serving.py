"""One gateway for one SQLite file: a lock file beside it, held as long as the gateway serves.

The lock is advisory and the kernel's: it goes with the process, however that ends. Commands do not take it: SQLite's
own locks are enough for them. Two gateways would wait for each other at every commit, and write over each other's
last good tree in the folder.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from clinx.storage import sqlite
from clinx.storage.database import Location
from clinx.storage.failures import StorageUnavailable, reason_of


def is_shared(url: str) -> bool:
    """Whether several gateways may serve from the database at a URL.

    Raises:
        ValueError: the URL is not understood.
    """
    return Location(url).path is None


@contextmanager
def serving_alone(url: str) -> Generator[None]:
    """Be the only gateway on a SQLite file; several may share a PostgreSQL database, so nothing is done for that.

    Raises:
        ValueError: the URL is not understood.
        StorageUnavailable: another gateway serves from the file (its process is named), or the place cannot be written.
    """
    path = Location(url).path
    if path is None:
        yield
        return
    descriptor = _lock(path)
    try:
        yield
    finally:
        os.close(descriptor)  # The file stays: removing it would let a third gateway lock another one of its name.


def _lock(path: Path) -> int:
    sqlite.prepare_folder(path)
    try:
        descriptor = os.open(path.with_name(f"{path.name}.gateway"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageUnavailable(reason_of(error), where=str(path)) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise StorageUnavailable(f"{path} is in use by another gateway (pid {holder or 'unknown'})") from error
    except OSError as error:
        os.close(descriptor)
        raise StorageUnavailable(f"cannot be locked: {reason_of(error)}", where=str(path)) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
