"""The story of an exchange, on one page."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import timedelta

from clinx.accounts.authenticate import Authenticator, check_model
from clinx.billing.cashier import Cashier
from clinx.billing.estimate import ceiling, counted_bound, prompt_bound
from clinx.dialects.base import Envelope
from clinx.domain.catalog import Group, Model
from clinx.domain.ledger import Reservation
from clinx.domain.money import ZERO, Amount
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.errors import BudgetSpent, InsufficientBalance, ModelNotFound, PermissionDenied
from clinx.relay.attempts import Attempts
from clinx.relay.exchange import Answer, Exchange
from clinx.relay.facts import RequestFacts
from clinx.relay.meter import Meter
from clinx.routing.health import Health
from clinx.routing.plan import expand, offered, plan

_HOLD_MARGIN = timedelta(minutes=5)
"""How much longer a hold lives than the exchange it belongs to can."""


@dataclass(frozen=True, slots=True)
class Relay:
    """The rooms an exchange walks through."""

    authenticator: Authenticator
    cashier: Cashier
    health: Health
    attempts: Attempts
    draw: random.Random

    async def run(self, exchange: Exchange) -> Answer:
        """Answer one exchange.

        Raises:
            GatewayError: whatever stands in the way, before any content was sent; nothing is charged then.
        """
        operation = exchange.endpoint.operation
        # The ledger looks at the token again when it holds; where nothing is held, the database is asked.
        exchange.principal = await self.authenticator.authenticate(
            exchange.secret, exchange.address, fresh=not operation.is_billed
        )
        group = _group(exchange)
        if not operation.is_billed:
            return await self._answer_locally(exchange, group)
        exchange.envelope = envelope = exchange.dialect.open_request(operation, await exchange.receive())
        check_model(exchange.principal, envelope.model)
        if "*" in envelope.model:
            raise _unknown(envelope.model)  # A pattern's own name is nothing to ask for.
        exchange.plan = plan(
            exchange.snapshot.routes,
            exchange.snapshot.groups,
            group=group,
            model=envelope.model,
            operation=operation,
            dialect=exchange.dialect.name,
            draw=self.draw,
            health=self.health,
        )
        exchange.model = _priced(exchange, envelope)
        exchange.reservation = await self._hold(exchange, envelope, exchange.model)
        return await self.attempts.first_answer(exchange)

    async def _hold(self, exchange: Exchange, envelope: Envelope, model: Model) -> Reservation:
        """Hold the most this exchange can cost, before anything is sent.

        The prompt's bound is its size in bytes, which costs nothing to know. Where a balance does not cover that, the
        prompt is counted: whoever has little is refused for what it is, not for what it might be.
        """
        if model.price.cases:
            exchange.request_facts = RequestFacts(envelope.body)
        try:
            return await self._reserve(exchange, envelope, model, prompt_bound(envelope.prompt_bytes))
        except (InsufficientBalance, BudgetSpent):
            counted = await Meter(exchange.dialect, envelope, model).prompt()
            closer = counted_bound(counted)
            if closer >= prompt_bound(envelope.prompt_bytes):
                raise
            return await self._reserve(exchange, envelope, model, closer)

    async def _reserve(self, exchange: Exchange, envelope: Envelope, model: Model, prompt_tokens: int) -> Reservation:
        most = ceiling(
            prompt_tokens=prompt_tokens,
            choices=envelope.choices,
            max_output_tokens=envelope.max_output_tokens,
            model=model,
        )
        try:
            amount = _dearest(exchange, model, most)
        except OverflowError as error:
            raise InsufficientBalance("No balance covers a request of this size.", hint="Ask for less.") from error
        return await self.cashier.reserve(
            exchange.caller(),
            amount,
            request_id=exchange.id,
            revision=exchange.snapshot.revision.id,
            lifetime=timedelta(seconds=exchange.deadline - exchange.started) + _HOLD_MARGIN,
        )

    async def _answer_locally(self, exchange: Exchange, group: Group) -> Answer:
        """Answer what needs no upstream: the model list and one model's card."""
        inbound = await exchange.receive()
        cards = {model.name: model for model in _visible(exchange, group)}
        exchange.status = 200
        headers = {"Content-Type": "application/json"}
        if exchange.endpoint.operation is Operation.LIST_MODELS:
            return Answer(200, headers, exchange.dialect.render_models(tuple(cards.values())))
        card = cards.get(inbound.match["model"]) or _by_pattern(exchange, group, inbound.match["model"])
        return Answer(200, headers, exchange.dialect.render_model(card))


def _dearest(exchange: Exchange, model: Model, most: Usage) -> Amount:
    """Price the most an exchange may use. Which group will serve is not known yet: the dearest counts."""
    amount, seen = ZERO, None
    for candidate in exchange.plan.candidates if exchange.plan else ():
        if candidate.group is not seen:
            seen = candidate.group
            amount = max(amount, model.price.ceiling(most, seen.multiplier, exchange.facts(seen.name)))
    return amount


def _group(exchange: Exchange) -> Group:
    group = exchange.snapshot.groups.get(exchange.caller().group)
    if group is None:
        raise PermissionDenied(
            "Your group does not exist in the gateway's configuration.", hint="Ask the operator to assign another."
        )
    return group


def _priced(exchange: Exchange, envelope: Envelope) -> Model:
    model = exchange.snapshot.model(envelope.model)
    if model is None:
        # The compiler refuses a channel model without a price, so only a pattern's edge can lead here: fail closed.
        raise ModelNotFound(f"The model `{envelope.model[:100]}` has no price.", param="model")
    return model


def _unknown(model: str) -> ModelNotFound:
    return ModelNotFound(f"The model {model[:100]!r} does not exist or is not offered to you.", param="model")


def _by_pattern(exchange: Exchange, group: Group, name: str) -> Model:
    """Return the card of a model that is offered by a pattern, and so in no list.

    Raises:
        ModelNotFound: it is not.
    """
    snapshot = exchange.snapshot
    allowed = exchange.caller().token.models
    sources = expand(snapshot.groups, group)
    offers = any(snapshot.routes.tiers(source.name, name) for source in sources)
    model = snapshot.model(name) if offers and "*" not in name and (not allowed or name in allowed) else None
    if model is None:
        raise _unknown(name)
    return replace(model, name=name)


def _visible(exchange: Exchange, group: Group) -> tuple[Model, ...]:
    """The models the principal may ask for, by name; patterns are not names anyone can ask for."""
    allowed = exchange.caller().token.models
    snapshot = exchange.snapshot
    names = [name for name in offered(snapshot.routes, snapshot.groups, group) if "*" not in name]
    found = ((name, snapshot.model(name)) for name in names if not allowed or name in allowed)
    return tuple(replace(model, name=name) for name, model in found if model is not None)
