"""What can go wrong under SQL, reduced to three answers: try later, try again, or never with these values."""

from __future__ import annotations

import os

from clinx.errors import BillingUnavailable

_LONGEST_REASON = 300


class StorageUnavailable(BillingUnavailable):
    """The database cannot be reached or cannot write now. Nothing is known to have changed; it may work later.

    ``message`` is for callers and says nothing about the place. ``str()`` is for the operator: one line with the
    place and the reason, never a password.
    """

    def __init__(self, reason: str, *, where: str = "") -> None:
        """Say why, and of which database unless the reason says it."""
        super().__init__("The gateway's database cannot be used right now.", retry_after=1)
        self.reason = reason
        self.where = where

    def __str__(self) -> str:
        """Write the operator's line."""
        return f"the database cannot be used now ({self.where}: {self.reason})" if self.where else self.reason


class StorageConflict(StorageUnavailable):
    """A transaction lost a race (lock, deadlock, serialization) and was rolled back; try again at once."""


class StorageInDoubt(StorageUnavailable):
    """The connection was lost while the transaction committed: it may have happened or not."""


class StorageMissing(StorageUnavailable):
    """There is no database of ours, and the caller did not ask for a new one."""

    def __init__(self, shown: str) -> None:
        """Say where none is; ``short`` is that without what to do, for whoever can do without."""
        self.short = f"no database at {shown}"
        super().__init__(f"{self.short}; run `clinx serve` here or set CLINX_STATE_DIR or CLINX_DATABASE_URL")


class StorageRefused(Exception):
    """The database refused the values: a constraint, a type, a range. Trying again is useless."""


def reason_of(error: BaseException) -> str:
    """Say in one short line why a driver failed."""
    if isinstance(error, TimeoutError):
        return str(error) or "no answer in time"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
    text = next(iter(str(error).splitlines()), "").strip()
    return text[:_LONGEST_REASON] or type(error).__name__
