"""The story of an exchange, on one page."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from msgspec import structs

from clinx.accounts.authenticate import Authenticator
from clinx.accounts.pin import HEADER, pinned_channel
from clinx.billing.cashier import Cashier
from clinx.dialects.base import Envelope
from clinx.domain.catalog import Group, Model
from clinx.domain.operation import Operation
from clinx.domain.steering import FREE, Steer
from clinx.errors import InvalidRequest, ModelNotFound, NoChannel, PermissionDenied
from clinx.relay import pins
from clinx.relay.admission import Admission
from clinx.relay.attempts import Attempts
from clinx.relay.exchange import Answer, Exchange
from clinx.relay.framing import framed
from clinx.relay.hold import Counter
from clinx.relay.listing import Listing, unknown
from clinx.relay.meter import Meter
from clinx.relay.seats import Seats
from clinx.relay.stored import Stored
from clinx.relay.translate import translated_ways
from clinx.routing.health import Health
from clinx.routing.overrides import Overlay
from clinx.routing.plan import Plan, plan

_JSON: Final[Mapping[str, str]] = MappingProxyType({"Content-Type": "application/json"})


@dataclass(frozen=True, slots=True)
class Relay:
    """The rooms an exchange walks through."""

    authenticator: Authenticator
    cashier: Cashier
    health: Health
    attempts: Attempts
    draw: random.Random
    seats: Seats
    stored: Stored
    admission: Admission
    overlay: Overlay

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
            return await Listing(self.admission).answer(exchange, group)
        if (caps := exchange.snapshot.server.concurrency) is None:
            exchange.check()
            self.seats.uncap()
        else:
            exchange.seat = await exchange.upstream(self.seats.take(caps, exchange.principal))
        inbound = await exchange.receive()
        if (named := pinned_channel(exchange.principal, inbound.headers.get(HEADER))) is not None:
            exchange.pinned = pins.known(exchange.snapshot, named)
        exchange.envelope = envelope = exchange.dialect.open_request(operation, inbound)
        if envelope.stored is not None:
            keeper = await self.stored.found(exchange, envelope, envelope.stored)
            await self.admission.admit_question(exchange, inbound, group)
            return _counted(exchange, await self.stored.answer(exchange, envelope.stored, keeper, group))
        envelope = await self.admission.admit(exchange, inbound, group)
        if "*" in envelope.model:
            raise unknown(envelope.model)  # A pattern's own name is nothing to ask for.
        if operation is Operation.COUNT_TOKENS:
            return await self._count_tokens(exchange, envelope, group)
        steer = self.admission.steer(exchange)
        if envelope.needs_keeper:
            steer = await self.stored.steered(exchange, steer)
        exchange.plan = self._plan(exchange, envelope, group, steer)
        exchange.model = _priced(exchange, envelope)
        exchange.reservation = await Counter(self.cashier).hold(exchange)
        return _counted(exchange, framed(envelope, await self.attempts.first_answer(exchange)))

    def _plan(self, exchange: Exchange, envelope: Envelope, group: Group, steer: Steer = FREE) -> Plan:
        snapshot = exchange.snapshot
        model = snapshot.model(envelope.model)
        if exchange.pinned is not None:
            steer = structs.replace(steer, pinned=exchange.pinned)
        # What is kept at a vendor cannot be translated: only its own format can name it.
        translated = () if envelope.needs_keeper else translated_ways(exchange.dialect, envelope.operation)
        try:
            return plan(
                self.overlay.routes(snapshot.routes, snapshot.channels),
                snapshot.groups,
                group=group,
                model=envelope.model,
                operation=envelope.operation,
                dialect=exchange.dialect.name,
                draw=self.draw,
                health=self.health,
                translated=translated,
                steer=steer,
                strategy=None if model is None else model.strategy,
            )
        except NoChannel as error:
            ways = ((envelope.operation, exchange.dialect.name), *translated)
            raise pins.never(exchange, group, envelope.model, ways) or error from None

    async def _count_tokens(self, exchange: Exchange, envelope: Envelope, group: Group) -> Answer:
        """Ask a channel how many tokens a prompt is; where none of the model's channels counts, count here."""
        try:
            exchange.plan = self._plan(exchange, envelope, group, exchange.verdict.steer)
        except InvalidRequest as error:
            if error.param == HEADER:
                raise  # It is the channel that was named, not the model, that cannot.
            exchange.plan = None
        exchange.model = model = _priced(exchange, envelope)
        if exchange.plan is not None:
            return await self.attempts.first_answer(exchange)
        tokens = await Meter(exchange.dialect, envelope, model).prompt()
        exchange.status = 200
        if exchange.over is not None:
            await exchange.over()  # It reaches no upstream, so nobody settles it.
        return Answer(200, _JSON, exchange.dialect.render_count(tokens))


def _counted(exchange: Exchange, answer: Answer) -> Answer:
    """Say on an answer what is left of a limit."""
    if exchange.headers:
        answer.headers = {**answer.headers, **exchange.headers}
    return answer


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
