"""Counters in Redis: exact across processes, one round trip a step, by Redis' own clock.

A command that is not answered soon is not waited for: Redis is then *away*, for everyone and a second long, and
`StateAway` is what callers get at once. Nothing is ever sent again, for it may have been done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, assert_never

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from clinx.state.base import Change, Claim, Purse, Refused, Slots, StateAway, Taken, Unknown, Window
from clinx.state.scripts import CLOCK, RENEW, SETTLE, TAKE, TELL

log = logging.getLogger("clinx.state")

ANSWER_SECONDS: Final = 0.25
"""An admission waits for nothing longer. An answer takes a tenth of a millisecond; the rest is for a busy event loop,
which must not be taken for a silent Redis."""
AWAY_SECONDS: Final = 1.0
"""For how long nobody asks after Redis did not answer."""
MOST_CONNECTIONS: Final = 32
"""Commands under way at a time; one more waits for its turn."""
TURN_SECONDS: Final = 2.0

_REFUSED: Final = 1
_UNKNOWN: Final = 2


class RedisCounters:
    """The counters of all processes that share one Redis."""

    def __init__(
        self, url: str, *, monotonic: Callable[[], float], answer_seconds: float = ANSWER_SECONDS, clock: str = CLOCK
    ) -> None:
        """Prepare to connect; the first take does.

        Raises:
            ValueError: the URL is not understood.
        """
        pool = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]  (untyped there)
            url,
            max_connections=MOST_CONNECTIONS,
            timeout=TURN_SECONDS,
            socket_timeout=answer_seconds,
            socket_connect_timeout=answer_seconds,
            retry=Retry(NoBackoff(), 0),
            client_name="clinx",
            # With them the pool does not look whether a connection was closed before it hands it out.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._redis = Redis.from_pool(pool)
        self._monotonic = monotonic
        self._away_until = float("-inf")
        self._is_away = False
        self._scripts = {text: self._redis.register_script(clock + text) for text in (TAKE, SETTLE, TELL, RENEW)}

    async def take(self, holder: str, claims: Sequence[Claim]) -> Taken | Refused | Unknown:
        """See `Counters.take`."""
        arguments: list[str | int] = [holder]
        for claim in claims:
            arguments += _claimed(claim)
        answer = await self._run(TAKE, [claim.key for claim in claims], arguments)
        if answer[0] == _REFUSED:
            return Refused(answer[1], None if answer[2] < 0 else answer[2])
        if answer[0] == _UNKNOWN:
            return Unknown(tuple(answer[1:]))
        return Taken(tuple(map(int, answer[1::2])), tuple(answer[2::2]))

    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        """See `Counters.settle`."""
        arguments: list[str | int] = [holder]
        for change in changes:
            arguments += _changed(change)
        await self._run(SETTLE, [change.claim.key for change in changes], arguments)

    async def tell(self, purse: Purse, amount: int) -> None:
        """See `Counters.tell`."""
        await self._run(TELL, [purse.key], [purse.period, amount, purse.lifetime])

    async def renew(self, held: Sequence[tuple[str, Slots]]) -> None:
        """See `Counters.renew`."""
        arguments = [part for holder, slots in held for part in (holder, slots.lease)]
        await self._run(RENEW, [slots.key for _, slots in held], arguments)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _run(self, script: str, keys: list[str], arguments: Sequence[str | int]) -> Any:
        """Run a script.

        Raises:
            StateAway: Redis did not answer, now or a moment ago, or cannot do what it was asked.
        """
        if self._monotonic() < self._away_until:
            raise StateAway("Redis did not answer a moment ago")
        try:
            answer = await self._scripts[script](keys=keys, args=arguments)
        except (RedisError, OSError, TimeoutError) as error:
            self._away(error)
            raise StateAway(type(error).__name__) from error
        if self._is_away:
            self._is_away = False
            log.info("state.recovered")
        return answer

    def _away(self, error: Exception) -> None:
        """Leave Redis alone for a moment; say so once. What it says may hold its address, but never the password."""
        self._away_until = self._monotonic() + AWAY_SECONDS
        if not self._is_away:
            self._is_away = True
            log.error("state.away", extra={"reason": f"{type(error).__name__}: {error}"[:200]})


def _claimed(claim: Claim) -> tuple[str | int, ...]:
    match claim:
        case Window():
            return "w", claim.most, claim.width, claim.back, claim.amount, claim.lifetime
        case Slots():
            return "s", claim.most, claim.lease, 0, 0, 0
        case Purse():
            return "p", claim.most, claim.period, claim.lifetime, 0, 0
        case _:
            assert_never(claim)


def _changed(change: Change) -> tuple[str | int, ...]:
    match change.claim:
        case Window() as claim:
            slice_ = "" if change.slice is None else change.slice
            return "w", claim.width, claim.lifetime, change.amount, slice_
        case Slots():
            return "s", 0, 0, 0, ""
        case Purse() as claim:
            return "p", claim.period, claim.lifetime, change.amount, ""
        case _:
            assert_never(change.claim)
