"""What this process may spend without asking the database: a hold of a rich account costs a subtraction.

Part of an account, and of a token's budget where it has one, is lent to the process; calls hold and settle out of that
in memory. When it is half used up more is asked for in the background. What nobody uses is returned after some
seconds, or when another process needs it. An account that is too poor to be shared out is not leased at all: the
database itself holds for it, exactly (`Direct`).

Nothing here is written down: the journal says what became of each hold, the lender's totals what was lent. A process
that dies loses this memory, and its next life returns what the dead one had not spent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from msgspec import Struct

from clinx.billing.lender import Lender
from clinx.billing.operations import Direct, Loan
from clinx.billing.pocket import Pockets, Standing
from clinx.billing.repayment import Repayments
from clinx.domain.identity import Principal
from clinx.domain.ledger import Reservation, token_scope
from clinx.domain.money import MAX_NANO, Amount
from clinx.errors import BillingUnavailable, GatewayError, NotCovered
from clinx.storage.announcements import Topic
from clinx.telemetry.tasks import Supervisor

__all__ = ["Direct", "Leases", "Lender", "Standing", "Taken"]

CALLS: Final = 8
"""A loan is for this many calls like the dearest that waits, at least."""
IDLE: Final = timedelta(seconds=5)
"""What no call has used for so long is returned."""
POOR: Final = timedelta(seconds=1)
"""How long an account that was too poor for a loan is not asked for one again."""
QUIET: Final = timedelta(seconds=1)
"""How long after a failure nothing is asked for in the background."""
TIDY: Final = timedelta(seconds=1)
"""Time between two looks for what is idle."""
GRACE: Final = timedelta(seconds=5)
"""How long `Leases.close` waits for the lender."""

_MICROSECOND: Final = timedelta(microseconds=1)


class Taken(Struct, frozen=True):
    """An amount is held in memory."""

    capped: bool
    """Whether it was taken of the token's budget too."""


_UNCAPPED: Final = Taken(capped=False)
_CAPPED: Final = Taken(capped=True)


class _Waiter(Struct, frozen=True):
    """A call that waits for a loan."""

    nano: int
    answer: asyncio.Future[Taken | Direct]


class _Request(Struct):
    """What is asked of the lender for one user and token: at most one thing at a time, however many wait."""

    principal: Principal
    renewal: int
    """What was taken when it seemed time to ask for more; 0 when nobody but the waiting wants it."""
    waiting: list[_Waiter]
    task: asyncio.Task[None] | None = None

    def pending(self) -> list[_Waiter]:
        """Return who waits, in order of arrival; those who left are forgotten."""
        self.waiting = [waiter for waiter in self.waiting if not waiter.answer.done()]
        return list(self.waiting)


