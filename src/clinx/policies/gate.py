"""The gate: what an exchange takes of limits and budgets when it begins, and what is told of it when it ends.

All rules of an exchange are taken in one step or none of them; in what they were taken they are ended. Tokens and
money are known only afterwards, so their rules let in whoever comes while anything is left: the calls under way when
the last of it goes are served to their end, and counted.

Where processes count together and cannot just now, this process counts for itself, beginning with nothing used (and
of budgets with what the ledger says), and a metric counts each such admission. A rule that is `closed` refuses instead.
What was spent meanwhile is told to the shared purses as soon as they can be reached.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from types import MappingProxyType
from typing import Final, Protocol

from msgspec import Struct, structs

from clinx.domain.money import ZERO, Amount
from clinx.domain.usage import Usage
from clinx.errors import BudgetSpent, LimitsUnavailable, RateLimited
from clinx.policies.budget import BudgetRule, begin
from clinx.policies.limit import LEASE, LimitRule, Measure
from clinx.policies.subject import Scope, Subject
from clinx.state.base import Change, Claim, Counters, Purse, Refused, Slots, StateAway, Taken, Unknown, Window
from clinx.state.memory import MemoryCounters
from clinx.storage.failures import StorageUnavailable

Rule = LimitRule | BudgetRule

RENEW_SECONDS: Final = LEASE / 3000
"""A slot is renewed three times before it would be free."""
_TRIES: Final = 3
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

Spent = Callable[[Subject, Sequence[Scope], datetime], Awaitable[Amount]]
"""What the ledger says was spent since an instant, by whoever shares these scopes with a subject."""


class Note(Protocol):
    """Takes note of what the operator should see."""

    def limit_refused(self, rule: str) -> None:
        """Count a refusal."""
        ...

    def limits_unshared(self) -> None:
        """Count an admission that only this process counted."""
        ...


class Outcome(Struct, frozen=True):
    """How an exchange ended."""

    success: bool
    usage: Usage = Usage()
    charge: Amount = ZERO


class Ticket(Struct):
    """What one exchange took. Given back to `Gate.leave`, once."""

    holder: str
    rules: tuple[Rule, ...]
    subject: Subject
    claims: tuple[Claim, ...]
    slices: tuple[int, ...]
    counters: Counters
    headers: Mapping[str, str] = _NO_HEADERS
    """For the answer: what is left of the tightest limit of requests, in OpenAI's words."""
    left: bool = False


