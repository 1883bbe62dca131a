"""Tells operators what went wrong, as the tree says: by e-mail, by webhook, each thing now and then only.

Whoever notices something only leaves it here, in passing: relays must not wait for a mail server, nor for the table
that says whether another process told it already.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from clinx.domain.letter import Letter
from clinx.mail.outbox import Outbox
from clinx.mail.postman import Postman
from clinx.notify import news
from clinx.notify.courier import Courier, Parcel
from clinx.notify.news import News, Terms
from clinx.routing.circuit import State
from clinx.routing.way import Transition
from clinx.storage import notices
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable

log = logging.getLogger("clinx.notify")

MOST: Final = 200
"""News that may wait."""


class Operators:
    """Hears of things, and tells whom the tree names."""

    def __init__(
        self,
        database: Database,
        postman: Postman,
        courier: Courier,
        terms: Callable[[], Terms],
        *,
        now: Callable[[], datetime],
    ) -> None:
        """Wire it; nothing is told before `run`."""
        self._database = database
        self._postman = postman
        self._courier = courier
        self._terms = terms
        self._now = now
        self._outbox = Outbox[News](self._attempt, most=MOST)
        self._waiting: set[tuple[str, str]] = set()

    def opened(self, transition: Transition) -> None:
        """Hear of a transition of a circuit; those that open it are told."""
        if transition.state is State.OPEN:
            self._hear(news.channel_opened(transition))

    def reload_failed(self, revision: str | None, findings: Sequence[str]) -> None:
        """Hear that a tree was not loaded: its revision, if it has one, and a line for each finding."""
        self._hear(news.reload_failed(revision, findings))

    async def run(self) -> None:
        """Tell what was heard, until cancelled."""
        await self._outbox.run()

    async def drain(self, seconds: float) -> None:
        """Let `run` finish what was heard, for at most so long."""
        await self._outbox.drain(seconds)

    async def tell(self, told: News) -> int:
        """Tell whom the tree names, unless they were told of the same a while ago; return how many were told now.

        Raises:
            StorageUnavailable: whether they were told cannot be seen now.
        """
        console, count = self._terms().console, 0
        rules = console.notifications
        for address in rules.operators:
            if await self._claim(f"mail:{address}", told, rules.every):
                await self._postman.send(Letter(address, told.kind, console.language, told.values))
                count += 1
        if rules.webhook is not None and await self._claim(_receiver(rules.webhook.url), told, rules.every):
            self._courier.send(Parcel(rules.webhook, told, console.language))
            count += 1
        return count

    async def _claim(self, receiver: str, told: News, every: timedelta) -> bool:
        claim = notices.claim(receiver, told.kind, told.subject, every, self._now())
        return await self._database.atomically(claim)

    def _hear(self, heard: News) -> None:
        key = (heard.kind, heard.subject)
        if key in self._waiting:
            return
        if self._outbox.put(heard):
            self._waiting.add(key)
        else:
            log.warning("notice.dropped", extra={"kind": heard.kind, "reason": "full"})

    async def _attempt(self, heard: News) -> None:
        self._waiting.discard((heard.kind, heard.subject))
        try:
            await self.tell(heard)
        except StorageUnavailable as error:
            log.warning("notice.dropped", extra={"kind": heard.kind, "reason": str(error)})


def _receiver(url: str) -> str:
    """Name a webhook in a table that need not know where it is."""
    return f"webhook:{hashlib.sha256(url.encode()).hexdigest()[:32]}"
