"""Who runs a command, for the ledger: the account of the operating system that did."""

from __future__ import annotations

import getpass
import uuid

from clinx.billing.transfer import Cause


def actor() -> str:
    """Return ``cli:`` and the name of whoever runs this."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # A container's user without a name.
        return "cli:unknown"


def cause(reason: str, key: str | None = None) -> Cause:
    """Return the cause of a movement; without a key of the operator's own, a repetition moves again.

    Raises:
        ValueError: the key is empty or too long.
    """
    return Cause(actor(), reason, uuid.uuid4().hex if key is None else key)
