"""What an exchange holds before anything is sent, and what is asked for when a balance does not cover all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from clinx.billing.cashier import Cashier, Wanted
from clinx.billing.estimate import (
    HORIZON,
    Cover,
    affordable,
    ceiling,
    counted_bound,
    least_prompt,
    longest_answer,
    prompt_bound,
)
from clinx.domain.ledger import Reservation
from clinx.domain.money import ZERO, Amount
from clinx.domain.usage import Usage
from clinx.errors import InsufficientBalance, NotCovered
from clinx.relay.costs import if_killed
from clinx.relay.exchange import Exchange
from clinx.relay.facts import RequestFacts
from clinx.relay.meter import Meter

MIN_ANSWER: Final = 16
"""Tokens of an answer below which it is not worth having: a caller who can pay for less is refused."""

_MARGIN: Final = timedelta(minutes=5)
"""How much longer a hold lives than the exchange it belongs to can."""

_TRIES: Final = 2
"""How often less is asked for: a balance and a token's budget are refused one at a time."""


@dataclass(frozen=True, slots=True)
class Counter:
    """Where exchanges hold what they may cost."""

    cashier: Cashier

    async def hold(self, exchange: Exchange) -> Reservation:
        """Hold the most an exchange can cost, before anything is sent; of a stream, what can be raised as it runs.

        The prompt's bound is its size in bytes, which costs nothing to know. Where a balance does not cover that, the
        prompt is counted: whoever has little is refused for what it is, not for what it might be. And where it does
        not cover answers of the length that was asked for, shorter ones are asked for.

        Raises:
            InsufficientBalance, BudgetSpent: not even short answers are covered.
            TokenDisabled, TokenExpired, PermissionDenied, BillingUnavailable: as `Cashier.reserve` says.
        """
        envelope, model = exchange.opened()
        if model.price.cases:
            exchange.request_facts = RequestFacts(envelope.body)
        loose = prompt_bound(envelope.prompt_bytes)
        try:
            return await self._reserve(exchange, loose)
        except NotCovered as error:
            refusal = error
        prompt_tokens = min(loose, counted_bound(await Meter(exchange.dialect, envelope, model).prompt()))
        for _ in range(_TRIES):
            if not _shorten(exchange, prompt_tokens, refusal.available_nano):
                break
            try:
                return await self._reserve(exchange, prompt_tokens)
            except NotCovered as error:
                refusal = error
        raise refusal

    async def _reserve(self, exchange: Exchange, prompt_tokens: int) -> Reservation:
        most = _most(exchange, prompt_tokens)
        start = min(most.output, HORIZON) if exchange.streams and _grows(exchange) else most.output
        try:
            whole = dearest(exchange, most)
            amount = whole if start == most.output else dearest(exchange, _with_output(most, start))
        except OverflowError as error:
            raise InsufficientBalance("No balance covers a request of this size.", hint="Ask for less.") from error
        first, (envelope, _) = exchange.candidates()[0].channel, exchange.opened()
        entire = Cover(most.input, most.output, most.output)
        begun = entire if start == most.output else Cover(most.input, start, most.output)
        cost = if_killed(first, envelope.prompt_bytes, begun)
        wanted = Wanted(
            request_id=exchange.id,
            revision=exchange.snapshot.revision.id,
            amount=amount,
            whole=whole,
            lifetime=timedelta(seconds=exchange.deadline - exchange.started) + _MARGIN,
            floor=_floor(exchange, most),
            unresolved=first.unresolved,
            cost=cost,
            whole_cost=cost if begun is entire else if_killed(first, envelope.prompt_bytes, entire),
        )
        reservation = await self.cashier.reserve(exchange.caller(), wanted)
        exchange.unresolved, exchange.rates, exchange.floor = first.unresolved, first.cost, wanted.floor
        exchange.cover = begun if reservation.leased else entire
        return reservation


def dearest(exchange: Exchange, most: Usage) -> Amount:
    """Price the most an exchange may use. Which group will serve is not known yet: the dearest counts.

    Raises:
        OverflowError: more than any balance holds.
    """
    _, model = exchange.opened()
    amount, seen = ZERO, None
    for candidate in exchange.candidates():
        if candidate.group is not seen:
            seen = candidate.group
            amount = max(amount, model.price.ceiling(most, exchange.multiplier(seen), exchange.facts(seen.name)))
    return amount


def _grows(exchange: Exchange) -> bool:
    _, model = exchange.opened()
    return model.grows


def _floor(exchange: Exchange, most: Usage) -> Amount:
    """Price the prompt and the call, for the candidate that is asked first."""
    envelope, model = exchange.opened()
    group = exchange.candidates()[0].group
    prompt = Usage(input=min(least_prompt(envelope.prompt_bytes), most.input), call=1)
    return model.price.total(prompt, exchange.multiplier(group), exchange.facts(group.name))


def _most(exchange: Exchange, prompt_tokens: int, answer: int | None = None) -> Usage:
    envelope, model = exchange.opened()
    return ceiling(
        prompt_tokens=prompt_tokens,
        choices=envelope.choices,
        max_output_tokens=envelope.max_output_tokens if answer is None else answer,
        model=model,
    )


def _with_output(most: Usage, tokens: int) -> Usage:
    return Usage(input=most.input, output=tokens, call=most.call)


def _shorten(exchange: Exchange, prompt_tokens: int, available_nano: int | None) -> bool:
    """Bound the answers to what an amount pays for after the prompt; False when that is too little or cannot be said.

    The bound is told to the upstream as the caller's own, in the body: a channel's renames and conditions see it.
    """
    if available_nano is None:
        return False
    envelope, model = exchange.opened()
    asked = longest_answer(envelope.max_output_tokens, model)
    tokens = affordable(available_nano, asked, lambda answer: dearest(exchange, _most(exchange, prompt_tokens, answer)))
    if tokens is None or tokens == asked:
        return tokens is not None
    bounded = exchange.dialect.bounded(envelope, tokens) if tokens >= MIN_ANSWER else None
    if bounded is None:
        return False
    exchange.envelope, exchange.bound = bounded, tokens
    return True
