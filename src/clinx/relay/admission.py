"""What stands between an opened request and its plan: the operator's rules, and what they ask for.

`judge` decides without waiting for anything; of a long request it does so in a thread, if rules may look into it. What
it changed of the request is opened again, as if the caller had sent it so; what it counts goes through the gate, what
it looks for is searched in the texts. Where no rule says anything, all of this costs one look into an index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from msgspec import Struct, structs

from clinx.accounts.authenticate import check_model
from clinx.dialects.base import Envelope, Inbound
from clinx.dialects.body import JsonBody
from clinx.domain.catalog import Group
from clinx.domain.identity import Principal
from clinx.domain.steering import Steer
from clinx.errors import LimitsUnavailable, ModelNotAllowed, RateLimited
from clinx.policies.facts import Facts
from clinx.policies.gate import Gate, Outcome, Ticket
from clinx.policies.judge import judge, may_take_long, visible
from clinx.policies.subject import Subject
from clinx.policies.verdict import SILENT, Stickiness, Verdict
from clinx.relay.aside import LARGE, aside
from clinx.relay.channel_gate import ChannelGate, apart
from clinx.relay.exchange import Exchange
from clinx.relay.guarding import check_input, watch_output
from clinx.relay.scans import Scans
from clinx.routing.affinity import Affinity
from clinx.routing.plan import expand
from clinx.telemetry.metrics import Metrics


class Offers(Struct, frozen=True):
    """Tells which models a caller's group is offered by their very names."""

    exchange: Exchange
    group: Group

    def __call__(self, name: str) -> bool:
        """Tell it of one name."""
        snapshot = self.exchange.snapshot
        return any(snapshot.routes.lists(each.name, name) for each in expand(snapshot.groups, self.group))


