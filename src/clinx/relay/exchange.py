"""The one mutable object of a request's life, and what goes back to the caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from types import MappingProxyType
from typing import TypeVar

from msgspec import Struct, field

from clinx.billing.estimate import Cover
from clinx.canonical.filters import EventFilter
from clinx.canonical.request import ChatRequest
from clinx.config.snapshot import Snapshot
from clinx.dialects.base import Dialect, Envelope, Inbound, Loss
from clinx.domain.catalog import Endpoint, Group, Model
from clinx.domain.identity import Principal
from clinx.domain.ledger import Reservation, Unresolved
from clinx.domain.money import ZERO, Amount
from clinx.domain.pricing import Quote, Rates
from clinx.domain.request_log import Attempt
from clinx.domain.usage import Usage
from clinx.errors import GatewayError
from clinx.policies.verdict import SILENT, Verdict
from clinx.relay.channel_gate import ChannelGate
from clinx.relay.seats import Seat
from clinx.routing.plan import Candidate, Plan

T = TypeVar("T")

_NO_FACTS: Mapping[str, object] = MappingProxyType({})


class Answer(Struct):
    """What goes back: a whole body, or a stream that settles itself as it ends."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    stream: AsyncGenerator[bytes, None] | None = None


class Exchange(Struct):
    """One request and its answer, from arrival to settlement. Only `relay` sees it whole."""

    id: str
    at: datetime
    started: float
    """Monotonic seconds."""
    snapshot: Snapshot
    """Pinned for the whole exchange: it is priced at the prices it was admitted under."""
    dialect: Dialect
    endpoint: Endpoint
    secret: str | None
    address: str | None
    receive: Callable[[], Awaitable[Inbound]]
    """Reads the body, under its limits; called once the caller is known."""
    client_id: str | None = None
    """The caller's own ``X-Request-Id``."""

    seat: Seat | None = None
    """Its place among those that are served at a time; None where nothing is capped."""
    principal: Principal | None = None
    asked_model: str | None = None
    """The model the caller asked for, before any rule renamed it."""
    verdict: Verdict = SILENT
    """What the operator's rules say of it."""
    over: Callable[[], Awaitable[None]] | None = None
    """Tells whoever counted the exchange how it ended; called once, by `finish`."""
    channel_gate: ChannelGate | None = None
    """Takes the limits that count by channel; None where no such rule matched."""
    headers: Mapping[str, str] = MappingProxyType({})
    """What the answer says besides: how much of a limit is left."""
    envelope: Envelope | None = None
    model: Model | None = None
    request_facts: Mapping[str, object] | None = None
    """The body as conditions see it; None when no price of the model has any."""
    pinned: str | None = None
    """The name of the only channel that may serve it, by an admin's wish."""
    plan: Plan | None = None
    reservation: Reservation | None = None
    cover: Cover | None = None
    """What the reservation pays for."""
    unresolved: Unresolved = Unresolved.METERED
    """What was last written down of what it is charged if this process dies: as the channel says that has it now."""
    rates: Rates | None = None
    """What that channel is paid; None where it does not say."""
    floor: Amount = ZERO
    """What it is charged at least once it was sent: the price of its prompt, quickly estimated."""
    bound: int | None = None
    """Tokens of one answer, when the balance and not the caller bounds it."""
    asked: ChatRequest | None = None
    """The request in canonical form, once a channel needs it."""
    filters: Sequence[Callable[[], EventFilter]] = ()
    """What changes the answer on its way to the caller, set by the rules that matched."""
    watchers: Sequence[Callable[[], EventFilter]] = ()
    """What only looks at the answer; a channel that speaks as the caller does need not be translated for that."""
    thinking_to_content: bool | None = None
    """Whether thoughts are put into the text; None: as the channel says."""
    losses: Sequence[Loss] = ()
    """What the channel that answers was not told, and what of its answer could not be said."""
    routed_at: float | None = None
    """Monotonic seconds at which it was about to be sent: what its caller took until then is no channel's time."""
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    flags: list[str] = field(default_factory=list[str])
    """Names of the content rules that found something in the request or the answer."""
    let_go: Callable[[], None] | None = None
    """Gives back what the attempt under way uses of its channel; may be called more than once."""
    winner: Candidate | None = None
    upstream_id: str | None = None
    stored_id: str | None = None
    """The id under which the vendor keeps the answer."""
    stored_items: Sequence[str] = ()
    """The ids of its items there."""
    presented: str | None = None
    """The fingerprint of the only credential that knows what the request continues; None where any will do."""
    usage: Usage = field(default_factory=Usage)
    quote: Quote | None = None
    charge: Amount = ZERO
    cost: Amount | None = None
    """What we pay for it; None where that is not known."""
    status: int = 0
    first_byte: float | None = None
    """Monotonic seconds at which the first content was there."""
    error: GatewayError | None = None
    finished: bool = False
    """Settled or released and recorded: set once, by `finish`."""

    answered: bool = False
    """The answer's content is complete; at most its usage and its end are still to come."""

    stopped: GatewayError | None = None
    """Why the exchange must end now: the caller left, or the process is going away."""
    _waiting: asyncio.Task[object] | None = None

    @property
    def streams(self) -> bool:
        """Whether a stream was asked for, as far as is known yet."""
        return self.envelope is not None and self.envelope.stream

    def opened(self) -> tuple[Envelope, Model]:
        """Return what an exchange has once it was admitted.

        Raises:
            RuntimeError: asked for too early, a defect.
        """
        if self.envelope is None or self.model is None:
            raise RuntimeError("an exchange is opened before an answer is asked for")
        return self.envelope, self.model

    def candidates(self) -> tuple[Candidate, ...]:
        """Return the ways to serve the exchange, best first.

        Raises:
            RuntimeError: asked for before it was planned, a defect.
        """
        if self.plan is None:
            raise RuntimeError("an exchange is planned before anything is held for it")
        return self.plan.candidates

    def price(self, usage: Usage) -> Amount:
        """Price usage as the candidate that answers is charged.

        Raises:
            RuntimeError: asked for before one did, a defect.
        """
        if self.model is None or self.winner is None:
            raise RuntimeError("what an exchange costs is known once it is answered")
        group = self.winner.group
        return self.model.price.total(usage, self.multiplier(group), self.facts(group.name))

    def multiplier(self, group: Group) -> Fraction:
        """Return the factor on the price: the group's that serves, times what rules say."""
        return group.multiplier if self.verdict is SILENT else group.multiplier * self.verdict.factor

    def held(self) -> tuple[Reservation, Cover]:
        """Return what an exchange holds once it was admitted.

        Raises:
            RuntimeError: asked for too early, a defect.
        """
        if self.reservation is None or self.cover is None:
            raise RuntimeError("an exchange holds before an answer is asked for")
        return self.reservation, self.cover

    def facts(self, group: str) -> Mapping[str, object]:
        """Return what a price's conditions may look at when the call is served through a group."""
        if self.request_facts is None or self.envelope is None:
            return _NO_FACTS
        return {"request": self.request_facts, "model": self.envelope.model, "group": group}

    @property
    def kept_id(self) -> str | None:
        """The id by which the caller can ask about the answer: there is one where the vendor speaks as the caller."""
        winner = self.winner
        return self.stored_id if winner is not None and winner.endpoint.dialect == self.dialect.name else None

    def caller(self) -> Principal:
        """Return who calls.

        Raises:
            RuntimeError: asked for before authentication, a defect.
        """
        if self.principal is None:
            raise RuntimeError("a caller is authenticated before anything else")
        return self.principal

    @property
    def deadline(self) -> float:
        """Monotonic instant at which the whole exchange is over: its channels have that long from the first on."""
        longest = 0.0
        for each in self.plan.candidates if self.plan is not None else ():
            longest = max(longest, each.channel.timeouts.total)
        return (self.started if self.routed_at is None else self.routed_at) + longest

    def check(self) -> None:
        """Go on, unless the exchange was stopped: what `upstream` does where there is nothing to wait for.

        Raises:
            GatewayError: the reason the exchange was stopped with.
        """
        if self.stopped is not None:
            raise self.stopped

    def stop(self, reason: GatewayError) -> None:
        """End the exchange: whatever wait for an upstream is under way is interrupted, nothing else is."""
        if self.stopped is None:
            self.stopped = reason
        if self._waiting is not None:
            self._waiting.cancel()

    async def upstream(self, wait: Awaitable[T]) -> T:
        """Await something of an upstream's, interruptible by `stop`; database work never goes through here.

        Raises:
            GatewayError: the reason the exchange was stopped with.
        """
        if self.stopped is not None:
            if asyncio.iscoroutine(wait):
                wait.close()
            raise self.stopped
        self._waiting = task = asyncio.current_task()
        try:
            return await wait
        except asyncio.CancelledError:
            if self.stopped is None or task is None:
                raise
            task.uncancel()
            raise self.stopped from None
        finally:
            self._waiting = None
