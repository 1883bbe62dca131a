"""What can go wrong with a journal."""

from __future__ import annotations

from clinx.errors import BillingUnavailable


class JournalFailed(BillingUnavailable):
    """The record could not be written, or is not known to be on disk."""

    def __init__(self) -> None:
        """Say what the caller may know."""
        super().__init__("The gateway cannot write down what it is about to do.", retry_after=1)


class JournalRefused(Exception):
    """A journal may not be kept in this folder as it is: the operator must act."""


class JournalUnreadable(Exception):
    """An intact record that this version does not know: nothing may be skipped, so reading must not go on."""
