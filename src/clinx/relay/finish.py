"""The end of an exchange, on every way out: settle or release exactly once, then say what happened."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from clinx.billing.cashier import Cashier
from clinx.domain.catalog import Channel
from clinx.domain.ledger import Reservation
from clinx.domain.receipt import Factor, written
from clinx.domain.request_log import Keeper, RequestLog
from clinx.domain.usage import Usage
from clinx.errors import BillingUnavailable, ClientGone, GatewayError, InternalError
from clinx.relay.costs import if_killed
from clinx.relay.exchange import Exchange
from clinx.relay.kept import KeptAnswers
from clinx.telemetry.logs import say
from clinx.telemetry.metrics import Mark, Metrics

log = logging.getLogger("clinx.relay")


@dataclass(frozen=True, slots=True)
class Finisher:
    """Closes exchanges. Shares the cashier's promise: a settlement that was handed over is never dropped."""

    cashier: Cashier
    metrics: Metrics
    monotonic: Callable[[], float]
    kept: KeptAnswers = field(default_factory=KeptAnswers)
    """Which channels keep the answers of late."""
    kept_items: KeptAnswers = field(default_factory=KeptAnswers)
    """The same of the items of answers."""

    async def settle(self, exchange: Exchange, usage: Usage, error: GatewayError | None = None) -> None:
        """Charge what was used, whether the answer was whole or cut short by ``error``."""
        if exchange.finished:
            return
        exchange.finished = True
        self._price(exchange, usage)
        exchange.error = error
        self._remember(exchange)
        record = self._record(exchange)
        self._tell(exchange)
        try:
            await self._charge(exchange, record)
        finally:
            if exchange.over is not None:
                await exchange.over()

    async def _charge(self, exchange: Exchange, record: RequestLog) -> None:
        if exchange.reservation is None:
            await self._keep(record)
            return
        reservation = self._covered(exchange, exchange.reservation)
        try:
            await self.cashier.settle(reservation, exchange.charge, log=record)
        except BillingUnavailable:
            # The cashier keeps the settlement and tries again; the caller has been served and is not punished.
            self.metrics.settlements_failed.inc()

    async def fail(self, exchange: Exchange, error: GatewayError) -> None:
        """Charge nothing: give the hold back and record the failure."""
        if exchange.finished:
            return
        exchange.finished = True
        exchange.error = error
        exchange.status = error.http_status
        record = self._record(exchange)
        self._tell(exchange)
        try:
            await self._release(exchange, record)
        finally:
            if exchange.over is not None:
                await exchange.over()

    async def _release(self, exchange: Exchange, record: RequestLog) -> None:
        if exchange.reservation is None:
            await self._keep(record)
            return
        try:
            await self.cashier.release(exchange.reservation, log=record)
        except BillingUnavailable:
            self.metrics.settlements_failed.inc()

    def reroute(self, exchange: Exchange, channel: Channel) -> None:
        """Write down what becomes of it if this process dies, where a channel says otherwise than the last one."""
        if exchange.reservation is None:
            return
        if channel.unresolved is not exchange.unresolved or channel.cost is not exchange.rates:
            exchange.unresolved, exchange.rates = channel.unresolved, channel.cost
            envelope, _ = exchange.opened()
            reservation, cover = exchange.held()
            cost = if_killed(channel, envelope.prompt_bytes, cover)
            self.cashier.progress(reservation, exchange.floor, channel.unresolved, cost)

    def note(self, exchange: Exchange) -> None:
        """Say what happened in an exchange that cost nothing and reached no upstream."""
        if not exchange.finished:
            exchange.finished = True
            self._tell(exchange)

    async def abandon(self, exchange: Exchange) -> None:
        """Give back what an interrupted exchange still holds. A stream settles itself when it is closed."""
        if exchange.let_go is not None:
            exchange.let_go()
        if not exchange.finished:
            await self.fail(exchange, exchange.stopped or ClientGone("The exchange was interrupted."))

    async def unforeseen(self, exchange: Exchange, cause: BaseException) -> InternalError:
        """Turn a defect into an answer that says nothing about it; the log has it all."""
        log.error("exchange.defect", extra={"id": exchange.id}, exc_info=cause)
        error = InternalError("The gateway failed to handle this request.")
        await self.fail(exchange, error)
        return error

    def _remember(self, exchange: Exchange) -> None:
        """Note who keeps an answer that its caller may continue."""
        answer, winner, envelope = exchange.kept_id, exchange.winner, exchange.envelope
        if answer is not None and winner is not None and envelope is not None:
            credential = exchange.attempts[-1].credential if exchange.attempts else ""
            keeper = Keeper(winner.channel.name, credential, envelope.model, exchange.asked_model)
            user = exchange.caller().user.id
            self.kept.remember(user, answer, keeper)
            for item in exchange.stored_items:
                self.kept_items.remember(user, item, keeper)

    def _covered(self, exchange: Exchange, reservation: Reservation) -> Reservation:
        """Raise a hold that its charge exceeds, where that can be done at once; count what then is not covered.

        Not all that is charged is seen coming: thoughts that a vendor bills and does not show are in no stream.
        """
        if exchange.charge <= reservation.amount:
            return reservation
        if reservation.leased and (raised := self.cashier.extend(reservation, exchange.charge)) is not None:
            exchange.reservation = raised
            return raised
        self.metrics.overdraft_nano.inc(exchange.charge.nano - reservation.amount.nano)
        return reservation

    async def _keep(self, record: RequestLog) -> None:
        if record.user_id is not None:
            await self.cashier.record(record)

    def _price(self, exchange: Exchange, usage: Usage) -> None:
        exchange.usage = usage
        if exchange.model is None or exchange.winner is None:
            return
        group = exchange.winner.group
        quote = exchange.model.price.quote(usage, exchange.multiplier(group), exchange.facts(group.name))
        exchange.quote = quote
        exchange.charge = quote.total
        rates = exchange.winner.channel.cost
        if rates is not None:
            exchange.cost = rates.cost(usage)

    def _record(self, exchange: Exchange) -> RequestLog:
        envelope, principal, winner = exchange.envelope, exchange.principal, exchange.winner
        first = exchange.first_byte
        return RequestLog(
            id=exchange.id,
            at=exchange.at,
            revision=exchange.snapshot.revision.id,
            dialect=exchange.dialect.name,
            operation=str(exchange.endpoint.operation),
            outcome=exchange.error.code if exchange.error else "ok",
            status=exchange.status,
            user_id=principal.user.id if principal else None,
            token_id=principal.token.id if principal else None,
            group=principal.group if principal else None,
            model=envelope.model if envelope else None,
            channel=winner.channel.name if winner else None,
            upstream_model=winner.upstream_model if winner else None,
            upstream_id=exchange.kept_id or exchange.upstream_id,
            stream=envelope.stream if envelope else False,
            usage=exchange.usage,
            charge=exchange.charge,
            quote=_lines(exchange),
            attempts=tuple(exchange.attempts),
            seconds=self.monotonic() - exchange.started,
            first_byte_seconds=first - exchange.started if first is not None else None,
            address=exchange.address,
            asked_model=exchange.asked_model,
            refused_by=exchange.error.rule if exchange.error else None,
            cost=exchange.cost,
        )

    def _tell(self, exchange: Exchange) -> None:
        """One event and one set of figures per exchange."""
        outcome = exchange.error.code if exchange.error else "ok"
        seconds = self.monotonic() - exchange.started
        used = exchange.usage.nonzero()
        self._count(exchange, outcome, seconds, used)
        fields = _event(exchange, outcome, seconds, used)
        say(log, "exchange.failed" if exchange.error else "exchange.finished", fields)

    def _count(self, exchange: Exchange, outcome: str, seconds: float, used: Mapping[str, int]) -> None:
        model = exchange.model.name if exchange.model else ""
        first = exchange.first_byte
        mark = Mark(exchange.dialect.name, str(exchange.endpoint.operation), model, outcome)
        self.metrics.finished(mark, seconds, None if first is None else first - exchange.started)
        if exchange.winner is not None and used:
            counts = {unit: count for unit, count in used.items() if unit != "estimated"}
            self.metrics.consumed(model, counts, exchange.charge.nano)


