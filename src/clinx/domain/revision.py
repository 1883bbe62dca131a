"""What is known of revisions beside their trees: which are not to be served, and which process serves which."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

SILENT: Final = timedelta(seconds=60)
"""A process that said nothing for so long is gone."""


class Rejection(Struct, frozen=True):
    """A tree that is not served although it compiles; another is, until the tree changes or somebody lifts this."""

    revision: str
    """The rejected one."""
    instead: str
    """An earlier one, to be served where the rejected tree is."""
    reason: str
    actor: str
    """``cli:NAME``, or ``rollout:NODE`` when the figures of a rollout decided."""
    at: datetime


class Standing(Struct, frozen=True):
    """How a revision is doing that has a part of the calls, until it is promoted or rejected."""

    revision: str
    share: str
    """Who gets it, in words: ``10%``, ``group beta``."""
    since: datetime
    until: datetime
    calls: int
    failures: int
    old_calls: int
    """Meanwhile, on the revision that has the rest."""
    old_failures: int


class Served(Struct, frozen=True):
    """What one process says of itself."""

    node: str
    host: str
    url: str
    revision: str
    commit: str | None
    since: datetime
    """When it began to serve this revision."""
    ok: bool
    """Whether the last look at its tree ended with that tree being served (or tried)."""
    tree: str | None
    """Revision of the tree it last looked at."""
    diagnostics: tuple[str, ...]
    error: str | None
    seen_at: datetime
    trial: Standing | None = None
    answered: str | None = None
    """The last request to look at the tree that it has carried out."""

    def is_alive(self, now: datetime) -> bool:
        """Whether it said something lately."""
        return now - self.seen_at < SILENT
