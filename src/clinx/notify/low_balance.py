"""Tells people that little is left: looks every few seconds at those who asked for it, and at nobody else.

One process does a round for all. What it finds it first writes down as told, then sends: a notice may be lost with a
process, but never comes twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from clinx.domain.console import Webhook
from clinx.domain.letter import Letter
from clinx.mail.postman import Postman
from clinx.notify import news
from clinx.notify.courier import Courier, Parcel, Trouble, WebhookFailed
from clinx.notify.news import Terms
from clinx.storage import low_balances, notices
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.storage.low_balances import LowBalance

log = logging.getLogger("clinx.notify")

EVERY: Final = timedelta(seconds=15)
"""Time between two rounds of all processes."""
MOST: Final = 100
"""People who are told in one round."""
KEPT: Final = timedelta(days=30)
"""How long it is known what operators were told."""

_ROUND: Final = ("gateway", "low_balance.round", "")

OpenHook = Callable[[int, str], Webhook | None]
"""Opens the sealed webhook of a user (by id); None when it was sealed under another key."""


class LowBalances:
    """The rounds of one process. Safe to run in several."""

    def __init__(
        self,
        database: Database,
        postman: Postman,
        courier: Courier,
        terms: Callable[[], Terms],
        open_hook: OpenHook,
        *,
        now: Callable[[], datetime],
    ) -> None:
        """Wire it."""
        self._database = database
        self._postman = postman
        self._courier = courier
        self._terms = terms
        self._open_hook = open_hook
        self._now = now
        self._is_failing = False

    async def round(self) -> int:
        """Tell whom it concerns, unless another process does this round; return how many were told.

        Raises:
            StorageUnavailable: the database cannot be used now.
        """
        now = self._now()
        if not await self._database.atomically(notices.claim(*_ROUND, EVERY, now)):
            return 0
        every = self._terms().console.notifications.every
        # Looked for beside the writers, whom it may keep waiting otherwise: there may be many who were told.
        if notes := await self._database.look(low_balances.recovered(every, now, MOST)):
            await self._database.atomically(low_balances.forget(notes))
        await self._database.atomically(notices.prune(now - max(KEPT, every), but=low_balances.KIND))
        room = min(MOST, self._postman.room, self._courier.room)
        found = await self._database.look(low_balances.untold(room, by_email=self._postman.is_offered))
        claimed = await self._database.atomically(low_balances.claim(found, now)) if found else []
        for low in claimed:
            await self._tell(low)
        return len(claimed)

    async def keep(self, every: timedelta = EVERY) -> None:
        """Do a round at once and then again and again, until cancelled; a database that is away only delays."""
        while True:
            try:
                await self.round()
                self._is_failing = False
            except StorageUnavailable as error:
                if not self._is_failing:  # Once: an hour without a database is no news every few seconds.
                    log.warning("notice.delayed", extra={"reason": str(error)})
                self._is_failing = True
            await asyncio.sleep(every.total_seconds())

    async def _tell(self, low: LowBalance) -> None:
        terms = self._terms()
        told, language = news.low_balance(low, terms), low.language or terms.console.language
        if low.email is not None:
            await self._postman.send(Letter(low.email, told.kind, language, told.values))
        if low.sealed_webhook is None:
            return
        if (hook := self._open_hook(low.user_id, low.sealed_webhook)) is None:
            self._courier.fail(told, WebhookFailed(Trouble.SEALED))
        else:
            self._courier.send(Parcel(hook, told, language))
