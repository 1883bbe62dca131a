"""The machinery of this process, as far as the console shows and steers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clinx.billing.audit import Report
from clinx.billing.treasury import JournalFigures
from clinx.config.watch import Reloader
from clinx.graphql.inquiries import Inquiries
from clinx.routing.health import Health


@dataclass(frozen=True, slots=True)
class Engine:
    """What relays, reloads and keeps the books here."""

    inquiries: Inquiries
    health: Health
    reloader: Reloader
    journal: Callable[[], JournalFigures]
    audited: Callable[[], Report | None]
    """The last audit of the books by this process."""
