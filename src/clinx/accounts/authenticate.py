"""A credential to a Principal.

The answer of the database is cached for a short time under the credential's digest; what can change by itself, the
clock and the caller's address, is judged anew each time. Revocation does not wait for the cache: it is announced, and
`Authenticator.hear` forgets the token in every process; the ledger looks at the token whenever it holds or lends; and
``fresh=True`` asks at once where nothing is held.

While the database is away, callers known before are known on for `STALE`: what they may spend is bounded by what is
leased, and nobody new gets in.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clinx.accounts import pin
from clinx.accounts import secret as secrets
from clinx.domain.identity import Network, Principal, Status
from clinx.errors import ModelNotAllowed, PermissionDenied, TokenDisabled, TokenExpired, Unauthenticated
from clinx.storage import tokens
from clinx.storage.announcements import Topic
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.storage.tokens import StoredToken

MISS_TTL: Final = 5.0
"""Seconds an unknown credential stays unknown: short, for it may be issued any moment."""
STALE: Final = 900.0
"""Seconds since the database last confirmed a credential after which it is no longer believed, outage or not."""
AWAY: Final = 1.0
"""Seconds after a failure in which callers that are known do not wait for the database again."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    found: StoredToken | None
    confirmed_at: float
    until: float


class Authenticator:
    """Knows callers by their secrets."""

    def __init__(
        self,
        database: Database,
        *,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
        ttl: float = 30.0,
        capacity: int = 10_000,
    ) -> None:
        """Keep at most ``capacity`` known and as many unknown credentials, for ``ttl`` seconds each."""
        self._database = database
        self._monotonic = monotonic
        self._now = now
        self._ttl = ttl
        self._capacity = capacity
        self._known: OrderedDict[str, _Remembered] = OrderedDict()
        self._unknown: OrderedDict[str, _Remembered] = OrderedDict()
        self._asking: dict[str, asyncio.Future[StoredToken | None]] = {}
        self._away_until = 0.0
        self._epoch = 0

    async def authenticate(self, secret: str | None, address: str | None, *, fresh: bool = False) -> Principal:
        """Return who presents a secret from an address; ``fresh`` asks the database whatever the cache says.

        Raises:
            Unauthenticated: no credential, or an unknown one; `TokenExpired`, `TokenDisabled` when it was one of ours.
            PermissionDenied: the token is not for this address, its user is disabled, or a channel is named behind the
                secret and its user is no admin.
            StorageUnavailable: the database must be asked and cannot be, and did not confirm the secret lately.
        """
        if not secret:
            raise Unauthenticated(
                "No API key was given.",
                hint="Send it as `Authorization: Bearer sk-…`, `x-api-key` or `x-goog-api-key`.",
            )
        secret, channel = pin.split(secret)
        digest = secrets.digest(secret) if len(secret) <= secrets.LONGEST else ""
        found = await self._find(digest, fresh=fresh) if digest else None
        if found is None or not hmac.compare_digest(found.digest, digest):
            raise Unauthenticated("This API key is not known.", hint="Check that it was copied whole.")
        self._judge(found, address)
        if channel is not None:
            pin.check_pin(found.user.role)
        return Principal(found.user, found.token, found.token.group or found.user.group, channel)

    async def group(self, secret: str) -> str | None:
        """Return the group of whoever presents a secret, judged later; None when it is not known, or cannot be now."""
        secret, _ = pin.split(secret)
        try:
            found = await self._find(secrets.digest(secret), fresh=False) if len(secret) <= secrets.LONGEST else None
        except StorageUnavailable:
            return None
        return None if found is None else found.token.group or found.user.group

    def forget(self, *, digest: str | None = None, token_id: int | None = None, user_id: int | None = None) -> None:
        """Drop what is cached about a credential, a token or a user: the next call asks the database."""
        self._epoch += 1
        if digest is not None:
            self._known.pop(digest, None)
            self._unknown.pop(digest, None)
        for key, remembered in list(self._known.items()):
            token = remembered.found.token if remembered.found else None
            if token is not None and (token.id == token_id or token.user_id == user_id):
                del self._known[key]

    def hear(self, topic: str, subject: str) -> None:
        """Take note of an announcement: a token or a user was changed. Others are not for here."""
        if topic == Topic.TOKEN and subject.isdecimal():
            self.forget(token_id=int(subject))
        elif topic == Topic.USER and subject.isdecimal():
            self.forget(user_id=int(subject))

    def _judge(self, found: StoredToken, address: str | None) -> None:
        token = found.token
        if token.status is not Status.ACTIVE:
            raise TokenDisabled("This API key was revoked.", hint="Ask the operator for a new one.")
        if token.expires_at is not None and token.expires_at <= self._now():
            raise TokenExpired("This API key has expired.", hint="Ask the operator for a new one.")
        if found.user.status is not Status.ACTIVE:
            raise PermissionDenied("This account is disabled.", hint="Ask the operator to enable it.")
        if token.networks and not _within(address, token.networks):
            raise PermissionDenied("This API key may not be used from this address.")

    async def _find(self, digest: str, *, fresh: bool) -> StoredToken | None:
        if fresh:  # Not even somebody else's question: it may have been asked before the change.
            return await self._ask(digest)
        for cache in (self._known, self._unknown):
            remembered = cache.get(digest)
            if remembered is not None and remembered.until > self._monotonic():
                cache.move_to_end(digest)
                return remembered.found
        if self._monotonic() < self._away_until and (stale := self._stale(digest)) is not None:
            return stale
        try:
            return await self._share(digest)
        except StorageUnavailable:
            self._away_until = self._monotonic() + AWAY
            stale = self._stale(digest)
            if stale is None:
                raise
            return stale

    def _stale(self, digest: str) -> StoredToken | None:
        """Return what was known of a credential, if the database confirmed it lately."""
        remembered = self._known.get(digest)
        if remembered is None or self._monotonic() - remembered.confirmed_at >= STALE:
            return None
        self._known.move_to_end(digest)
        return remembered.found

    async def _share(self, digest: str) -> StoredToken | None:
        """Ask the database once, however many want the same digest at the same time."""
        while (asking := self._asking.get(digest)) is not None:
            await asyncio.wait({asking})
            if not asking.cancelled():
                return asking.result()
        asking = self._asking[digest] = asyncio.get_running_loop().create_future()
        try:
            found = await self._ask(digest)
        except StorageUnavailable as error:
            asking.set_exception(error)
            asking.exception()  # Seen: perhaps nobody else is waiting.
            raise
        else:
            asking.set_result(found)
            return found
        finally:
            asking.cancel()  # Without effect once it has a result.
            del self._asking[digest]

    async def _ask(self, digest: str) -> StoredToken | None:
        epoch = self._epoch
        found = await tokens.find(self._database, digest)
        if epoch == self._epoch:  # Nothing was forgotten meanwhile: the answer is not older than a revocation.
            self._remember(digest, found)
        return found

    def _remember(self, digest: str, found: StoredToken | None) -> None:
        self._known.pop(digest, None)
        self._unknown.pop(digest, None)
        cache, ttl = (self._unknown, min(MISS_TTL, self._ttl)) if found is None else (self._known, self._ttl)
        now = self._monotonic()
        cache[digest] = _Remembered(found, now, now + ttl)
        while len(cache) > self._capacity:
            cache.popitem(last=False)


def _within(address: str | None, networks: Sequence[Network]) -> bool:
    """Say whether an address is in one of the networks; one that cannot be read is in none."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    candidates = (parsed,) if mapped is None else (parsed, mapped)
    return any(candidate in network for candidate in candidates for network in networks)


def check_model(principal: Principal, model: str) -> None:
    """Let a model pass if the principal's token may use it.

    Raises:
        ModelNotAllowed: the token is restricted to others.
    """
    if principal.token.models and model not in principal.token.models:
        raise ModelNotAllowed(
            f"This API key may not use the model {model[:100]!r}.",
            hint=f"It may use: {', '.join(sorted(principal.token.models)[:20])}.",
            param="model",
        )
