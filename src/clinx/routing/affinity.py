"""Which channel served a key last: a preference for prompt caches and sessions, never more.

Keys are often the caller's to choose. So each user has keys of their own, and no more than a tenth of all: whoever
makes them up moves nobody else's calls, and makes few of them forgotten.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

CAPACITY: Final = 100_000
"""Keys; of more, those that were used longest ago are forgotten."""
_USERS_PART: Final = 10
"""One in so many of them may be of one user."""


class _Kept(NamedTuple):
    channel: str
    until: float


_Keys: TypeAlias = OrderedDict[str, _Kept]


class Affinity:
    """Keys of users to channel names, in this process, for a while."""

    def __init__(self, clock: Callable[[], float], capacity: int = CAPACITY) -> None:
        """Take the monotonic clock, in seconds."""
        self._clock = clock
        self._capacity = capacity
        self._size = 0
        self._users: OrderedDict[int, _Keys] = OrderedDict()

    def __len__(self) -> int:
        return self._size

    def find(self, user: int, key: str) -> str | None:
        """Return the channel that a user's key was kept for, if its time is not over."""
        keys = self._users.get(user)
        kept = None if keys is None else keys.get(key)
        if keys is None or kept is None:
            return None
        if kept.until <= self._clock():
            del keys[key]
            self._forgot_one(user, keys)
            return None
        keys.move_to_end(key)
        self._users.move_to_end(user)
        return kept.channel

    def keep(self, user: int, key: str, channel: str, ttl: float) -> None:
        """Remember, for so many seconds from now, which channel served a user's key."""
        keys = self._users.setdefault(user, OrderedDict())
        self._users.move_to_end(user)
        before = len(keys)
        keys[key] = _Kept(channel, self._clock() + ttl)
        keys.move_to_end(key)
        self._size += len(keys) - before
        if len(keys) * _USERS_PART > self._capacity:
            self._forget_first(user, keys)
        elif self._size > self._capacity:
            self._forget_first(*next(iter(self._users.items())))

    def _forget_first(self, user: int, keys: _Keys) -> None:
        keys.popitem(last=False)
        self._forgot_one(user, keys)

    def _forgot_one(self, user: int, keys: _Keys) -> None:
        self._size -= 1
        if not keys:
            del self._users[user]