@dataclass(frozen=True, slots=True)
class Admission:
    """Lets exchanges in as the rules say."""

    gate: Gate
    affinity: Affinity
    metrics: Metrics
    scans: Scans
    """Where long texts are looked at."""

    async def admit(self, exchange: Exchange, inbound: Inbound, group: Group) -> Envelope:
        """Judge an opened exchange, change its request, count it, and look into its texts; return what is left of it.

        Raises:
            PolicyRefused, ModelNotAllowed: a rule, or the token, does not let it pass.
            RateLimited, BudgetSpent, LimitsUnavailable: the gate does not.
            InvalidRequest: what the rules made of it is no request.
        """
        envelope = _opened(exchange)
        exchange.asked_model = envelope.model
        verdict = await self._judged(exchange, envelope, inbound, group)
        permit(exchange.caller(), envelope.model, verdict.model)
        if verdict is SILENT:
            return envelope
        exchange.verdict = verdict
        exchange.thinking_to_content = verdict.thinking_to_content
        if verdict.is_rewritten:
            added = sum(len(text) for text in verdict.changes.values() if text is not None)
            size = len(envelope.body.data) + added
            exchange.envelope = await aside(size, partial(rewritten, exchange, inbound, verdict))
        await self._enter(exchange, verdict)  # A question how many tokens a prompt is counts as a request, too.
        await self._guard(exchange, inbound, verdict)
        return _opened(exchange)

    async def admit_question(self, exchange: Exchange, inbound: Inbound, group: Group) -> None:
        """Judge a question about an answer that is kept, whose model is known by now, and count it.

        It has no body that could change or be looked into, and goes where the answer is kept; who asks about what
        nobody keeps names no model and is counted all the same.

        Raises:
            PolicyRefused, ModelNotAllowed: a rule, or the token, does not let it pass.
            RateLimited, BudgetSpent, LimitsUnavailable: the gate does not.
        """
        envelope = _opened(exchange)
        asked = structs.replace(envelope, model=exchange.asked_model or envelope.model)
        verdict = await self._judged(exchange, asked, inbound, group, served=envelope.model)
        if envelope.model:
            permit(exchange.caller(), asked.model, envelope.model)
        if verdict is SILENT:
            return
        exchange.verdict = verdict = structs.replace(verdict, stick=None)
        await self._enter(exchange, verdict)
        watch_output(exchange, verdict.guards, self.metrics)

    def steer(self, exchange: Exchange) -> Steer:
        """Return what rules say of the way, and whom the exchange sticks to."""
        verdict = exchange.verdict
        if verdict.stick is None:
            return verdict.steer
        sticky = self.affinity.find(exchange.caller().user.id, verdict.stick.key)
        return verdict.steer if sticky is None else structs.replace(verdict.steer, sticky=sticky)

    def visible(self, exchange: Exchange, inbound: Inbound, group: Group, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return those models that rules let the caller use."""
        policies = exchange.snapshot.policies
        if not policies.listing:
            return names
        empty = JsonBody.parse(b"{}")
        envelope = Envelope(exchange.dialect.name, exchange.endpoint.operation, "", False, empty, None, 1, 0, True)
        return visible(policies, facts(exchange, envelope, inbound.headers, group), names)

    async def _judged(
        self, exchange: Exchange, envelope: Envelope, inbound: Inbound, group: Group, *, served: str | None = None
    ) -> Verdict:
        policies = exchange.snapshot.policies
        if not policies.rules:
            return SILENT
        seen = facts(exchange, envelope, inbound.headers, group)
        size = len(envelope.body.data)
        if size > LARGE and not may_take_long(policies, seen):
            size = 0  # Most calls of a gateway concern no rule, however long they are: no thread is worth that.
        verdict = await aside(size, partial(judge, policies, seen, served))
        if verdict.refusal is not None:
            exchange.verdict = verdict
            raise verdict.refusal
        return verdict

    async def _enter(self, exchange: Exchange, verdict: Verdict) -> None:
        ticket = None
        if verdict.gated:
            principal = exchange.caller()
            model, address = _opened(exchange).model, exchange.address
            subject = Subject(principal.user.id, principal.token.id, principal.group, model, address)
            at_the_door, by_channel = apart(verdict.gated)
            ticket = await self.gate.enter(at_the_door, subject)
            if by_channel:
                exchange.channel_gate = ChannelGate(self.gate, by_channel, subject)
        if ticket is not None or verdict.stick is not None or exchange.channel_gate is not None:
            exchange.over = partial(self._over, exchange, ticket, verdict.stick)
            exchange.headers = ticket.headers if ticket is not None else {}

    async def _over(self, exchange: Exchange, ticket: Ticket | None, stick: Stickiness | None) -> None:
        """Tell the gate and the affinity how an exchange ended."""
        succeeded = exchange.error is None and exchange.winner is not None
        if stick is not None and succeeded and exchange.winner is not None:
            self.affinity.keep(exchange.caller().user.id, stick.key, exchange.winner.channel.name, stick.ttl)
        outcome = Outcome(succeeded, exchange.usage, exchange.charge)
        try:
            # Who was let to no channel is refused as at the door: nothing is counted then.
            await self.gate.leave(ticket, None if _is_stopped_by_limits(exchange) else outcome)
        finally:
            if exchange.channel_gate is not None:
                await exchange.channel_gate.leave(outcome)

    async def _guard(self, exchange: Exchange, inbound: Inbound, verdict: Verdict) -> None:
        if not verdict.guards:
            return
        masked = await check_input(exchange, verdict.guards, self.metrics, self.scans)
        if masked is not None:
            reopen = partial(_reopened, exchange, inbound, _opened(exchange).model, masked)
            exchange.envelope = await aside(len(masked), reopen)
        watch_output(exchange, verdict.guards, self.metrics)


def facts(exchange: Exchange, envelope: Envelope, headers: Mapping[str, str], group: Group) -> Facts:
    """Return what conditions see of an exchange."""
    principal = exchange.caller()
    return Facts(
        user=principal.user,
        token=principal.token,
        group=principal.group,
        model=envelope.model,
        operation=envelope.operation,
        dialect=envelope.dialect,
        stream=envelope.stream,
        headers=headers,
        address=exchange.address,
        at=exchange.at,
        body=envelope.body,
        offers=Offers(exchange, group),
        zone=exchange.snapshot.server.zone,
    )


def permit(principal: Principal, asked: str, served: str | None) -> None:
    """Let a model pass if the principal's token may use it: as it was asked for, or as the rules renamed it.

    Raises:
        ModelNotAllowed: the token is restricted to others.
    """
    try:
        check_model(principal, asked)
    except ModelNotAllowed:
        if served is None or served not in principal.token.models:
            raise


def rewritten(exchange: Exchange, inbound: Inbound, verdict: Verdict) -> Envelope:
    """Open the request that rules made of the one that came.

    Raises:
        InvalidRequest: it is none.
    """
    envelope = _opened(exchange)
    body = JsonBody.parse(envelope.body.patched(verdict.changes)) if verdict.changes else envelope.body
    model = verdict.model or envelope.model
    named = body.patched(envelope.naming(body, model)) if verdict.model is not None else body.data
    return _reopened(exchange, inbound, model, named)


def _reopened(exchange: Exchange, inbound: Inbound, model: str, body: bytes) -> Envelope:
    match = {**inbound.match, "model": model} if "model" in inbound.match else inbound.match
    changed = structs.replace(inbound, match=match, body=body)
    return exchange.dialect.open_request(exchange.endpoint.operation, changed)


def _is_stopped_by_limits(exchange: Exchange) -> bool:
    return isinstance(exchange.error, RateLimited | LimitsUnavailable) and not exchange.attempts


def _opened(exchange: Exchange) -> Envelope:
    if exchange.envelope is None:
        raise RuntimeError("a request is opened before it is admitted")
    return exchange.envelope
