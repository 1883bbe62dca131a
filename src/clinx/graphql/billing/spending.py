"""What was spent, by day, model, token and group."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, Self

import strawberry

from clinx.domain.money import Amount
from clinx.graphql.context import Info
from clinx.graphql.errors import Refusal
from clinx.graphql.ids import number_of, to_id
from clinx.graphql.permissions import Permission, over
from clinx.graphql.scalars import BigInt
from clinx.graphql.users.whose import REACHED, either, whose_or_everyones
from clinx.storage import statements
from clinx.storage.statements import MOST_ROWS, SpendBy, Spent

LONGEST: Final = timedelta(days=400)
"""The longest time that one question is about."""
_TOKEN: Final = "Token"  # noqa: S105  (the kind of an id)

strawberry.enum(SpendBy, name="SpendBy", description="What spend is grouped by.")


@strawberry.type(name="Spend", description="What settled calls cost. What was not grouped by is null.")
class SpendNode:
    """A sum."""

    day: date | None = strawberry.field(description="In UTC.")
    model: str | None = strawberry.field(description="Empty where a call named none.")
    token: strawberry.ID | None
    group: str | None
    calls: BigInt
    charge: Amount
    input_tokens: BigInt
    output_tokens: BigInt

    @classmethod
    def of(cls, spent: Spent) -> Self:
        """Return a sum as the console shows it."""
        return cls(
            day=spent.day,
            model=spent.model,
            token=None if spent.token_id is None else to_id(_TOKEN, spent.token_id),
            group=spent.group,
            calls=BigInt(spent.calls),
            charge=spent.charge,
            input_tokens=BigInt(spent.input_tokens),
            output_tokens=BigInt(spent.output_tokens),
        )


@strawberry.type(description="Sums of what was spent: the newest day first, then the dearest.")
class SpendReport:
    """Sums."""

    rows: list[SpendNode] = strawberry.field(description=f"At most {MOST_ROWS}.")
    is_cut: bool = strawberry.field(description="Whether there may be more rows than these: ask about fewer days.")


@strawberry.type
class SpendQuery:
    """Queries about spend."""

    @strawberry.field(
        description="What was spent from one day (UTC) to another, both included. Refunds and adjustments are no spend."
    )
    async def spend(  # noqa: PLR0913  (one argument for each thing that may be asked)
        self,
        info: Info,
        since: date,
        until: date,
        *,
        by: list[SpendBy] | None = None,
        user: strawberry.ID | None = None,
        everyone: bool = False,
        token: strawberry.ID | None = None,
    ) -> SpendReport:
        """Return it; without a user, what whoever asks spent, or what everyone did."""
        if not timedelta() <= until - since <= LONGEST:
            raise Refusal(f"From one day to one up to {LONGEST.days} days later.", "invalid_value", most=LONGEST.days)
        found = await statements.spend(
            info.context.services.database,
            whose_or_everyones(info.context, user, Permission.USAGE_READ, everyone=everyone),
            since,
            until,
            by=by or (),
            token_id=None if token is None else number_of(token, _TOKEN),
        )
        return SpendReport(rows=[SpendNode.of(each) for each in found], is_cut=len(found) == MOST_ROWS)


ACCESS = {
    **over(
        "Spend",
        REACHED,
        *("day", "model", "token", "group", "calls", "charge", "inputTokens", "outputTokens"),
    ),
    **over("SpendReport", REACHED, "rows", "isCut"),
    **over("Query", either(Permission.USAGE_READ), "spend"),
}
