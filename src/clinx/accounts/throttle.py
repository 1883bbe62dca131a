"""How often somebody may try: to sign in, to prove a factor, to be written to, to redeem a code, to register.

What is tried counts before it is done, so that many at once are not more than one after another, and is given back
when it was done well. The count is the same for an account that exists and one that does not. Where processes cannot
count together, each counts for itself.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clinx.accounts.failures import TooManyAttempts
from clinx.state.base import SLICES, Change, Counters, Refused, StateAway, Taken, Window
from clinx.state.keys import window
from clinx.state.memory import MemoryCounters

_HOLDER: Final = "accounts"
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Bound:
    """At most so many in a span of time."""

    most: int
    span: timedelta


QUARTER: Final = timedelta(minutes=15)
PER_ACCOUNT: Final = (Bound(5, QUARTER), Bound(15, timedelta(hours=3)), Bound(40, timedelta(days=1)))
"""Wrong passwords or factors: after the fifth one waits minutes, later hours."""
PER_NETWORK: Final = (Bound(50, QUARTER),)
PER_RECEIVER: Final = (Bound(1, timedelta(seconds=30)), Bound(5, timedelta(hours=1)), Bound(15, timedelta(days=1)))
"""E-mails to one address."""
MAILS_PER_NETWORK: Final = (Bound(20, timedelta(hours=1)),)
REGISTRATIONS: Final = (Bound(10, timedelta(hours=1)), Bound(30, timedelta(days=1)))
"""New accounts of one network."""
CEREMONIES: Final = (Bound(100, QUARTER),)
"""Sign-ins by passkey that are begun from one network, by whoever: each is a row for some minutes."""
ENTRIES: Final = (Bound(300, QUARTER),)
"""Entries of the audit log about what strangers of one network were refused."""
CODES_PER_USER: Final = (Bound(10, QUARTER), Bound(50, timedelta(days=1)))
"""Redemption codes that were none."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What an attempt was counted in."""

    claims: tuple[Window, ...]
    slices: tuple[int, ...]
    counters: Counters


class Throttle:
    """Counts attempts, and refuses those that are too many."""

    def __init__(self, counters: Counters, *, now: Callable[[], datetime]) -> None:
        """Count where processes count together, or alone where that is away."""
        self._shared = counters
        self._own = MemoryCounters(now)

    async def sign_in(self, login: str, address: str | None) -> Ticket:
        """Count an attempt to sign in with what was typed, in any case of its letters.

        Whether there is such an account, and whose it is, makes no difference: see `account` for that.

        Raises:
            TooManyAttempts: too many were made.
        """
        typed = (f"login={login.strip().casefold()}", PER_ACCOUNT)
        return await self._take("sign-in", typed, (network_of(address), PER_NETWORK))

    async def account(self, login: str, user_id: int | None) -> Ticket | None:
        """Count an attempt to sign in to whoever was meant; None when there were too many to them.

        An account has a name and an address, and both may be tried: it is not guessed at twice as often for that. But
        whoever typed the one is not told of those who typed the other, for that would say that both are one account:
        None is to be answered as a wrong password is. Where there is no account, what was typed is counted as if it
        were one.
        """
        who = f"nobody={login.strip().casefold()}" if user_id is None else f"user={user_id}"
        try:
            return await self._take("sign-in", (who, PER_ACCOUNT))
        except TooManyAttempts:
            return None

    async def factor(self, user_id: int, address: str | None) -> Ticket:
        """Count an attempt to prove a second factor, or to step up.

        Raises:
            TooManyAttempts: too many were made.
        """
        return await self._take("factor", (f"user={user_id}", PER_ACCOUNT), (network_of(address), PER_NETWORK))

    async def mail(self, receiver: str, address: str | None) -> Ticket:
        """Count an e-mail that somebody wants to be sent.

        Raises:
            TooManyAttempts: too many were sent.
        """
        return await self._take("mail", (receiver, PER_RECEIVER), (network_of(address), MAILS_PER_NETWORK))

    async def receiver(self, receiver: str) -> bool:
        """Count an e-mail to an address that whoever asks is not told of; False when too many were sent to it."""
        try:
            await self._take("mail", (receiver, PER_RECEIVER))
        except TooManyAttempts:
            return False
        return True

    async def registration(self, address: str | None) -> Ticket:
        """Count a new account.

        Raises:
            TooManyAttempts: too many came from there.
        """
        return await self._take("registration", (network_of(address), REGISTRATIONS))

    async def challenge(self, address: str | None) -> Ticket:
        """Count a one-time secret or a code that somebody presents.

        Raises:
            TooManyAttempts: too many came from there.
        """
        return await self._take("challenge", (network_of(address), PER_NETWORK))

    async def ceremony(self, address: str | None) -> Ticket:
        """Count a sign-in by passkey that somebody begins.

        Raises:
            TooManyAttempts: too many were begun there.
        """
        return await self._take("ceremony", (network_of(address), CEREMONIES))

    async def entry(self, address: str | None) -> Ticket:
        """Count an entry of the audit log about a stranger who was refused.

        Raises:
            TooManyAttempts: there are enough of that network.
        """
        return await self._take("entry", (network_of(address), ENTRIES))

    async def redemption(self, user_id: int, address: str | None) -> Ticket:
        """Count a redemption code that a user tries; give it back when it was one.

        Raises:
            TooManyAttempts: too many were tried.
        """
        return await self._take("redemption", (f"user={user_id}", CODES_PER_USER), (network_of(address), PER_NETWORK))

    async def give_back(self, ticket: Ticket) -> None:
        """Take an attempt off the counts: it was done well. What cannot be given back now, time does."""
        changes = [Change(claim, -1, slice_) for claim, slice_ in zip(ticket.claims, ticket.slices, strict=True)]
        try:
            await ticket.counters.settle(_HOLDER, changes)
        except StateAway:
            return

    async def _take(self, what: str, *subjects: tuple[str, Sequence[Bound]]) -> Ticket:
        claims = tuple(_window(what, who, bound) for who, bounds in subjects for bound in bounds)
        counters = self._shared
        try:
            taken = await counters.take(_HOLDER, claims)
        except StateAway:
            counters = self._own
            taken = await counters.take(_HOLDER, claims)
        match taken:
            case Taken():
                return Ticket(claims, taken.slices, counters)
            case Refused():
                raise TooManyAttempts(max(1, -(-(taken.milliseconds or 1000) // 1000)))
            case _:
                raise AssertionError("only purses are unknown")


def network_of(address: str | None) -> str:
    """Return the network that an address is counted with: its /24, or its /64 of IPv6."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "net=unknown"
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    parsed = mapped or parsed
    length = 24 if parsed.version == 4 else 64  # noqa: PLR2004  (the numbers of the two protocols)
    return f"net={ipaddress.ip_network((parsed, length), strict=False)}"


def _window(what: str, who: str, bound: Bound) -> Window:
    milliseconds = bound.span // _MILLISECOND
    # What people type never stands in a key as it is: it may be long, and it may be an address.
    subject = hashlib.sha256(who.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    key = window(f"accounts-{what}", "attempts", milliseconds, subject)
    return Window(key, bound.most, -(-milliseconds // SLICES), SLICES, 1)
