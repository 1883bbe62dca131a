"""What is to be done now and then: say that this node lives, adopt what dead siblings left, forget what is old."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from clinx.billing.batch import Overtaken
from clinx.billing.journal import slots
from clinx.billing.journal.failures import JournalRefused, JournalUnreadable
from clinx.billing.journal.files import BEGINNING, Position, segment_numbers
from clinx.billing.journal.reader import last_epoch, prune
from clinx.billing.journal.slots import Slot
from clinx.billing.lost_nodes import lost
from clinx.billing.recovery import Recovery
from clinx.billing.shipper import Shipper
from clinx.domain.ledger import Origin
from clinx.domain.money import ZERO
from clinx.storage import leases, nodes
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.storage.nodes import Node

log = logging.getLogger("clinx.billing")

EVERY: Final = timedelta(seconds=15)
"""Time between two rounds."""
TRIES: Final = 5
"""How often a round tries to adopt a sibling: one that cannot be read must not stop the others."""
KEPT: Final = timedelta(days=7)
"""How long shipped segments stay: a restored backup is rolled forward from them."""

_NEVER: Final = 1 << 62
"""An epoch above all that there will be."""


@dataclass(slots=True)
class Upkeep:
    """The rounds of one process."""

    database: Database
    folder: Path
    """Of all journals of this machine."""
    slot: Slot
    origin: Origin
    host: str
    shipper: Shipper
    recovery: Recovery
    now: Callable[[], datetime]
    _reported: set[str] = field(default_factory=set[str])
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Go round until cancelled; a database that is away or a folder that cannot be read only delays."""
        while True:
            try:
                with contextlib.suppress(StorageUnavailable):
                    await self.round()
            except (JournalRefused, JournalUnreadable, OSError) as error:
                self._delay(self.origin.node, error)
            await asyncio.sleep(EVERY.total_seconds())

    async def round(self) -> None:
        """Do everything once, after a round that is going on.

        Raises:
            StorageUnavailable: the database cannot be used now.
            JournalRefused, JournalUnreadable, OSError: something is wrong with the folder.
        """
        async with self._turn:
            await self._round(self.now())

    async def _round(self, now: datetime) -> None:
        await self.database.atomically(nodes.seen(self.origin.node, now))
        if self.shipper.shipped > BEGINNING:  # The lives before this one were finished.
            await self.recovery.tidy(self.origin)
        await self._adopt()
        await asyncio.to_thread(prune, self.slot.path, self.shipper.shipped, older_than=now - KEPT)
        await self.database.atomically(leases.prune(now - KEPT))
        for node in await lost(self.database, now):
            self._report(node)

    async def _adopt(self) -> None:
        """Bring to their end the lives of siblings that nobody continues."""
        # Not in a thread: one that nobody waits for any more would keep the locks.
        found = slots.orphans(self.folder)
        try:
            for slot in found:
                try:
                    await self._finish(slot)
                except (Overtaken, JournalUnreadable, OSError) as error:
                    self._delay(slot.node, error)
        finally:
            for slot in found:
                slot.release()

    async def _finish(self, slot: Slot) -> None:
        if not await self.database.atomically(nodes.exists(slot.node)):
            if self._is_news(f"{slot.path} is foreign"):
                log.error("recovery.foreign", extra={"folder": str(slot.path), "node": slot.node})
            return
        end = Position(segment_numbers(slot.path)[-1] + 1, 0)
        if Position(*await self.database.atomically(nodes.position(slot.node))) >= end:
            await self.recovery.tidy(Origin(slot.node, _NEVER))
            return
        begun = nodes.begin(slot.node, self.host, self.now(), last_epoch(slot.path))
        origin, _ = await self.database.atomically(begun)
        await self.recovery.recover(slot.path, origin, end, tries=TRIES)

    def _delay(self, node: str, error: Exception) -> None:
        if self._is_news(str(error)):
            log.warning("recovery.delayed", extra={"node": node, "reason": str(error)})

    def _is_news(self, fact: str) -> bool:
        if fact in self._reported:
            return False
        self._reported.add(fact)
        return True

    def _report(self, node: Node) -> None:
        """A node that is gone for good keeps what it leased until its journal is found, or somebody decides."""
        if node.unspent > ZERO and self._is_news(f"{node.id} is lost"):
            log.error(
                "node.lost",
                extra={"node": node.id, "host": node.host, "seen_at": node.seen_at, "unspent": str(node.unspent)},
            )
