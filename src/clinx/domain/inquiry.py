"""What people ask of a gateway about itself, and what they are told: routes, prices, requests, plans, channel tests.

Amounts of single rates are exact decimals in text, for they may be finer than the ledger; sums are amounts of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from clinx.domain.identity import User
from clinx.domain.money import Amount
from clinx.domain.receipt import Receipt
from clinx.domain.request_log import RequestLog
from clinx.domain.usage import Usage


class InquiryError(Exception):
    """A question that cannot be answered as it was asked; ``code`` is stable, and the message is safe to show."""

    def __init__(self, code: str, message: str, *path: str, **parameters: str | int) -> None:
        """Keep the code, which part of the question it is about, and what belongs into the words of it."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path
        self.parameters = parameters


@dataclass(frozen=True, slots=True)
class RouteWish:
    """A request that nobody has sent."""

    model: str
    """As a caller would ask for it."""
    user: User | None = None
    group: str | None = None
    """Instead of the user's."""
    operation: str = "chat"
    dialect: str | None = None
    """None takes the first that has the operation."""
    stream: bool = False
    body: str | None = None
    """As much of it as matters, as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    address: str | None = None
    at: datetime | None = None
    """None is now."""
    usage: Usage = field(default_factory=lambda: Usage(call=1))
    """What it would use."""


@dataclass(frozen=True, slots=True)
class RuleTold:
    """A rule that says something of a request."""

    name: str
    verb: str
    place: str
    """File and line."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A member of the body, or a header, that rules change; None is taken out."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class CandidateTold:
    """A channel that would be tried."""

    channel: str
    group: str
    """Through which it is reached: its multiplier applies."""
    priority: int
    weight: int
    tags: tuple[str, ...]
    upstream_model: str
    operation: str
    dialect: str
    cost: Amount | None
    """What it would cost us; None where the channel does not say."""


@dataclass(frozen=True, slots=True)
class RefusalTold:
    """Why a request would be refused."""

    code: str
    rule: str | None
    message: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class RateTold:
    """One rate of the row that applies."""

    unit: str
    amount: str
    """An exact decimal, for ``per`` units."""
    per: int


@dataclass(frozen=True, slots=True)
class RouteTold:
    """What would become of a request."""

    asked_model: str
    model: str
    """What is served and priced: what rules make of the model that was asked for."""
    group: str
    operation: str
    dialect: str
    revision: str
    """Of the tree that was asked."""
    rules: tuple[RuleTold, ...]
    body: tuple[Rewritten, ...]
    """Values are JSON."""
    headers: tuple[Rewritten, ...]
    overrides: tuple[str, ...]
    refusal: RefusalTold | None
    candidates: tuple[CandidateTold, ...]
    """Best first."""
    rates: tuple[RateTold, ...]
    multiplier: str
    """Of the group and of rules: an exact decimal."""
    quote: Receipt | None
    """None where nothing is priced."""
    text: str
    """The same for people."""


@dataclass(frozen=True, slots=True)
class RequestTold:
    """What became of a request, and what would become of it now."""

    log: RequestLog
    user: User | None
    text: str
    """The story, for people, without what it costs us."""
    now: RouteTold | None
    """The same request under the tree that is served; None where its log says too little."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file of a tree as it would be."""

    path: str
    """Relative to the tree, with ``/``."""
    content: str | None
    """None: without it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a tree. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str | None
    is_error: bool


@dataclass(frozen=True, slots=True)
class PlanTable:
    """A part of a plan, laid out."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class LossTold:
    """A token that could ask for less."""

    token_id: int
    token: str
    user: str
    group: str
    models: tuple[str, ...]
    is_all: bool
    """Nothing would be left to it."""


@dataclass(frozen=True, slots=True)
class PlanTold:
    """What it would mean to serve a tree with other documents."""

    before: str
    """The revision that is compared with: the served one, as far as it is kept."""
    after: str
    findings: tuple[Finding, ...]
    is_servable: bool
    """Whether it compiles, and its tests pass, and it may follow what is served."""
    is_empty: bool
    """Whether nothing would be other than it is."""
    unread: tuple[str, ...]
    """Documents that are no part of the tree: nothing includes them."""
    tables: tuple[PlanTable, ...] = ()
    losses: tuple[LossTold, ...] = ()
    """The first of them."""
    calls: int | None = None
    """Logged calls that were replayed; None where none was to be."""
    is_cut: bool = False
    """Whether there were more calls than are replayed."""


@dataclass(frozen=True, slots=True)
class PatchTold:
    """A change of one value of the tree on disk."""

    file: str
    patch: str
    """A unified diff; comments and all else are kept."""
    note: str | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class TryoutWish:
    """A channel that is to be tried out."""

    channel: str
    credential: str | None = None
    """A fingerprint; None takes the first."""
    model: str | None = None
    """Its public name; None takes what the tree tests it with, or the first that it lists."""


class TryoutStage(StrEnum):
    """How far a test of a channel is."""

    STARTED = "started"
    ANSWERED = "answered"
    """Status and headers are there."""
    READ = "read"
    """The whole answer is there."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TryoutEvent:
    """Something that happened in a test of a channel."""

    stage: TryoutStage
    channel: str
    credential: str
    """Its fingerprint."""
    model: str
    """The upstream's name."""
    operation: str
    dialect: str
    after: timedelta
    """Since the start."""
    status: int | None = None
    """What the upstream answered."""
    usage: Usage | None = None
    """What the upstream reported; None where it did not, or not yet."""
    code: str | None = None
    """Why it failed: as the relay calls it; ``channel_full`` when it takes nothing more now."""
    cause: str | None = None
    """Why it failed, in words for operators."""


@dataclass(frozen=True, slots=True)
class Tested:
    """How a test of a channel ended."""

    credential: str
    """Its fingerprint."""
    model: str
    """The upstream's name."""
    outcome: str
    """``ok``, a code of the relay's failures, or ``full``."""
    at: datetime
