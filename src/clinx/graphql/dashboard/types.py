"""Usage over time, as the console shows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Self

import strawberry

from clinx.billing.usage_report import Live, Report
from clinx.domain.money import Amount
from clinx.domain.rollup import Facet, Grain, Measures, Point
from clinx.graphql.context import Info
from clinx.graphql.permissions import Permission, needs, over
from clinx.graphql.scalars import BigInt
from clinx.graphql.tokens.loaders import TokenLoader
from clinx.graphql.tokens.types import TokenNode
from clinx.graphql.users.types import UserNode, user_of
from clinx.graphql.users.whose import REACHED, row_of

strawberry.enum(Grain, name="UsageGrain", description="How long the spans of a report are; they begin in UTC.")
strawberry.enum(Facet, name="UsageBy", description="What usage is told apart by; `TOTAL` is by nothing.")

_MILLI: Final = timedelta(milliseconds=1)


@strawberry.type(description="What calls add up to.")
class UsageFigures:
    """Sums, and what follows from them."""

    measures: strawberry.Private[Measures]
    requests: BigInt
    failures: BigInt = strawberry.field(description="Those whose outcome was not `ok`.")
    input_tokens: BigInt = strawberry.field(description="Whole prompts, cached parts included.")
    output_tokens: BigInt = strawberry.field(description="Whole answers, reasoning included.")
    cached_tokens: BigInt = strawberry.field(description="What was read of the vendors' caches: a part of the input.")
    charge: Amount

    @strawberry.field(description="What vendors are paid, as far as that is known; null where it is known of nothing.")
    def cost(self) -> Amount | None:
        """Return it."""
        return self.measures.known_cost

    @strawberry.field(description="The charges of those whose cost is known, less that; null where it is of nothing.")
    def margin(self) -> Amount | None:
        """Return it."""
        return self.measures.margin

    @strawberry.field(description="Those whose cost is known: `cost` and `margin` are of them alone.")
    def costed_requests(self) -> BigInt:
        """Return their number."""
        return BigInt(self.measures.costed_requests)

    @strawberry.field(description="Failures by requests, from 0 to 1; null where there were none.")
    def error_rate(self) -> float | None:
        """Return it."""
        return self.measures.failures / self.measures.requests if self.measures.requests else None

    @strawberry.field(description="How long those that succeeded took on average.")
    def mean_milliseconds(self) -> int | None:
        """Return it; None where none did."""
        return _millis(self.measures.mean_latency)

    @strawberry.field(description="Half of those that succeeded took no longer: an estimate.")
    def p50_milliseconds(self) -> int | None:
        """Return it; None where none did."""
        return _millis(self.measures.latency(50))

    @strawberry.field(description="Of those that succeeded, 95 of 100 took no longer: an estimate.")
    def p95_milliseconds(self) -> int | None:
        """Return it; None where none did."""
        return _millis(self.measures.latency(95))

    @strawberry.field(description="Of those that succeeded, 99 of 100 took no longer: an estimate.")
    def p99_milliseconds(self) -> int | None:
        """Return it; None where none did."""
        return _millis(self.measures.latency(99))

    @strawberry.field(description="How long streams took to their first byte on average.")
    def mean_first_byte_milliseconds(self) -> int | None:
        """Return it; None where there were none."""
        return _millis(self.measures.mean_first_byte)

    @classmethod
    def of(cls, measures: Measures) -> Self:
        """Return sums as the console shows them."""
        return cls(
            measures=measures,
            requests=BigInt(measures.requests),
            failures=BigInt(measures.failures),
            input_tokens=BigInt(measures.input_tokens),
            output_tokens=BigInt(measures.output_tokens),
            cached_tokens=BigInt(measures.cached_tokens),
            charge=measures.charge,
        )


def _millis(span: timedelta | None) -> int | None:
    return None if span is None else round(span / _MILLI)


@strawberry.type(
    description="Figures by span, a column for each: what stands at one place in several is of one span. Oldest first;"
    " spans with nothing in them are absent."
)
class UsageColumns:
    """Columns rather than an object for each span: a report has thousands, and an answer is to be quick."""

    found: strawberry.Private[Sequence[Point]]

    @strawberry.field(description="When spans begin.")
    def start(self) -> list[datetime]:
        """Return a column."""
        return [each.start for each in self.found]

    @strawberry.field
    def requests(self) -> list[BigInt]:
        """Return a column."""
        return [BigInt(each.measures.requests) for each in self.found]

    @strawberry.field(description="Those whose outcome was not `ok`.")
    def failures(self) -> list[BigInt]:
        """Return a column."""
        return [BigInt(each.measures.failures) for each in self.found]

    @strawberry.field(description="Whole prompts, cached parts included.")
    def input_tokens(self) -> list[BigInt]:
        """Return a column."""
        return [BigInt(each.measures.input_tokens) for each in self.found]

    @strawberry.field(description="Whole answers, reasoning included.")
    def output_tokens(self) -> list[BigInt]:
        """Return a column."""
        return [BigInt(each.measures.output_tokens) for each in self.found]

    @strawberry.field(description="What was read of the vendors' caches: a part of the input.")
    def cached_tokens(self) -> list[BigInt]:
        """Return a column."""
        return [BigInt(each.measures.cached_tokens) for each in self.found]

    @strawberry.field
    def charge(self) -> list[Amount]:
        """Return a column."""
        return [each.measures.charge for each in self.found]

    @strawberry.field(description="What vendors are paid, as far as that is known; null where it is known of nothing.")
    def cost(self) -> list[Amount | None]:
        """Return a column."""
        return [each.measures.known_cost for each in self.found]

    @strawberry.field(description="The charges of those whose cost is known, less that; null where it is of nothing.")
    def margin(self) -> list[Amount | None]:
        """Return a column."""
        return [each.measures.margin for each in self.found]

    @strawberry.field(description="Those whose cost is known: `cost` and `margin` are of them alone.")
    def costed_requests(self) -> list[BigInt]:
        """Return a column."""
        return [BigInt(each.measures.costed_requests) for each in self.found]

    @strawberry.field(description="How long those that succeeded took on average.")
    def mean_milliseconds(self) -> list[int | None]:
        """Return a column."""
        return [_millis(each.measures.mean_latency) for each in self.found]

    @strawberry.field(description="Half of those that succeeded took no longer: estimates.")
    def p50_milliseconds(self) -> list[int | None]:
        """Return a column."""
        return [_millis(each.measures.latency(50)) for each in self.found]

    @strawberry.field(description="Of those that succeeded, 95 of 100 took no longer: estimates.")
    def p95_milliseconds(self) -> list[int | None]:
        """Return a column."""
        return [_millis(each.measures.latency(95)) for each in self.found]

    @strawberry.field(description="Of those that succeeded, 99 of 100 took no longer: estimates.")
    def p99_milliseconds(self) -> list[int | None]:
        """Return a column."""
        return [_millis(each.measures.latency(99)) for each in self.found]

    @strawberry.field(description="How long streams took to their first byte on average.")
    def mean_first_byte_milliseconds(self) -> list[int | None]:
        """Return a column."""
        return [_millis(each.measures.mean_first_byte) for each in self.found]


@strawberry.type(description="The usage of one model, user, token, channel or group; or all of it.")
class UsageSeries:
    """One name."""

    facet: strawberry.Private[Facet]
    name: str = strawberry.field(description="Of users and tokens, a number; empty for all of it.")
    figures: UsageFigures = strawberry.field(description="The whole time.")
    columns: UsageColumns = strawberry.field(description="The same by span.")

    @strawberry.field(description="Whom it is of, where it is told apart by users.")
    async def user(self, info: Info) -> UserNode | None:
        """Return the user; of many, read at once."""
        number = row_of(self.name) if self.facet is Facet.USER else None
        return None if number is None else await user_of(info.context, number)

    @strawberry.field(description="What it was used with, where it is told apart by tokens; null if that was deleted.")
    async def token(self, info: Info) -> TokenNode | None:
        """Return the token; of many, read at once."""
        number = row_of(self.name) if self.facet is Facet.TOKEN else None
        token = None if number is None else await info.context.loader(TokenLoader).load(number)
        return None if token is None else TokenNode.of(token)


@strawberry.type(description="Usage over time. What ended within the last seconds may not be in it yet.")
class UsageReport:
    """A report."""

    grain: Grain
    since: datetime = strawberry.field(description="Where its first span begins.")
    until: datetime = strawberry.field(description="Where its last span ends.")
    series: list[UsageSeries] = strawberry.field(description="What was charged most comes first.")

    @classmethod
    def of(cls, report: Report, by: Facet) -> Self:
        """Return a report as the console shows it."""
        points: defaultdict[str, list[Point]] = defaultdict(list)
        for point in report.points:
            points[point.name].append(point)
        series = [
            UsageSeries(facet=by, name=name, figures=UsageFigures.of(total), columns=UsageColumns(found=points[name]))
            for name, total in report.totals
        ]
        return cls(grain=report.grain, since=report.since, until=report.until, series=series)


@strawberry.type(description="How busy it is: what a minute sees now, estimated.")
class LiveUsage:
    """Two figures."""

    requests_per_minute: BigInt
    tokens_per_minute: BigInt = strawberry.field(description="Input and output.")

    @classmethod
    def of(cls, live: Live) -> Self:
        """Return it as the console shows it."""
        return cls(
            requests_per_minute=BigInt(live.requests_per_minute), tokens_per_minute=BigInt(live.tokens_per_minute)
        )


_COST = needs(Permission.COST_READ)
ACCESS = {
    **over("UsageReport", REACHED, "grain", "since", "until", "series"),
    **over("UsageSeries", REACHED, "name", "figures", "columns", "user", "token"),
    **over(
        "UsageColumns",
        REACHED,
        *("start", "requests", "failures", "inputTokens", "outputTokens", "cachedTokens", "charge"),
        *("meanMilliseconds", "p50Milliseconds", "p95Milliseconds", "p99Milliseconds", "meanFirstByteMilliseconds"),
    ),
    **over(
        "UsageFigures",
        REACHED,
        *("requests", "failures", "errorRate", "inputTokens", "outputTokens", "cachedTokens", "charge"),
        *("meanMilliseconds", "p50Milliseconds", "p95Milliseconds", "p99Milliseconds", "meanFirstByteMilliseconds"),
    ),
    **over("UsageColumns", _COST, "cost", "margin", "costedRequests"),
    **over("UsageFigures", _COST, "cost", "margin", "costedRequests"),
    **over("LiveUsage", REACHED, "requestsPerMinute", "tokensPerMinute"),
}
"""Reports are guarded where they are asked for."""
