"""Who changed what in the console: one entry for every mutation that was tried, whatever came of it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

SUCCEEDED = "ok"


class AuditEntry(Struct, frozen=True):
    """One mutation."""

    at: datetime
    request_id: str
    actor: str
    """``user:NAME``, ``key:ID:NAME``, or ``nobody``."""
    user_id: int | None
    address: str | None
    operation: str
    """The field's name: ``tokenCreate``."""
    input: str
    """What was asked, as JSON, without secrets and cut where it is long."""
    outcome: str
    """``ok``, or the codes of what was refused."""
    before: str | None = None
    """What was changed, as JSON; None where nobody says."""
    after: str | None = None
    """What it is now."""
    id: int = 0
    """Given when it is stored."""


class AuditFilter(Struct, frozen=True):
    """Which entries are wanted."""

    since: datetime | None = None
    until: datetime | None = None
    """Before this."""
    actor: str | None = None
    user_id: int | None = None
    operation: str | None = None
    only_refused: bool = False
