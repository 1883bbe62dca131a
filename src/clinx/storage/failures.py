"""What can go wrong under SQL, reduced to three answers: try later, try again, or never with these values."""

from __future__ import annotations

from clinx.errors import BillingUnavailable


class StorageUnavailable(BillingUnavailable):
    """The database cannot be reached or cannot write now. Nothing is known to have changed; it may work later."""


class StorageConflict(StorageUnavailable):
    """A transaction lost a race (lock, deadlock, serialization) and was rolled back; try again at once."""


class StorageRefused(Exception):
    """The database refused the values: a constraint, a type, a range. Trying again is useless."""
