"""Files of a tree written in one step: whoever reads the tree meanwhile sees the old or the new, never half."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file's content; its permissions stay, and a symlink goes on leading where it led.

    Raises:
        OSError: the folder cannot be written; the file is as it was.
    """
    target = path.resolve()
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".new", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        if target.exists():
            Path(name).chmod(target.stat().st_mode & 0o777)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
