"""What a running stream may still cost: written down as it grows, raised while that works, else the end of it.

Every chunk costs two comparisons. Only where an estimate of what was made comes close to what is held, or something is
to be written down, is anything looked at; and only where the estimate says that the hold is used up is anything
counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from msgspec import structs

from clinx.billing.estimate import Cover, affordable, least_prompt
from clinx.dialects.base import StreamTap
from clinx.domain.ledger import Reservation, Unresolved
from clinx.domain.money import MAX_NANO, ZERO, Amount
from clinx.domain.usage import Usage
from clinx.errors import InsufficientBalance
from clinx.relay.costs import if_killed
from clinx.relay.exchange import Exchange
from clinx.relay.hold import dearest
from clinx.relay.meter import Meter

PROGRESS_TOKENS: Final = 2000
"""Tokens made after which it is written down what they cost."""
PROGRESS_SECONDS: Final = 1.0
"""Seconds after which it is, if anything was made."""

_BYTES: Final = 4
"""What is made is estimated as a token for so many bytes; there may be one in each."""
_NEVER: Final = 2**40
"""More tokens than any answer has."""


class Extending(Protocol):
    """The part of the cashier that running streams need."""

    def extend(self, reservation: Reservation, amount: Amount) -> Reservation | None:
        """Raise a hold to an amount; None when that is not possible now."""
        ...

    def progress(
        self, reservation: Reservation, metered: Amount, unresolved: Unresolved, cost: Amount | None = None
    ) -> None:
        """Write down what was metered so far, and what it costs us if the process dies now."""
        ...


class Allowance:
    """Keeps one stream within what its caller can pay for."""

    __slots__ = (
        "_cashier",
        "_count_at",
        "_due",
        "_exchange",
        "_look_at",
        "_meter",
        "_monotonic",
        "_tap",
        "_told",
        "_told_at",
        "_unseen",
    )

    def __init__(
        self,
        exchange: Exchange,
        tap: StreamTap,
        meter: Meter,
        *,
        cashier: Extending,
        monotonic: Callable[[], float],
    ) -> None:
        """Begin with the stream; nothing is written down before something was made."""
        self._exchange = exchange
        self._tap = tap
        self._meter = meter
        self._cashier = cashier
        self._monotonic = monotonic
        self._due = monotonic() + PROGRESS_SECONDS
        self._look_at = 0
        """Tokens made at which to look next; the first chunk tells."""
        self._count_at = 0
        """Tokens made below which the hold is certainly not used up."""
        self._unseen = 0
        """Tokens that the last count found beyond the estimate."""
        self._told = ZERO
        self._told_at = 0

    @property
    def is_due(self) -> bool:
        """Whether it is time to `look`."""
        return self._tap.made >= self._look_at or self._monotonic() >= self._due

    async def look(self) -> None:
        """Write down what was made, raise the hold if it is nearly used up, and find out whether it is used up.

        Raises:
            InsufficientBalance: the answer has come to cost more than is held for it, and goes on.
        """
        made, now = self._tap.made, self._monotonic()
        if made >= self._told_at + PROGRESS_TOKENS or now >= self._due:
            self._tell(made, now)
        raise_at = self._raise(made + self._unseen)
        if made >= max(self._count_at, self._suspicious) and not self._tap.answered:
            await self._count(made)
        look_at = min(raise_at - self._unseen, max(self._count_at, self._suspicious))
        self._look_at = min(look_at, self._told_at + PROGRESS_TOKENS)

    @property
    def _suspicious(self) -> int:
        """Tokens made, as estimated, from which on more than is held may have been made.

        An upstream that was told a bound of no more than is held keeps to it. Of one that may go on, text is the only
        witness, and no tokenizer makes more tokens than there are bytes.
        """
        _, cover = self._exchange.held()
        return cover.output + 1 if cover.output >= cover.most else (cover.output + 1) // _BYTES

    def _tell(self, made: int, now: float) -> None:
        self._due, self._told_at = now + PROGRESS_SECONDS, made
        reservation, _ = self._exchange.held()
        # What is only estimated, or reported by who is not to be believed, never costs more than was held.
        metered = min(self._metered(made), reservation.amount)
        if metered > self._told:
            self._told = metered
            self._cashier.progress(reservation, metered, self._exchange.unresolved, self._cost(made))

    def _cost(self, made: int) -> Amount | None:
        envelope, _ = self._exchange.opened()
        _, cover = self._exchange.held()
        winner = self._exchange.winner
        return None if winner is None else if_killed(winner.channel, envelope.prompt_bytes, cover, made)

    def _metered(self, made: int) -> Amount:
        envelope, _ = self._exchange.opened()
        _, cover = self._exchange.held()
        prompt = min(least_prompt(envelope.prompt_bytes), cover.prompt)
        try:
            return self._exchange.price(Usage(input=prompt, output=made, call=1))
        except OverflowError:
            return Amount(MAX_NANO)

    def _raise(self, made: int) -> int:
        """Raise the hold if it is time; return how much must be made before that is to be tried again."""
        reservation, cover = self._exchange.held()
        if not reservation.leased:
            return _NEVER
        if made >= cover.raise_at:
            wanted = cover.raised(made)
            raised = self._extended(reservation, wanted)
            if raised is None:
                return made + 1
            self._exchange.reservation, self._exchange.cover = raised, wanted
            if self._exchange.unresolved is Unresolved.HOLD and raised is not reservation:
                self._retell(raised, made)
            return wanted.raise_at
        return cover.raise_at

    def _retell(self, raised: Reservation, made: int) -> None:
        """Write down what it costs us if all is charged that is held now: that has become more."""
        if (cost := self._cost(made)) is not None:
            self._cashier.progress(raised, self._told, Unresolved.HOLD, cost)

    def _extended(self, reservation: Reservation, wanted: Cover) -> Reservation | None:
        try:
            amount = dearest(self._exchange, Usage(input=wanted.prompt, output=wanted.output, call=1))
        except OverflowError:
            return None
        return reservation if amount <= reservation.amount else self._cashier.extend(reservation, amount)

    async def _count(self, made: int) -> None:
        """Count exactly; what is then still paid for is certainly not used up before so many tokens more."""
        usage = await self._meter.total(self._tap.usage, self._tap.take_text(), whole=False)
        self._unseen = max(0, usage.output_tokens - made)
        self._raise(made + self._unseen)
        reservation, cover = self._exchange.held()
        more = affordable(
            reservation.amount.nano,
            _NEVER,
            lambda tokens: self._exchange.price(structs.replace(usage, output=usage.output + tokens)),
        )
        if more is None:
            raise InsufficientBalance(
                "The balance ended this answer: it has come to cost more than was left to pay for it.",
                hint="Top up the account, or lower max_tokens.",
            )
        self._count_at = made + max(more if cover.output >= cover.most else more // _BYTES, 1)
