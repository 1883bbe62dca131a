"""Prices, as a group sees them: what the tree says, times the group's multiplier."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Self

import strawberry

from clinx.domain.catalog import Group, Model
from clinx.domain.figures import decimal
from clinx.domain.money import NANO, Amount, round_half_up
from clinx.domain.pricing import Quote, QuoteLine, Rate, Rates
from clinx.domain.usage import Unit
from clinx.graphql.ids import Node, to_id
from clinx.graphql.permissions import ANYONE, over
from clinx.graphql.scalars import BigInt

MODEL = "Model"
BETWEEN = "\x1f"
"""Between a group and a model in a key: what one group pays is another object than what another does."""

strawberry.enum(
    Unit, name="Unit", description="What a price may name. The buckets are disjoint: a cached token is no input token."
)


@strawberry.type(description="What one unit costs.")
class PriceRate:
    """One rate of a row."""

    unit: Unit
    per: BigInt = strawberry.field(description="The amounts are for so many of the unit.")
    listed: Amount = strawberry.field(description="As the catalogue has it.")
    charged: Amount = strawberry.field(description="What the group pays: times its multiplier, without rules.")

    @classmethod
    def of(cls, unit: Unit, rate: Rate, multiplier: Fraction) -> Self:
        """Return a rate as a group pays it."""
        return cls(
            unit=unit,
            per=BigInt(rate.per),
            listed=_amount(rate.amount),
            charged=_amount(rate.amount * multiplier),
        )


@strawberry.type(description="Rates that apply together.")
class PriceRow:
    """One row of a price."""

    condition: str | None = strawberry.field(description="The row applies to requests of which this holds.")
    up_to: int | None = strawberry.field(description="The row applies to prompts of at most so many tokens.")
    rates: list[PriceRate]

    @classmethod
    def of(cls, rates: Rates, condition: str | None, multiplier: Fraction) -> Self:
        """Return a row as a group pays it."""
        lines = [PriceRate.of(unit, rate, multiplier) for unit, rate in rates.by_unit.items()]
        return cls(condition=condition, up_to=rates.upto, rates=lines)


@strawberry.type(name="Model", description="A model that a group is offered, and what it costs there.")
class ModelNode(Node):
    """A model of the catalogue."""

    model: strawberry.Private[Model]
    seen_as: strawberry.Private[Group]
    name: str = strawberry.field(description="What callers ask for; with `*` it stands for many.")

    @classmethod
    def of(cls, model: Model, group: Group) -> Self:
        """Return a model as a group sees it."""
        return cls(id=to_id(MODEL, f"{group.name}{BETWEEN}{model.name}"), model=model, seen_as=group, name=model.name)

    @strawberry.field(description="Whether the name stands for many.")
    def is_pattern(self) -> bool:
        """Say so."""
        return "*" in self.name

    @strawberry.field(description="Whose model it is.")
    def vendor(self) -> str | None:
        """Return it."""
        return self.model.vendor

    @strawberry.field(description="Largest prompt, in tokens.")
    def context(self) -> int | None:
        """Return it."""
        return self.model.context

    @strawberry.field(description="Largest answer, in tokens.")
    def max_output(self) -> int | None:
        """Return it."""
        return self.model.max_output

    @strawberry.field
    def tags(self) -> list[str]:
        """Return them."""
        return list(self.model.tags)

    @strawberry.field(description="The group that it is shown as.")
    def group(self) -> str:
        """Return its name."""
        return self.seen_as.name

    @strawberry.field(description="The group's factor on every price: an exact decimal.")
    def multiplier(self) -> str:
        """Return it."""
        return decimal(self.seen_as.multiplier)

    @strawberry.field(description="Whether nothing of it costs anything.")
    def is_free(self) -> bool:
        """Say so."""
        return self.model.price.is_free

    @strawberry.field(description="The first row whose condition holds applies, else the first that is wide enough.")
    def prices(self) -> list[PriceRow]:
        """Return them."""
        return list(_rows(self.model, self.seen_as.multiplier))


@strawberry.type(description="One bucket of a quote.")
class QuotedLine:
    """One line."""

    unit: Unit
    count: BigInt
    per: BigInt
    listed: Amount = strawberry.field(description="For `per` of the unit, as the catalogue has it.")
    amount: Amount = strawberry.field(description="For `count` of them, without the multiplier.")

    @classmethod
    def of(cls, line: QuoteLine) -> Self:
        """Return a line."""
        return cls(
            unit=line.unit,
            count=BigInt(line.count),
            per=BigInt(line.rate.per),
            listed=_amount(line.rate.amount),
            amount=_amount(line.amount),
        )


@strawberry.type(description="Usage priced.")
class Quoted:
    """A quote."""

    lines: list[QuotedLine]
    multiplier: str = strawberry.field(description="Of the group and of rules: an exact decimal.")
    total: Amount = strawberry.field(description="Rounded once.")

    @classmethod
    def of(cls, quote: Quote) -> Self:
        """Return a quote."""
        lines = [QuotedLine.of(line) for line in quote.lines]
        return cls(lines=lines, multiplier=decimal(quote.multiplier), total=quote.total)


def _rows(model: Model, multiplier: Fraction) -> Iterator[PriceRow]:
    for case in model.price.cases:
        yield PriceRow.of(case.rates, case.condition.source, multiplier)
    for tier in model.price.tiers:
        yield PriceRow.of(tier, None, multiplier)


def _amount(value: Fraction) -> Amount:
    """Return the nearest amount; rates may be finer than the ledger."""
    return round_half_up(value.numerator * NANO, value.denominator)


ACCESS = {
    **over(
        "Model",
        ANYONE,
        *(
            "id",
            "name",
            "isPattern",
            "vendor",
            "context",
            "maxOutput",
            "tags",
            "group",
            "multiplier",
            "isFree",
            "prices",
        ),
    ),
    **over("PriceRow", ANYONE, "condition", "upTo", "rates"),
    **over("PriceRate", ANYONE, "unit", "per", "listed", "charged"),
    **over("Quoted", ANYONE, "lines", "multiplier", "total"),
    **over("QuotedLine", ANYONE, "unit", "count", "per", "listed", "amount"),
}
"""Models are guarded where they are asked for: whose prices somebody sees depends on who they are."""