class Leases:
    """The leases of one life of a process."""

    def __init__(self, lender: Lender, supervisor: Supervisor, *, monotonic_ns: Callable[[], int]) -> None:
        """Wire it; `keep` must run for idle money to be returned."""
        self._lender = lender
        self._supervisor = supervisor
        self._clock = monotonic_ns
        self._pockets = Pockets(monotonic_ns)
        self._users, self._tokens = self._pockets.users, self._pockets.tokens
        self._requests: dict[tuple[int, int], _Request] = {}
        self._repayments = Repayments(lender, supervisor)
        self._listening: dict[str, list[asyncio.Future[None]]] = {}
        self._closing = False

    def take(self, principal: Principal, amount: Amount) -> Taken | None:
        """Hold an amount at once, of the user's lease and of the token's where it has a budget: of both or none.

        None when that is not there; `acquire` asks for more.
        """
        nano = amount.nano
        if nano < 0:
            raise ValueError("a hold is not negative")
        pocket = self._users.get(principal.user.id)
        if pocket is None or pocket.left < nano:
            return None
        token, now = principal.token, self._clock()
        pocket.callers[token.id] = principal
        if token.budget is None:
            pocket.take(nano, now)
            if pocket.left < pocket.low:
                self._renew(principal, nano)
            return _UNCAPPED
        cap = self._tokens.get(token.id)
        if cap is None or cap.left < nano:
            return None
        pocket.take(nano, now)
        cap.take(nano, now)
        if pocket.left < pocket.low or cap.left < cap.low:
            self._renew(principal, nano)
        return _CAPPED

    async def acquire(self, principal: Principal, amount: Amount) -> Taken | Direct:
        """Hold an amount, of a new loan if need be; `Direct` when the database itself must hold it.

        What is left here is returned before `Direct` is answered: a direct hold sees all the money there is.

        Raises:
            NotCovered: nothing covers it: `InsufficientBalance`, `BudgetSpent`.
            TokenDisabled, TokenExpired, PermissionDenied: the token or its user may not spend any more.
            BillingUnavailable: the ledger cannot be written now.
        """
        taken = self.take(principal, amount) if amount else _UNCAPPED
        if taken is not None:
            return taken
        if self._closing:
            raise _unavailable()
        if self._clock() < self._pockets.scarcest(principal).poor_until:
            await self._empty(principal)
            return Direct.DIRECT
        waiter = _Waiter(amount.nano, asyncio.get_running_loop().create_future())
        self._request(principal).waiting.append(waiter)
        try:
            return await waiter.answer
        except asyncio.CancelledError:
            self._undo(principal, waiter)
            raise

    def extend(self, reservation: Reservation, by: Amount) -> bool:
        """Hold more for a running exchange, at once; False when it is not there now, and then it is asked for."""
        nano, now = by.nano, self._clock()
        if nano < 0:
            raise ValueError("a hold is not lowered")
        pockets = self._pockets.holding(reservation)
        enough = bool(pockets) and all(pocket.left >= nano for pocket in pockets)
        if enough:
            for pocket in pockets:
                pocket.take(nano, now)
        caller = pockets[0].callers.get(reservation.token_id) if pockets else None
        if caller is not None and not (enough and all(pocket.left >= pocket.low for pocket in pockets)):
            self._renew(caller, nano)
        return enough

    def give_back(self, reservation: Reservation, unused: Amount) -> None:
        """End a hold. What of it is unused may be held again; what was charged beyond it is the ledger's business."""
        now = self._clock()
        for pocket in self._pockets.holding(reservation):
            pocket.resolve(reservation.amount.nano, unused.nano, now)

    async def recall(self, principal: Principal) -> bool:
        """Return to the database what is left here of a caller's money; False when there was nothing to return."""
        return await self._empty(principal)

    async def heard_of(self, principal: Principal, within: timedelta) -> bool:
        """Wait until money arrives in one of a caller's scopes, but not for long; say whether some did."""
        news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        scopes = _scopes(principal)
        for scope in scopes:
            self._listening.setdefault(scope, []).append(news)
        try:
            done, _ = await asyncio.wait({news}, timeout=within.total_seconds())
        finally:
            for scope in scopes:
                self._listening[scope].remove(news)
                if not self._listening[scope]:
                    del self._listening[scope]
        return bool(done)

    def hear(self, topic: str, subject: str) -> None:
        """Take note of an announcement: a scope is recalled, or got money. Others are not for here."""
        pocket = self._pockets.find(subject)
        if topic == Topic.RECALL and pocket is not None:
            self._repayments.begin(pocket)
        elif topic == Topic.FUNDS:
            for news in self._listening.get(subject, ()):
                if not news.done():
                    news.set_result(None)
            if pocket is not None:
                pocket.poor_until = 0

    async def keep(self) -> None:
        """Return what is idle, again and again, until cancelled."""
        while True:
            await asyncio.sleep(TIDY.total_seconds())
            self.tidy()

    def tidy(self) -> None:
        """Begin to return what no call has used for `IDLE`; forget what was returned, all but its totals."""
        idle_since = self._clock() - _nanoseconds(IDLE)
        for pocket in list(self._pockets):
            if pocket.outstanding or pocket.used_at > idle_since:
                continue
            if pocket.left:
                self._repayments.begin(pocket)
            elif not self._repayments.is_under_way(pocket):
                self._pockets.drop(pocket)

    async def return_all(self) -> None:
        """Return everything that no call holds, and wait for it."""
        await self._repayments.make(self._pockets)

    async def close(self, grace: timedelta = GRACE) -> None:
        """Return everything that nobody holds, within the grace; no more is lent."""
        self._closing = True
        try:
            async with asyncio.timeout(grace.total_seconds()):
                if running := {request.task for request in self._requests.values() if request.task}:
                    await asyncio.wait(running)
                await self.return_all()
        except TimeoutError:
            return  # What is not returned now, the next life of this process returns.

    def standing(self, scope: str) -> Standing | None:
        """Return the sums of one lease; None when nothing is in memory of it."""
        pocket = self._pockets.find(scope)
        return None if pocket is None else pocket.standing()

    def standings(self) -> list[Standing]:
        """Return the sums of every lease in memory."""
        return [pocket.standing() for pocket in self._pockets]

    def _undo(self, principal: Principal, waiter: _Waiter) -> None:
        """Give back what somebody got who was cancelled before hearing of it."""
        answer = waiter.answer
        if not answer.done() or answer.cancelled() or answer.exception() is not None:
            return
        taken = answer.result()
        if isinstance(taken, Taken):
            for pocket in [self._pockets.user(principal), *([self._pockets.token(principal)] if taken.capped else [])]:
                pocket.resolve(waiter.nano, waiter.nano, self._clock())

    def _renew(self, principal: Principal, nano: int) -> None:
        """Ask for more in the background, unless that is under way, or was in vain a moment ago."""
        now = self._clock()
        if (
            self._closing
            or now < self._pockets.user(principal).quiet_until
            or now < self._pockets.scarcest(principal).poor_until
        ):
            return
        if (principal.user.id, principal.token.id) not in self._requests:
            self._request(principal).renewal = max(nano, 1)

    def _request(self, principal: Principal) -> _Request:
        """Return what is asked for a caller; it begins now if nothing is under way."""
        key = (principal.user.id, principal.token.id)
        request = self._requests.get(key)
        if request is None:
            request = self._requests[key] = _Request(principal, 0, [])
            request.task = self._supervisor.start(self._serve(key, request), name="lend")
        request.principal = principal
        return request

    async def _serve(self, key: tuple[int, int], request: _Request) -> None:
        try:
            while (waiting := request.pending()) or request.renewal:
                await self._ask(request, waiting)
        finally:
            del self._requests[key]
            for waiter in request.pending():  # Only when this was cancelled, or is a defect.
                waiter.answer.set_exception(_unavailable())

    async def _ask(self, request: _Request, waiting: Sequence[_Waiter]) -> None:
        """Ask for a loan once, and answer those who wait as far as it goes."""
        principal = request.principal
        least = max([request.renewal, *(waiter.nano for waiter in waiting)])
        request.renewal = 0
        try:
            loan = await self._lender.lend(principal, Amount(least), self._wish(principal, least, waiting))
        except NotCovered as refusal:
            there = least - 1 if refusal.available_nano is None else refusal.available_nano
            await self._refuse(
                principal, [waiter for waiter in waiting if waiter.nano > min(there, least - 1)], refusal
            )
        except GatewayError as failure:
            _answer(waiting, failure)
        else:
            if isinstance(loan, Direct):
                self._pockets.scarcest(principal).poor_until = self._clock() + _nanoseconds(POOR)
            else:
                self._hand_out(request, loan)
            if waiting and not any(waiter.answer.done() for waiter in waiting):
                await self._empty(principal)
                _answer(waiting, Direct.DIRECT)
            return
        self._pockets.user(principal).quiet_until = self._clock() + _nanoseconds(QUIET)

    def _wish(self, principal: Principal, least: int, waiting: Sequence[_Waiter]) -> Amount:
        pocket = self._pockets.user(principal)
        busy = 2 * pocket.outstanding + pocket.recent(self._clock())
        return Amount(min(MAX_NANO, max(CALLS * least, sum(waiter.nano for waiter in waiting), busy)))

    def _hand_out(self, request: _Request, loan: Loan) -> None:
        self._pockets.user(request.principal).receive(loan.granted.nano)
        if loan.token_granted is not None:
            self._pockets.token(request.principal).receive(loan.token_granted.nano)
        for waiter in request.pending():
            taken = self.take(request.principal, Amount(waiter.nano))
            if taken is not None:
                waiter.answer.set_result(taken)

    async def _refuse(self, principal: Principal, waiting: Sequence[_Waiter], refusal: NotCovered) -> None:
        """Refuse those who wait for too much, unless what is left here might still cover it."""
        if waiting and await self._empty(principal):
            _answer(waiting, Direct.DIRECT)
        else:
            _answer(waiting, refusal)

    async def _empty(self, principal: Principal) -> bool:
        """Return what is left in a caller's pockets, and wait for it; False when there was nothing."""
        pockets = (self._pockets.find(scope) for scope in _scopes(principal))
        return await self._repayments.make([pocket for pocket in pockets if pocket is not None])


def _answer(waiting: Sequence[_Waiter], answer: Direct | GatewayError) -> None:
    for waiter in waiting:
        if waiter.answer.done():
            continue
        if isinstance(answer, GatewayError):
            waiter.answer.set_exception(answer)
        else:
            waiter.answer.set_result(answer)


def _scopes(principal: Principal) -> list[str]:
    """Return what a caller's holds are of."""
    capped = principal.token.budget is not None
    return [principal.user.account, *([token_scope(principal.token.id)] if capped else [])]


def _nanoseconds(duration: timedelta) -> int:
    return duration // _MICROSECOND * 1000


def _unavailable() -> BillingUnavailable:
    return BillingUnavailable("The ledger cannot be written right now.", retry_after=1)
