"""Balances as they move: those that somebody follows are read together, once a second and when money arrives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator
from typing import Final

from clinx.domain.identity import user_account
from clinx.domain.ledger import Balance
from clinx.domain.money import ZERO
from clinx.graphql.following.rounds import Rounds
from clinx.storage import statements
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor

EVERY: Final = 1.0
"""Seconds between two looks."""

_NOTHING: Final = Balance(ZERO, ZERO)


class Purse:
    """One who follows a balance: only the latest matters."""

    def __init__(self, user_id: int) -> None:
        """Nothing is known yet."""
        self.account = user_account(user_id)
        self._balance: Balance | None = None
        self._news = asyncio.Event()

    def tell(self, balance: Balance) -> None:
        """Take note of what there is now."""
        if balance != self._balance:
            self._balance = balance
            self._news.set()

    async def changed(self) -> Balance:
        """Wait until it is another than the one returned last; at first, until it is known."""
        await self._news.wait()
        self._news.clear()
        assert self._balance is not None, "there are no news of nothing"  # noqa: S101
        return self._balance


class Purses:
    """Reads balances for all who follow one."""

    def __init__(self, database: Database, supervisor: Supervisor, *, every: float = EVERY) -> None:
        """Wire it; nothing is read before somebody follows."""
        self._database = database
        self._followed: set[Purse] = set()
        self._rounds = Rounds(supervisor, self.look, every, "balances")

    @contextlib.contextmanager
    def follow(self, user_id: int) -> Generator[Purse]:
        """Follow the balance of a user."""
        purse = Purse(user_id)
        self._followed.add(purse)
        self._rounds.join()
        self.wake()
        try:
            yield purse
        finally:
            self._followed.discard(purse)
            self._rounds.leave()

    def wake(self) -> None:
        """Look now: somebody's balance may have moved."""
        self._rounds.wake()

    async def look(self) -> None:
        """Tell everybody what there is now: one statement.

        Raises:
            StorageUnavailable: the database cannot be read now.
        """
        followed = tuple(self._followed)
        found = await statements.balances(self._database, {purse.account for purse in followed})
        for purse in followed:
            purse.tell(found.get(purse.account, _NOTHING))
