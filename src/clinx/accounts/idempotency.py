"""A request with a key of its own is done once: its repetition comes to what the first one came to.

Results may hold a secret that is shown once, so they are kept sealed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clinx.accounts.challenges import digest
from clinx.accounts.failures import IdempotencyConflict, IdempotencyPending
from clinx.accounts.sealing import Sealer
from clinx.domain.identity import User
from clinx.storage import idempotency
from clinx.storage.database import Database
from clinx.storage.idempotency import Remembered

KEPT: Final = timedelta(hours=48)
"""How long a key is remembered, at least."""
PATIENCE: Final = timedelta(minutes=2)
"""How long a request may take before another one with its key is done instead."""
LONGEST: Final = 128
PURPOSE: Final = "idempotency"


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be done once."""

    user: User
    key: str
    """Chosen by the caller; each user has keys of their own."""
    operation: str
    """At most 64 characters."""
    input: str
    """All that was asked for, in one way of writing. Only its digest is kept."""


class Idempotency:
    """Remembers what requests with keys came to."""

    def __init__(self, database: Database, sealer: Sealer, *, now: Callable[[], datetime]) -> None:
        """Wire it."""
        self._database = database
        self._sealer = sealer
        self._now = now

    async def begin(self, request: Request) -> str | None:
        """Return what the same request came to before; None: do it now, and say by `finish` what it came to.

        Raises:
            IdempotencyConflict: the key was used for another operation or another input, or it is too long.
            IdempotencyPending: the same request is being done.
            StorageUnavailable: the database cannot be written now.
        """
        at = self._now()
        user, key, operation = request.user, request.key, request.operation
        if not 1 <= len(key) <= LONGEST or not key.isprintable():
            raise IdempotencyConflict(f"a key has 1 to {LONGEST} printable characters", most=LONGEST)
        wanted = digest(request.input)
        known = await self._database.atomically(idempotency.begin(user.id, key, operation, wanted, at))
        if known is None:
            return None
        if (known.operation, known.digest) != (operation, wanted):
            raise IdempotencyConflict("the key was used before, for something else")
        if known.result is not None:
            return self._sealer.open(known.result, PURPOSE, user.id)
        await self._take_over(request, known, at)
        return None

    async def finish(self, request: Request, result: str) -> None:
        """Keep what a request came to."""
        sealed = self._sealer.seal(result, PURPOSE, request.user.id)
        await self._database.atomically(idempotency.finish(request.user.id, request.key, sealed))

    async def give_up(self, request: Request) -> None:
        """Forget a request that changed nothing: it may be made again under its key."""
        await self._database.atomically(idempotency.give_up(request.user.id, request.key))

    async def prune(self) -> int:
        """Forget keys that are old enough; return how many."""
        return await self._database.atomically(idempotency.prune(self._now() - KEPT))

    async def _take_over(self, request: Request, known: Remembered, at: datetime) -> None:
        """Do a request in the place of one that never came to anything: its process was killed, most likely."""
        taken = False
        if known.at <= at - PATIENCE:
            change = idempotency.take_over(request.user.id, request.key, at - PATIENCE, at)
            taken = await self._database.atomically(change)
        if not taken:
            raise IdempotencyPending("the same request is being done")
