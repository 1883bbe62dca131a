"""What a caller may ask for, answered without an upstream: the list of models, and one model's card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from clinx.dialects.base import Inbound
from clinx.domain.catalog import Group, Model
from clinx.domain.operation import Operation
from clinx.errors import ModelNotFound
from clinx.relay.admission import Admission
from clinx.relay.exchange import Answer, Exchange
from clinx.routing.plan import expand, offered

_JSON: Final[Mapping[str, str]] = MappingProxyType({"Content-Type": "application/json"})


@dataclass(frozen=True, slots=True)
class Listing:
    """Lists what a caller's group offers, as far as the caller's token and the rules allow it."""

    admission: Admission

    async def answer(self, exchange: Exchange, group: Group) -> Answer:
        """Answer a request for the list or for a card.

        Raises:
            ModelNotFound: the card's model is not offered to this caller.
        """
        inbound = await exchange.receive()
        dialect = exchange.dialect
        exchange.status = 200
        if exchange.endpoint.operation is Operation.LIST_MODELS:
            return Answer(200, _JSON, dialect.render_models(self._visible(exchange, inbound, group)))
        return Answer(200, _JSON, dialect.render_model(self._card(exchange, inbound, group)))

    def _visible(self, exchange: Exchange, inbound: Inbound, group: Group) -> tuple[Model, ...]:
        """The models the caller may ask for, by name; patterns are not names anyone can ask for."""
        allowed = exchange.caller().token.models
        snapshot = exchange.snapshot
        names = (name for name in offered(snapshot.routes, snapshot.groups, group) if "*" not in name)
        own = tuple(name for name in names if not allowed or name in allowed)
        left = self.admission.visible(exchange, inbound, group, own)
        found = ((name, snapshot.model(name)) for name in left)
        return tuple(replace(model, name=name) for name, model in found if model is not None)

    def _card(self, exchange: Exchange, inbound: Inbound, group: Group) -> Model:
        """Return one model's card; it may be offered by a pattern, and so be in no list."""
        name = inbound.match["model"]
        snapshot = exchange.snapshot
        allowed = exchange.caller().token.models
        offers = any(snapshot.routes.tiers(each.name, name) for each in expand(snapshot.groups, group))
        is_own = offers and "*" not in name and (not allowed or name in allowed)
        is_left = is_own and bool(self.admission.visible(exchange, inbound, group, (name,)))
        model = snapshot.model(name) if is_left else None
        if model is None:
            raise unknown(name)
        return replace(model, name=name)


def unknown(model: str) -> ModelNotFound:
    """Say that a model is not offered; nothing is said of why."""
    return ModelNotFound(f"The model {model[:100]!r} does not exist or is not offered to you.", param="model")
