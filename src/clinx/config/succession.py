"""Which snapshot may take the place of the one that is served. What a start may serve, a reload may not always."""

from __future__ import annotations

from collections.abc import Iterator

from clinx.config.diagnostics import Diagnostic
from clinx.config.nodes import Node
from clinx.config.snapshot import Snapshot


def objections(served: Snapshot, successor: Snapshot, document: Node) -> Iterator[Diagnostic]:
    """Yield why the successor, whose root document is given, must not be served now."""
    if served.channels and not successor.channels:
        # A half-written save often ends on a valid line.
        message = f"no channels are left of {len(served.channels)}: the file is half written, it seems"
        hint = "to serve a tree without channels, restart"
        yield document.key_at(("channels",)).finding("E501", message, hint)
    if served.currency != successor.currency:
        # Balances are bare numbers: they would change their meaning.
        message = f"the ledger is kept in {served.currency}"
        hint = f"to serve in {successor.currency}, restart with an empty ledger: a new database"
        yield document.at(("currency",)).finding("E502", message, hint)
