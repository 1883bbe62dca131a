"""Who follows something: how much at most, and for how long.

A subscription ends when its session does. Who was signed out, disabled or given another role is found out by looking
every few seconds, and at once when that is announced.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Generator
from datetime import datetime
from typing import Final, Protocol, TypeVar

from clinx.domain.identity import Status, User
from clinx.graphql.errors import Refusal, SignInFirst
from clinx.graphql.following.rounds import Rounds
from clinx.storage import access_keys, lookups, sessions
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor

EVERY: Final = 15.0
"""Seconds between two looks at who may stay."""
MOST_OF_ONE: Final = 20
"""Subscriptions of a session, or of an access key."""
MOST: Final = 1_000
"""Of a process."""

_Credential = tuple[int | None, int | None]
"""A session or an access key, by their ids."""
_OVER: Final = object()
E_ = TypeVar("E_")


class Follower(Protocol):
    """Whoever asks, as far as a seat needs to know them."""

    @property
    def user(self) -> User:
        """The user, as they were when they asked."""
        ...

    @property
    def session(self) -> int | None:
        """The session's id; None for an access key."""
        ...

    @property
    def access_key(self) -> int | None:
        """The key's id; None for a session."""
        ...


class Seat:
    """A place from which something is followed."""

    def __init__(self, viewer: Follower) -> None:
        """It is taken."""
        self.viewer = viewer
        self._is_over = False
        self._waiting: asyncio.Timeout | None = None

    def end(self) -> None:
        """Let whoever follows go: what they wait for comes no more."""
        self._is_over = True
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def while_taken(self, events: AsyncGenerator[E_]) -> AsyncGenerator[E_]:
        """Yield events until the seat is lost.

        Raises:
            SignInFirst: it is.
        """
        async with contextlib.aclosing(events):
            while (event := await self._next(events)) is not _OVER:
                yield event  # pyright: ignore[reportReturnType]  (it is none of ours)

    async def _next(self, events: AsyncGenerator[E_]) -> E_ | object:
        if self._is_over:
            raise SignInFirst
        waiting = asyncio.timeout(None)  # Ends when the seat does; a task for each event would cost more.
        try:
            async with waiting:
                self._waiting = waiting
                try:
                    return await anext(events, _OVER)
                finally:
                    self._waiting = None
        except TimeoutError:
            if waiting.expired():
                raise SignInFirst from None
            raise


class Seats:
    """Gives seats, and takes them away."""

    def __init__(
        self, database: Database, supervisor: Supervisor, *, now: Callable[[], datetime], every: float = EVERY
    ) -> None:
        """Wire it; nobody sits yet."""
        self._database = database
        self._now = now
        self._taken: set[Seat] = set()
        self._count: Counter[_Credential] = Counter()
        self._rounds = Rounds(supervisor, self.look, every, "subscribers")

    @contextlib.contextmanager
    def take(self, viewer: Follower) -> Generator[Seat]:
        """Take a seat.

        Raises:
            Refusal: ``too_many_subscriptions``.
        """
        seat, who = Seat(viewer), (viewer.session, viewer.access_key)
        if self._count[who] >= MOST_OF_ONE or len(self._taken) >= MOST:
            raise Refusal("Too much is followed already.", "too_many_subscriptions", most=MOST_OF_ONE)
        self._count[who] += 1
        self._taken.add(seat)
        self._rounds.join()
        try:
            yield seat
        finally:
            self._rounds.leave()
            self._taken.discard(seat)
            self._count[who] -= 1
            if not self._count[who]:
                del self._count[who]

    def disturb(self, user_id: str) -> None:
        """Look now whether a user may stay: something of theirs was changed."""
        if any(str(seat.viewer.user.id) == user_id for seat in self._taken):
            self._rounds.wake()

    async def look(self) -> None:
        """End the subscriptions of those who may not follow any more.

        Raises:
            StorageUnavailable: the database cannot be read now.
        """
        taken = tuple(self._taken)
        users = await lookups.users_by_ids(self._database, {seat.viewer.user.id for seat in taken})
        good: set[_Credential] = set()
        for user in users.values():
            if user.status is Status.ACTIVE:
                good |= await self._credentials(user, [seat for seat in taken if seat.viewer.user.id == user.id])
        for seat in taken:
            if (seat.viewer.session, seat.viewer.access_key) not in good:
                seat.end()

    async def _credentials(self, user: User, seats: Collection[Seat]) -> set[_Credential]:
        """Return what a user may still follow with, as who they were."""
        at, found = self._now(), set[_Credential]()
        same = [seat.viewer for seat in seats if seat.viewer.user.role is user.role]
        if any(viewer.session is not None for viewer in same):
            found |= {(each.id, None) for each in await sessions.of_user(self._database, user, at)}
        if any(viewer.access_key is not None for viewer in same):
            keys = await access_keys.of_user(self._database, user.id)
            found |= {(None, key.id) for key in keys if key.revoked_at is None and _lasts(key.expires_at, at)}
        return found.intersection((viewer.session, viewer.access_key) for viewer in same)


def _lasts(until: datetime | None, at: datetime) -> bool:
    return until is None or until > at
