"""Usage over time: one's own, and everybody's for operators."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import strawberry

from clinx.billing import usage_report
from clinx.billing.usage_report import MOST_NAMES, Question, ReportRefused
from clinx.domain.rollup import Facet, Grain
from clinx.graphql.context import Context, Info
from clinx.graphql.dashboard.types import LiveUsage, UsageReport
from clinx.graphql.errors import Forbidden, Refusal
from clinx.graphql.ids import number_of
from clinx.graphql.permissions import Permission, over
from clinx.graphql.users.whose import KIND as USER
from clinx.graphql.users.whose import either, whose

_TOKEN: Final = "Token"  # noqa: S105  (the kind of an id)
_FEW: Final = 10
_FIRST: Final = 1971
_LAST: Final = 9000
"""Years, between which spans may be widened."""
_WHY: Final = {
    "wrong_window": "The end is not after the beginning.",
    "wrong_facet": "The usage of one user is not told apart by that.",
    "too_many_spans": "These are too many spans: ask for longer ones, or for less time.",
    "not_kept": "Spans that short are not kept for so long.",
}


@strawberry.input(description="What is asked about usage.")
class UsageReportInput:
    """Whose usage of what time, and how it is told apart."""

    since: datetime = strawberry.field(description="Reports are of whole spans: the time is widened to those.")
    until: datetime
    by: Facet = Facet.TOTAL
    grain: Grain | None = strawberry.field(default=None, description="Null is the finest that fits and is still kept.")
    user: strawberry.ID | None = strawberry.field(default=None, description="Without it, that of whoever asks.")
    everyone: bool = strawberry.field(default=False, description="That of all users together.")
    names: list[str] | None = strawberry.field(default=None, description="Of these models, channels or groups only.")
    users: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these only, by `USER`.")
    tokens: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these only, by `TOKEN`.")
    most: int = strawberry.field(
        default=_FEW, description=f"How many names, those that were charged most; at most {MOST_NAMES}."
    )


@strawberry.type
class DashboardQuery:
    """Queries about usage."""

    @strawberry.field(description="Usage over time.")
    async def usage_report(self, info: Info, input: UsageReportInput) -> UsageReport:  # noqa: A002
        """Return it."""
        context = info.context
        if input.since.year < _FIRST or input.until.year > _LAST:
            raise Refusal("That is out of the calendar.", "wrong_window")
        question = Question(
            since=input.since,
            until=input.until,
            by=input.by,
            user_id=_of(context, input.user, everyone=input.everyone),
            names=_names(input),
            grain=input.grain,
            most=input.most,
        )
        try:
            found = await usage_report.report(
                context.services.database, question, now=context.now, keep=context.snapshot.console.keep
            )
        except ReportRefused as refused:
            raise Refusal(_WHY[refused.code], refused.code, **refused.parameters) from None
        return UsageReport.of(found, input.by)

    @strawberry.field(description="How busy it is now.")
    async def live_usage(self, info: Info, user: strawberry.ID | None = None, *, everyone: bool = False) -> LiveUsage:
        """Return it."""
        user_id = _of(info.context, user, everyone=everyone)
        return LiveUsage.of(
            await usage_report.live(info.context.services.database, now=info.context.now, user_id=user_id)
        )


def _of(context: Context, user: strawberry.ID | None, *, everyone: bool) -> int | None:
    """Return whose usage is asked about; None is everybody's."""
    if everyone and user is None:
        if not context.may(Permission.USAGE_READ):
            raise Forbidden(Permission.USAGE_READ)
        return None
    return whose(context, user, Permission.USAGE_READ)


def _names(asked: UsageReportInput) -> Collection[str] | None:
    """Return the names that are asked about, as sums are kept by them.

    Raises:
        Refusal: ``wrong_names``: they are not of what it is told apart by, or too many.
        Problem: ``invalid_id``.
    """
    of_users = None if asked.users is None else [str(number_of(each, USER)) for each in asked.users]
    of_tokens = None if asked.tokens is None else [str(number_of(each, _TOKEN)) for each in asked.tokens]
    fitting = {Facet.USER: of_users, Facet.TOKEN: of_tokens}.get(asked.by, asked.names)
    given = [each for each in (asked.names, of_users, of_tokens) if each is not None]
    if given and (given != [fitting] or asked.by is Facet.TOTAL or len(given[0]) > MOST_NAMES):
        raise Refusal("Name at most a hundred of what it is told apart by.", "wrong_names", most=MOST_NAMES)
    return fitting


ACCESS = over("Query", either(Permission.USAGE_READ), "usageReport", "liveUsage")
