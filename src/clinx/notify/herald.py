"""All of this room, wired: what the composition root builds once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from clinx.mail.postman import Postman
from clinx.notify.courier import Courier
from clinx.notify.low_balance import LowBalances, OpenHook
from clinx.notify.news import Terms
from clinx.notify.operators import Operators
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor

COURIERS: Final = 4
"""Webhooks that are posted to at a time: one that hangs must not keep the others."""


class Herald:
    """Says what is to be said."""

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
        """Wire it; nothing is said before `start`, but what is heard before is not lost.

        Args:
            database: where it is written who was told.
            postman: sends e-mails.
            courier: posts to webhooks; started here.
            terms: returns what the tree says that is served now.
            open_hook: opens users' webhooks.
            now: the clock.
        """
        self.courier = courier
        self.operators = Operators(database, postman, courier, terms, now=now)
        self.low_balances = LowBalances(database, postman, courier, terms, open_hook, now=now)

    def start(self, supervisor: Supervisor) -> None:
        """Begin; the postman is started by whoever built it."""
        for number in range(COURIERS):
            supervisor.start(self.courier.run(), name=f"courier {number}", endless=True)
        supervisor.start(self.operators.run(), name="operators", endless=True)
        supervisor.start(self.low_balances.keep(), name="low balances", endless=True)

    async def drain(self, seconds: float) -> None:
        """Let what was heard be said, for at most so long for each part."""
        await self.operators.drain(seconds)
        await self.courier.drain(seconds)
