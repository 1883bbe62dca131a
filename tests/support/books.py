"""Whether the sums of the books agree: what tests of whatever moves money ask in the end."""

from __future__ import annotations

from datetime import UTC, datetime

from clinx.billing.audit import BALANCES, ENTRIES, HOLDS, RESOLUTIONS, Auditor
from clinx.domain.money import ZERO
from clinx.storage.audit import Breach
from clinx.storage.database import Database


async def contradictions(database: Database) -> list[Breach]:
    """Return what is wrong with entries, balances, held and leased amounts, and settlements."""
    report = await Auditor(database, now=lambda: datetime.now(UTC), bound=ZERO).audit(full=True)
    sums = {ENTRIES, BALANCES, HOLDS, RESOLUTIONS}
    return [breach for check in report.checks if check.code in sums for breach in check.breaches]
