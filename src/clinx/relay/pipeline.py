"""The story of an exchange, on one page."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from clinx.accounts.authenticate import Authenticator, check_model
from clinx.billing.cashier import Cashier
from clinx.dialects.base import Envelope
from clinx.domain.catalog import Group, Model
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest, ModelNotFound, PermissionDenied
from clinx.relay.attempts import Attempts
from clinx.relay.exchange import Answer, Exchange
from clinx.relay.framing import framed
from clinx.relay.hold import Counter
from clinx.relay.meter import Meter
from clinx.relay.translate import translated_ways
from clinx.routing.health import Health
from clinx.routing.plan import Plan, expand, offered, plan

_JSON: Final[Mapping[str, str]] = MappingProxyType({"Content-Type": "application/json"})


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
        # That a token was revoked is announced to whoever holds for it; where nothing is held, the database is asked.
        exchange.principal = await self.authenticator.authenticate(
            exchange.secret, exchange.address, fresh=not operation.is_billed
        )
        group = _group(exchange)
        if operation in {Operation.LIST_MODELS, Operation.SHOW_MODEL}:
            return await self._answer_locally(exchange, group)
        exchange.envelope = envelope = exchange.dialect.open_request(operation, await exchange.receive())
        check_model(exchange.principal, envelope.model)
        if "*" in envelope.model:
            raise _unknown(envelope.model)  # A pattern's own name is nothing to ask for.
        if operation is Operation.COUNT_TOKENS:
            return await self._count_tokens(exchange, envelope, group)
        exchange.plan = self._plan(exchange, envelope, group)
        exchange.model = _priced(exchange, envelope)
        exchange.reservation = await Counter(self.cashier).hold(exchange)
        return framed(envelope, await self.attempts.first_answer(exchange))

    def _plan(self, exchange: Exchange, envelope: Envelope, group: Group) -> Plan:
        return plan(
            exchange.snapshot.routes,
            exchange.snapshot.groups,
            group=group,
            model=envelope.model,
            operation=envelope.operation,
            dialect=exchange.dialect.name,
            draw=self.draw,
            health=self.health,
            translated=translated_ways(exchange.dialect, envelope.operation),
        )

    async def _count_tokens(self, exchange: Exchange, envelope: Envelope, group: Group) -> Answer:
        """Ask a channel how many tokens a prompt is; where none of the model's channels counts, count here."""
        try:
            exchange.plan = self._plan(exchange, envelope, group)
        except InvalidRequest:
            exchange.plan = None
        exchange.model = model = _priced(exchange, envelope)
        if exchange.plan is not None:
            return await self.attempts.first_answer(exchange)
        tokens = await Meter(exchange.dialect, envelope, model).prompt()
        exchange.status = 200
        return Answer(200, _JSON, exchange.dialect.render_count(tokens))

    async def _answer_locally(self, exchange: Exchange, group: Group) -> Answer:
        """Answer what needs no upstream: the model list and one model's card."""
        inbound = await exchange.receive()
        cards = {model.name: model for model in _visible(exchange, group)}
        exchange.status = 200
        if exchange.endpoint.operation is Operation.LIST_MODELS:
            return Answer(200, _JSON, exchange.dialect.render_models(tuple(cards.values())))
        card = cards.get(inbound.match["model"]) or _by_pattern(exchange, group, inbound.match["model"])
        return Answer(200, _JSON, exchange.dialect.render_model(card))


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
