"""The story of an exchange, on one page."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction

from clinx.accounts.authenticate import Authenticator, check_model
from clinx.billing.cashier import Cashier
from clinx.billing.estimate import ceiling, prompt_bound
from clinx.dialects.base import Envelope
from clinx.domain.catalog import Group, Model
from clinx.domain.identity import Principal
from clinx.domain.ledger import Reservation
from clinx.domain.operation import Operation
from clinx.errors import BillingUnavailable, ModelNotFound, PermissionDenied
from clinx.relay.attempts import Attempts
from clinx.relay.exchange import Answer, Exchange
from clinx.routing.health import Health
from clinx.routing.plan import offered, plan
from clinx.storage.failures import StorageUnavailable

_HOLD_MARGIN = timedelta(minutes=5)
"""How much longer a hold lives than the exchange it belongs to can."""

_SMALL = 1024
"""Members of a body larger than this are not facts: no price depends on a prompt's text."""


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
        exchange.principal = await self._authenticate(exchange)
        group = _group(exchange)
        if not operation.is_billed:
            return await self._answer_locally(exchange, group)
        exchange.envelope = envelope = exchange.dialect.open_request(operation, await exchange.receive())
        check_model(exchange.principal, envelope.model)
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

    async def _authenticate(self, exchange: Exchange) -> Principal:
        """Ask the cache where the ledger looks at the token again, the database where nothing else would."""
        fresh = not exchange.endpoint.operation.is_billed
        try:
            return await self.authenticator.authenticate(exchange.secret, exchange.address, fresh=fresh)
        except StorageUnavailable as error:
            raise BillingUnavailable("Accounts cannot be read right now.", retry_after=1) from error

    async def _hold(self, exchange: Exchange, envelope: Envelope, model: Model) -> Reservation:
        """Hold the most this exchange can cost, before anything is sent."""
        if model.price.cases:
            exchange.facts = _facts(exchange, envelope)
        most = ceiling(
            prompt_tokens=prompt_bound(envelope.prompt_bytes),
            choices=envelope.choices,
            max_output_tokens=envelope.max_output_tokens,
            model=model,
        )
        candidates = exchange.plan.candidates if exchange.plan else ()
        multiplier = max((c.group.multiplier for c in candidates), default=Fraction(1))
        return await self.cashier.reserve(
            exchange.caller(),
            model.price.ceiling(most, multiplier, exchange.facts),
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
        wanted = inbound.match["model"]
        if wanted not in cards:
            raise ModelNotFound(f"The model `{wanted[:100]}` does not exist or is not offered to you.", param="model")
        return Answer(200, headers, exchange.dialect.render_model(cards[wanted]))


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


def _visible(exchange: Exchange, group: Group) -> tuple[Model, ...]:
    """The models the principal may ask for, by name; patterns are not names anyone can ask for."""
    allowed = exchange.caller().token.models
    snapshot = exchange.snapshot
    names = [name for name in offered(snapshot.routes, snapshot.groups, group) if "*" not in name]
    found = ((name, snapshot.model(name)) for name in names if not allowed or name in allowed)
    return tuple(replace(model, name=name) for name, model in found if model is not None)


def _facts(exchange: Exchange, envelope: Envelope) -> Mapping[str, object]:
    """What a price's conditions may see: the small members of the body, never a prompt."""
    body = envelope.body
    small = {name: body.value(name) for name in body.names if len(body.raw(name) or b"") <= _SMALL}
    return {"request": small, "model": envelope.model, "group": exchange.caller().group}
