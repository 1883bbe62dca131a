"""Why a call went there and cost that, and what would become of another."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import msgspec
import strawberry

from clinx.domain.identity import User
from clinx.domain.inquiry import CandidateTold, RateTold, RefusalTold, RequestTold, Rewritten, RouteTold, RouteWish
from clinx.domain.inquiry import RuleTold as Told
from clinx.domain.money import Amount
from clinx.domain.usage import Unit, Usage
from clinx.graphql.catalog.prices import Quoted
from clinx.graphql.catalog.sight import group_seen
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Refusal
from clinx.graphql.ids import key_or_name, number_of
from clinx.graphql.permissions import ANYONE, Permission, needs, over
from clinx.graphql.request_logs.types import KIND as LOG
from clinx.graphql.revisions.asking import refusing
from clinx.graphql.scalars import BigInt
from clinx.storage import users


@strawberry.input(description="How much of one unit is used.")
class UsageInput:
    """One bucket."""

    unit: Unit
    count: BigInt


@strawberry.input(description="A header of a request.")
class HeaderInput:
    """Its name and value."""

    name: str
    value: str


@strawberry.input(description="A request that nobody has sent.")
class ExplainRouteInput:
    """As much of it as matters."""

    model: str = strawberry.field(description="As a caller would ask for it.")
    user: strawberry.ID | None = strawberry.field(default=None, description="Who sends it.")
    group: str | None = strawberry.field(default=None, description="Instead of the user's.")
    operation: str = "chat"
    dialect: str | None = None
    stream: bool = False
    body: str | None = strawberry.field(default=None, description="As JSON; it need not be whole.")
    headers: list[HeaderInput] = strawberry.field(default_factory=list[HeaderInput])
    address: str | None = None
    at: datetime | None = strawberry.field(default=None, description="When; without it, now.")
    usage: list[UsageInput] = strawberry.field(default_factory=list[UsageInput])


@strawberry.input(description="Usage that is to be priced.")
class ExplainPriceInput:
    """Of which model, and for whom."""

    model: str
    group: str | None = strawberry.field(default=None, description="As whom to look; without it, as one's own group.")
    usage: list[UsageInput]


@strawberry.type(description="A rule that says something of a request.")
class RuleTold:
    """A rule."""

    name: str
    verb: str
    place: str = strawberry.field(description="File and line.")

    @classmethod
    def of(cls, told: Told) -> Self:
        """Return a rule."""
        return cls(name=told.name, verb=told.verb, place=told.place)


@strawberry.type(description="What rules make of a member of the body, or of a header.")
class RewrittenPart:
    """One change."""

    name: str
    value: str | None = strawberry.field(description="JSON, of members of the body; null is taken out.")

    @classmethod
    def of(cls, told: Rewritten) -> Self:
        """Return a change."""
        return cls(name=told.name, value=told.value)


@strawberry.type(description="A channel that would be tried.")
class RouteCandidate:
    """A candidate."""

    channel: str
    group: str = strawberry.field(description="Through which it is reached: its multiplier applies.")
    priority: int
    weight: int
    tags: list[str]
    upstream_model: str
    operation: str
    dialect: str
    cost: Amount | None = strawberry.field(description="What the vendor is paid for it; null where that is not known.")

    @classmethod
    def of(cls, told: CandidateTold) -> Self:
        """Return a candidate."""
        return cls(
            channel=told.channel,
            group=told.group,
            priority=told.priority,
            weight=told.weight,
            tags=list(told.tags),
            upstream_model=told.upstream_model,
            operation=told.operation,
            dialect=told.dialect,
            cost=told.cost,
        )


@strawberry.type(description="Why a request would be refused.")
class RouteRefusal:
    """A refusal."""

    code: str
    message: str
    hint: str | None
    rule: str | None = strawberry.field(description="The rule that says so.")

    @classmethod
    def of(cls, told: RefusalTold | None) -> Self | None:
        """Return a refusal, if there is one."""
        if told is None:
            return None
        return cls(code=told.code, message=told.message, hint=told.hint, rule=told.rule)


@strawberry.type(description="One rate of the row that applies.")
class AppliedRate:
    """A rate."""

    unit: str
    amount: str = strawberry.field(description="An exact decimal, for `per` of the unit.")
    per: BigInt

    @classmethod
    def of(cls, told: RateTold) -> Self:
        """Return a rate."""
        return cls(unit=told.unit, amount=told.amount, per=BigInt(told.per))


@strawberry.type(description="What would become of a request.")
class RouteExplanation:
    """An explanation."""

    asked_model: str
    model: str = strawberry.field(description="What is served and priced.")
    group: str
    operation: str
    dialect: str
    revision: str
    rules: list[RuleTold]
    body: list[RewrittenPart]
    headers: list[RewrittenPart]
    overrides: list[str]
    refusal: RouteRefusal | None
    candidates: list[RouteCandidate] = strawberry.field(description="Best first, as if every channel were at its best.")
    rates: list[AppliedRate]
    multiplier: str
    quote: Quoted | None
    text: str = strawberry.field(description="The same for people.")

    @classmethod
    def of(cls, told: RouteTold) -> Self:
        """Return an explanation."""
        return cls(
            asked_model=told.asked_model,
            model=told.model,
            group=told.group,
            operation=told.operation,
            dialect=told.dialect,
            revision=told.revision,
            rules=list(map(RuleTold.of, told.rules)),
            body=list(map(RewrittenPart.of, told.body)),
            headers=list(map(RewrittenPart.of, told.headers)),
            overrides=list(told.overrides),
            refusal=RouteRefusal.of(told.refusal),
            candidates=list(map(RouteCandidate.of, told.candidates)),
            rates=list(map(AppliedRate.of, told.rates)),
            multiplier=told.multiplier,
            quote=Quoted.maybe(told.quote),
            text=told.text,
        )


@strawberry.type(description="What usage of a model costs a group.")
class PriceExplanation:
    """A price, explained."""

    model: str = strawberry.field(description="What is served and priced.")
    group: str
    quote: Quoted | None
    refusal: RouteRefusal | None


@strawberry.type(description="Why a request went where it went, and cost what it cost.")
class RequestExplanation:
    """A request, explained."""

    request_id: str
    revision: str = strawberry.field(description="Under which it was served.")
    text: str = strawberry.field(description="The story, for people.")
    quote: Quoted | None = strawberry.field(
        description="Why it cost that, as far as it was written down; null where nothing was priced."
    )
    charge: Amount
    cost: Amount | None = strawberry.field(description="What the vendor is paid for it; null where that is not known.")
    margin: Amount | None = strawberry.field(description="The charge less the cost; null where that is not known.")
    now: RouteExplanation | None = strawberry.field(description="The same request under what is served now.")

    @classmethod
    def of(cls, told: RequestTold) -> Self:
        """Return an explanation."""
        return cls(
            request_id=told.log.id,
            revision=told.log.revision,
            text=told.text,
            quote=Quoted.maybe(told.log.receipt),
            charge=told.log.charge,
            cost=told.log.cost,
            margin=told.log.margin,
            now=None if told.now is None else RouteExplanation.of(told.now),
        )


@strawberry.type
class ExplanationQuery:
    """Queries that explain."""

    @strawberry.field(description="What would become of a request that nobody has sent.")
    async def explain_route(self, info: Info, input: ExplainRouteInput) -> RouteExplanation:  # noqa: A002
        """Rehearse it."""
        with refusing():
            user = await _user(info.context, input.user)
            wish = RouteWish(
                model=input.model,
                user=user,
                group=input.group,
                operation=input.operation,
                dialect=input.dialect,
                stream=input.stream,
                body=input.body,
                headers={each.name: each.value for each in input.headers},
                address=input.address,
                at=input.at,
                usage=_usage(input.usage),
            )
            return RouteExplanation.of(info.context.services.running.inquiries.explain_route(wish))

    @strawberry.field(description="What some usage of a model costs; told to strangers where prices are public.")
    async def explain_price(self, info: Info, input: ExplainPriceInput) -> PriceExplanation:  # noqa: A002
        """Price it as a request of this group would be."""
        context = info.context
        group = await group_seen(context, input.group)
        if group is None:
            raise Refusal("There is no such group.", "not_found", kind="group")
        with refusing():
            user = None if context.viewer is None else context.viewer.user
            wish = RouteWish(input.model, user, group.name, usage=_usage(input.usage))
            told = context.services.running.inquiries.explain_route(wish)
        quote, refusal = Quoted.maybe(told.quote), RouteRefusal.of(told.refusal)
        return PriceExplanation(model=told.model, group=told.group, quote=quote, refusal=refusal)

    @strawberry.field(
        description="Why a request went where it went, by its log's `id` or by `requestId`; null where no log is kept."
    )
    async def explain_request(self, info: Info, id: strawberry.ID) -> RequestExplanation | None:  # noqa: A002
        """Tell its story."""
        with refusing():
            request_id = key_or_name(id, LOG)
        told = await info.context.services.running.inquiries.explain_request(request_id)
        return None if told is None else RequestExplanation.of(told)


async def _user(context: Context, id_: strawberry.ID | None) -> User | None:
    if id_ is None:
        return None
    found = await users.get(context.services.database, number_of(id_, "User"))
    if found is None:
        raise Refusal("There is no such user.", "not_found", kind="user")
    return found


def _usage(given: list[UsageInput]) -> Usage:
    """Return one call of so much."""
    counts: dict[str, int] = {Unit.CALL.value: 1}
    for each in given:
        if each.count < 0:
            raise Refusal("Nobody uses less than nothing.", "invalid_value", such_as="1000")
        counts[each.unit.value] = each.count
    return msgspec.structs.replace(Usage(), **counts)


_READ = needs(Permission.CONFIG_READ)
_LOGS = needs(Permission.REQUEST_LOG_READ)
ACCESS = {
    **over("Query", _READ, "explainRoute"),
    **over("Query", ANYONE, "explainPrice"),
    **over("Query", _LOGS, "explainRequest"),
    **over("RouteExplanation", _READ, "askedModel", "model", "group", "operation", "dialect", "revision", "rules"),
    **over("RouteExplanation", _READ, "body", "headers", "overrides", "refusal", "candidates", "rates"),
    **over("RouteExplanation", _READ, "multiplier", "quote", "text"),
    **over("RuleTold", _READ, "name", "verb", "place"),
    **over("RewrittenPart", _READ, "name", "value"),
    **over("RouteCandidate", _READ, "channel", "group", "priority", "weight", "tags", "upstreamModel"),
    **over("RouteCandidate", _READ, "operation", "dialect"),
    **over("RouteCandidate", needs(Permission.COST_READ), "cost"),
    **over("RouteRefusal", ANYONE, "code", "message", "hint"),
    **over("RouteRefusal", _READ, "rule"),
    **over("AppliedRate", _READ, "unit", "amount", "per"),
    **over("PriceExplanation", ANYONE, "model", "group", "quote", "refusal"),
    **over("RequestExplanation", _LOGS, "requestId", "revision", "text", "quote", "charge", "now"),
    **over("RequestExplanation", needs(Permission.COST_READ), "cost", "margin"),
}
