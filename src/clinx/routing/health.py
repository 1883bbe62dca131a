"""Whose turn it is among a channel's credentials, and which of them should rest.

Two ways to rest. A credential that was told to come back later *cools*: it is not used before its time. One that was
refused is *suspect*: everything else goes first, but it is used rather than answering nothing, because a refusal may
concern one model or one caller's request and must not take the channel away from everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from clinx.domain.catalog import NO_CREDENTIAL, Channel, Credential

_Instants = dict[tuple[str, str], float]
"""(channel name, credential fingerprint) to the monotonic instant at which the rest is over."""

_NOTHING: frozenset[str] = frozenset()


class Health:
    """In memory, keyed by channel names and credential fingerprints: it outlives reloads of the tree."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take the monotonic clock, in seconds."""
        self._clock = clock
        self._turns: dict[str, int] = {}
        self._cooling: _Instants = {}
        self._suspect: _Instants = {}

    def pick(self, channel: Channel, exclude: AbstractSet[str] = _NOTHING) -> Credential | None:
        """Return the credential whose turn it is; a suspect one only when no other is left.

        A channel without credentials presents `NO_CREDENTIAL`.

        Args:
            channel: whose credentials are used in turn.
            exclude: fingerprints not to return, for they were tried already.

        Returns:
            None when every credential is excluded or cooling.
        """
        credentials = channel.credentials or (NO_CREDENTIAL,)
        if len(credentials) > 1:
            turn = self._turns.get(channel.name, 0)
            self._turns[channel.name] = turn + 1
            start = turn % len(credentials)
            credentials = (*credentials[start:], *credentials[:start])
        ready = [each for each in credentials if each.fingerprint not in exclude and not self._cools(channel, each)]
        if len(ready) > 1 and self._suspect:
            return min(ready, key=lambda each: self._rest(self._suspect, channel, each))
        return ready[0] if ready else None

    def cool(self, channel: Channel, credential: Credential, seconds: float) -> None:
        """Do not use a credential for some seconds; a longer rest is never shortened."""
        self._lay(self._cooling, channel, credential, seconds)

    def suspect(self, channel: Channel, credential: Credential, seconds: float) -> None:
        """Prefer everything else to a credential for some seconds."""
        self._lay(self._suspect, channel, credential, seconds)

    def ready_in(self, channel: Channel) -> float:
        """Seconds until some credential of the channel may be used; 0.0 when one may, suspect or not."""
        if not self._cooling:
            return 0.0
        return min(self._rest(self._cooling, channel, each) for each in channel.credentials or (NO_CREDENTIAL,))

    def rank(self, channel: Channel) -> float:
        """What a plan sorts by: 0.0 for a channel with a credential at its best, else the seconds until it has one."""
        if not self._cooling and not self._suspect:
            return 0.0
        return min(
            max(self._rest(self._cooling, channel, each), self._rest(self._suspect, channel, each))
            for each in channel.credentials or (NO_CREDENTIAL,)
        )

    def _cools(self, channel: Channel, credential: Credential) -> bool:
        return bool(self._cooling) and self._rest(self._cooling, channel, credential) > 0

    def _lay(self, instants: _Instants, channel: Channel, credential: Credential, seconds: float) -> None:
        key = (channel.name, credential.fingerprint)
        instants[key] = max(instants.get(key, 0.0), self._clock() + seconds)

    def _rest(self, instants: _Instants, channel: Channel, credential: Credential) -> float:
        key = (channel.name, credential.fingerprint)
        until = instants.get(key)
        if until is None:
            return 0.0
        rest = until - self._clock()
        if rest > 0:
            return rest
        del instants[key]
        return 0.0
