"""What is in memory of one lease: sums of nano-units that always add up.

``granted == returned + spent + outstanding + left``, none of them negative. The first three only grow, and are what the
lease's row in the database says or will say: a settlement is spent here before it is written there, and what is
returned here is on its way. So the database never thinks that this process may spend less than it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from clinx.domain.identity import Principal, user_account
from clinx.domain.ledger import Reservation, token_scope
from clinx.domain.money import Amount

PERIOD_NS: Final = 2_000_000_000
"""What was spent counts half after so many nanoseconds, a quarter after twice as many."""
_FORGOTTEN: Final = 63
"""Halvings after which nothing is left of any amount."""


class Standing(Struct, frozen=True):
    """The sums of one lease, as they are at some moment."""

    scope: str
    granted: Amount
    """All that was ever lent."""
    returned: Amount
    """All that was ever given back."""
    spent: Amount
    """What settlements took."""
    outstanding: Amount
    """What running exchanges hold."""
    left: Amount
    """What may be held now."""


class Pocket:
    """The lease of one scope. Amounts are integers of nano-units, instants are monotonic nanoseconds."""

    __slots__ = (
        "_recent",
        "_recent_at",
        "callers",
        "granted",
        "left",
        "low",
        "outstanding",
        "poor_until",
        "quiet_until",
        "returned",
        "scope",
        "spent",
        "used_at",
    )

    def __init__(self, scope: str, now: int, *, granted: int = 0, returned: int = 0) -> None:
        """Begin empty, with the totals of a lease of which everything is returned or spent."""
        self.scope = scope
        self.granted = granted
        self.returned = returned
        self.spent = granted - returned
        self.outstanding: int = 0
        self.left = 0
        self.low = 0
        """Below this much left it is time to ask for more: half of what it was when the last loan came."""
        self.used_at = now
        self.poor_until = 0
        """Until then the lender is not asked: it said that the account is too poor."""
        self.quiet_until = 0
        """Until then nothing is asked in the background: the last time it failed."""
        self.callers: dict[int, Principal] = {}
        """Who takes of it, by token: in whose name more can be asked for."""
        self._recent = 0
        self._recent_at = now

    def take(self, nano: int, now: int) -> None:
        """Hold an amount; the caller has seen that so much is left."""
        self.left -= nano
        self.outstanding += nano
        self.used_at = now

    def resolve(self, held: int, unused: int, now: int) -> None:
        """End a hold: what of it is unused is left again, the rest is spent."""
        held = min(held, self.outstanding)
        unused = max(0, min(unused, held))
        self.outstanding -= held
        self.left += unused
        self.spent += held - unused
        self.used_at = now
        self._recent = self.recent(now) + held - unused
        self._recent_at += (now - self._recent_at) // PERIOD_NS * PERIOD_NS

    def receive(self, granted: int) -> None:
        """Take note of all that was ever granted; what is new of it is left. Of two answers the higher one counts."""
        if granted > self.granted:
            self.left += granted - self.granted
            self.granted = granted
        self.low = self.left // 2

    def withdraw(self) -> int:
        """Take out what is left, to be returned; return how much it was."""
        taken, self.left = self.left, 0
        self.returned += taken
        return taken

    def recent(self, now: int) -> int:
        """Return about what was spent lately: in a steady flow, one to two periods' worth."""
        return self._recent >> min((now - self._recent_at) // PERIOD_NS, _FORGOTTEN)

    def standing(self) -> Standing:
        """Return the sums as they are now."""
        return Standing(
            self.scope,
            Amount(self.granted),
            Amount(self.returned),
            Amount(self.spent),
            Amount(self.outstanding),
            Amount(self.left),
        )


class Pockets:
    """All that are in memory, by the id of the user or the token."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """Begin with none."""
        self._clock = clock
        self.users: dict[int, Pocket] = {}
        self.tokens: dict[int, Pocket] = {}
        self._totals: dict[str, tuple[int, int]] = {}
        """Granted and returned, of pockets that were dropped: the lender counts on where it was."""

    def __iter__(self) -> Iterator[Pocket]:
        """Go through all of them."""
        yield from self.users.values()
        yield from self.tokens.values()

    def find(self, scope: str) -> Pocket | None:
        """Return the pocket of a scope if there is one."""
        kind, _, id_ = scope.partition(":")
        pockets = {"user": self.users, "token": self.tokens}.get(kind)
        return pockets.get(int(id_)) if pockets and id_.isdecimal() else None

    def user(self, principal: Principal) -> Pocket:
        """Return the pocket of a caller's account, a new one if need be."""
        id_ = principal.user.id
        return self.users.get(id_) or self.users.setdefault(id_, self._reopened(user_account(id_)))

    def token(self, principal: Principal) -> Pocket:
        """Return the pocket of a caller's budget, a new one if need be."""
        id_ = principal.token.id
        return self.tokens.get(id_) or self.tokens.setdefault(id_, self._reopened(token_scope(id_)))

    def scarcest(self, principal: Principal) -> Pocket:
        """Return the pocket that says whether a caller is too poor for a loan."""
        return self.user(principal) if principal.token.budget is None else self.token(principal)

    def holding(self, reservation: Reservation) -> list[Pocket]:
        """Return what a hold is of, the user's first; nothing when it is not of here."""
        user = self.users.get(reservation.user_id)
        if user is None or not reservation.capped:
            return [] if user is None else [user]
        token = self.tokens.get(reservation.token_id)
        return [] if token is None else [user, token]

    def drop(self, pocket: Pocket) -> None:
        """Forget a pocket in which nothing is left and nothing is held; its totals are kept."""
        self._totals[pocket.scope] = (pocket.granted, pocket.returned)
        id_ = int(pocket.scope.partition(":")[2])
        del (self.users if self.users.get(id_) is pocket else self.tokens)[id_]

    def _reopened(self, scope: str) -> Pocket:
        granted, returned = self._totals.pop(scope, (0, 0))
        return Pocket(scope, self._clock(), granted=granted, returned=returned)