def _lines(exchange: Exchange) -> tuple[str, ...]:
    """Write the quote down: what was used at which rate, and every factor of the charge with who puts it there."""
    quote, winner = exchange.quote, exchange.winner
    if quote is None or winner is None:
        return ()
    group = winner.group
    factors = [str(Factor(factor, rule=rule)) for rule, factor in exchange.verdict.factors]
    if group.multiplier != 1 or group.name != exchange.caller().group:
        factors.insert(0, group.factor)
    return written(quote, factors)


def _event(exchange: Exchange, outcome: str, seconds: float, used: Mapping[str, int]) -> dict[str, object]:
    """The fields of the one event; no prompt, no secret, no caller text but the model's name, cut short."""
    envelope, principal, winner = exchange.envelope, exchange.principal, exchange.winner
    cause = exchange.error.__cause__ if exchange.error else None
    return {
        "id": exchange.id,
        "client_id": exchange.client_id,
        "revision": exchange.snapshot.revision.id,
        "dialect": exchange.dialect.name,
        "operation": str(exchange.endpoint.operation),
        "outcome": outcome,
        "status": exchange.status,
        "cause": f"{type(cause).__name__}: {cause}"[:300] if cause is not None else None,
        "user": principal.user.id if principal else None,
        "token": principal.token.id if principal else None,
        "model": envelope.model[:100] if envelope else None,
        "channel": winner.channel.name if winner else None,
        "stream": envelope.stream if envelope else None,
        "usage": used or None,
        "charge": str(exchange.charge),
        "rules": [rule.name for rule in exchange.verdict.rules] or None,
        "flags": exchange.flags or None,
        "attempts": [f"{a.channel}:{a.outcome} {a.seconds:.3f}s" for a in exchange.attempts] or None,
        "seconds": round(seconds, 4),
        "first_byte_seconds": round(exchange.first_byte - exchange.started, 4) if exchange.first_byte else None,
    }