class Gate:
    """Lets exchanges in."""

    def __init__(
        self,
        counters: Counters,
        now: Callable[[], datetime],
        *,
        new_id: Callable[[], str],
        spent: Spent,
        note: Note,
    ) -> None:
        """Count with these counters, and with some of this process' own when they are away."""
        self._counters = counters
        self._now = now
        self._new_id = new_id
        self._spent = spent
        self._note = note
        self._own = MemoryCounters(now)
        self._is_away = False
        self._telling = asyncio.Lock()
        self._holding: dict[str, Ticket] = {}
        """Tickets with slots, by holder."""
        self._owed: dict[str, Change] = {}
        """What shared purses have not heard of yet, by key."""

    async def enter(self, rules: Sequence[Rule], subject: Subject) -> Ticket | None:
        """Take all of the rules; None when there are none.

        Raises:
            RateLimited: a limit is used up; nothing was taken.
            BudgetSpent: a budget is; nothing was taken.
            LimitsUnavailable: a rule that must hold cannot be counted now.
        """
        if not rules:
            return None
        now = self._now()
        claims = tuple(
            rule.claim(subject) if isinstance(rule, LimitRule) else rule.claim(subject, now) for rule in rules
        )
        ticket = Ticket(self._new_id(), tuple(rules), subject, claims, (), self._counters)
        answer = await self._take(ticket)
        if isinstance(answer, Refused):
            rule = ticket.rules[answer.index]
            self._note.limit_refused(rule.name)
            raise _refusal(rule, claims[answer.index], answer, now)
        ticket.slices = answer.slices
        ticket.headers = _headers(ticket, answer, now)
        if any(isinstance(claim, Slots) for claim in claims):
            self._holding[ticket.holder] = ticket
        return ticket

    async def leave(self, ticket: Ticket | None, outcome: Outcome | None) -> None:
        """Tell what was used, give back what was not. Never raises; the second time it does nothing.

        An outcome of None gives back everything: what the ticket was for did not begin.
        """
        if ticket is None or ticket.left:
            return
        ticket.left = True
        self._holding.pop(ticket.holder, None)
        changes = self._changes(ticket, outcome)
        if not changes:
            return
        try:
            await ticket.counters.settle(ticket.holder, changes)
        except StateAway:
            self._owe(changes)
        else:
            if ticket.counters is not self._counters:
                self._owe(changes)

    async def keep(self) -> None:
        """Keep slots of long calls, and tell what is owed, for ever. Run by the supervisor."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self.renew()

    async def renew(self) -> None:
        """Renew every slot that is held, and tell shared purses what they have not heard."""
        for counters in (self._counters, self._own):
            with suppress(StateAway):
                await self._renew_in(counters)
        with suppress(StateAway):
            await self._pay()

    async def close(self) -> None:
        """Tell what is owed, if that is possible now, and let go of the counters."""
        await self.renew()
        await self._counters.close()

    async def _renew_in(self, counters: Counters) -> None:
        held = [
            (ticket.holder, claim)
            for ticket in self._holding.values()
            if ticket.counters is counters
            for claim in ticket.claims
            if isinstance(claim, Slots)
        ]
        if held:
            await counters.renew(held)

    async def _take(self, ticket: Ticket) -> Taken | Refused:
        try:
            answer = await self._take_from(self._counters, ticket)
        except StateAway as error:
            if any(rule.closed for rule in ticket.rules):
                raise LimitsUnavailable("Limits cannot be counted now.", retry_after=1.0) from error
        else:
            self._is_away = False
            return answer
        if not self._is_away:
            # What an earlier absence counted is not what is used now.
            self._is_away, self._own = True, MemoryCounters(self._now)
        self._note.limits_unshared()
        ticket.counters = self._own
        return await self._take_from(self._own, ticket)

    async def _take_from(self, counters: Counters, ticket: Ticket) -> Taken | Refused:
        for _ in range(_TRIES):
            answer = await counters.take(ticket.holder, ticket.claims)
            if not isinstance(answer, Unknown):
                return answer
            async with self._telling:
                answer = await counters.take(ticket.holder, ticket.claims)
                if not isinstance(answer, Unknown):
                    return answer
                for index in answer.indexes:
                    await self._tell(counters, ticket, index)
        raise LimitsUnavailable("Budgets cannot be counted now.", retry_after=1.0)

    async def _tell(self, counters: Counters, ticket: Ticket, index: int) -> None:
        rule, purse = ticket.rules[index], ticket.claims[index]
        if not isinstance(rule, BudgetRule) or not isinstance(purse, Purse):
            raise TypeError("only a budget has a sum to be told")
        try:
            amount = await self._spent(ticket.subject, rule.of, begin(rule.per, self._now()))
        except StorageUnavailable as error:
            raise LimitsUnavailable("Budgets cannot be read now.", retry_after=1.0) from error
        # The sum of the ledger includes what is owed.
        if counters is self._counters:
            self._owed.pop(purse.key, None)
        await counters.tell(purse, amount.nano)

    def _changes(self, ticket: Ticket, outcome: Outcome | None) -> list[Change]:
        if outcome is None:
            return _undone(ticket)
        now = self._now()
        found: list[Change] = []
        for rule, claim, slice_ in zip(ticket.rules, ticket.claims, ticket.slices, strict=True):
            if isinstance(rule, LimitRule):
                change = rule.change(claim, slice_, success=outcome.success, usage=outcome.usage, charge=outcome.charge)
                if change is not None:
                    found.append(change)
            elif outcome.charge.nano > 0:
                # What is settled in the next period is spent in it, as in the ledger.
                found.append(Change(rule.claim(ticket.subject, now), outcome.charge.nano))
        return found

    def _owe(self, changes: Sequence[Change]) -> None:
        """Remember what the shared purses have to be told; windows and slots run out by themselves."""
        for change in changes:
            if isinstance(change.claim, Purse):
                before = self._owed.get(change.claim.key)
                same = (
                    before is not None
                    and isinstance(before.claim, Purse)
                    and before.claim.period == change.claim.period
                )
                more = before.amount if before is not None and same else 0
                self._owed[change.claim.key] = structs.replace(change, amount=change.amount + more)

    async def _pay(self) -> None:
        if not self._owed:
            return
        owed, self._owed = list(self._owed.values()), {}
        try:
            await self._counters.settle("", owed)
        except StateAway:
            self._owe(owed)


def _refusal(rule: Rule, claim: Claim, refused: Refused, now: datetime) -> RateLimited | BudgetSpent:
    if not isinstance(rule, LimitRule):
        return rule.refusal(now).said_by(rule.name)
    error = rule.refusal(refused.milliseconds).said_by(rule.name)
    if rule.measure is Measure.REQUESTS and isinstance(claim, Window):
        error.headers = _told(claim, 0, refused.milliseconds or 0)
    return error


def _undone(ticket: Ticket) -> list[Change]:
    """Give back all that was taken; of budgets nothing is, before it is spent."""
    limits = (
        (rule, claim, slice_)
        for rule, claim, slice_ in zip(ticket.rules, ticket.claims, ticket.slices, strict=True)
        if isinstance(rule, LimitRule)
    )
    changes = (rule.undoing(claim, slice_) for rule, claim, slice_ in limits)
    return [change for change in changes if change is not None]


def _headers(ticket: Ticket, taken: Taken, now: datetime) -> Mapping[str, str]:
    """Say what is left of the tightest limit of requests."""
    counted = [
        (left, claim, slice_)
        for rule, claim, left, slice_ in zip(ticket.rules, ticket.claims, taken.left, taken.slices, strict=True)
        if isinstance(rule, LimitRule) and rule.measure is Measure.REQUESTS and isinstance(claim, Window)
    ]
    if not counted:
        return _NO_HEADERS
    left, claim, slice_ = min(counted, key=lambda each: each[0])
    return _told(claim, left, (slice_ + claim.back + 1) * claim.width - int(now.timestamp() * 1000))


def _told(claim: Window, left: int, milliseconds: int) -> Mapping[str, str]:
    return {
        "x-ratelimit-limit-requests": str(claim.most),
        "x-ratelimit-remaining-requests": str(left),
        "x-ratelimit-reset-requests": f"{max(0, -(-milliseconds // 1000))}s",
    }
