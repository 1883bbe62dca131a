"""Prices, as a group sees them: what the tree says, times the group's multiplier."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Self

import strawberry

from clinx.domain.catalog import Group, Model
from clinx.domain.figures import decimal, exact
from clinx.domain.money import NANO, Amount, round_half_up
from clinx.domain.pricing import QuoteLine, Rate, Rates
from clinx.domain.receipt import Factor, Receipt
from clinx.domain.usage import Unit
from clinx.graphql.catalog.sight import Offered
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
    payer: strawberry.Private[Group]
    name: str = strawberry.field(description="What callers ask for; with `*` it stands for many.")

    @classmethod
    def of(cls, offered: Offered) -> Self:
        """Return a model as a group sees it."""
        model, group = offered.model, offered.seen_as
        id_ = to_id(MODEL, f"{group.name}{BETWEEN}{model.name}")
        return cls(id=id_, model=model, seen_as=group, payer=offered.payer, name=model.name)

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

    @strawberry.field(
        description=(
            "The factor on every price of it: an exact decimal. Of a group that tries others, that of the first that"
            " serves it: a call that only a later one can serve is charged that one's."
        )
    )
    def multiplier(self) -> str:
        """Return it."""
        return decimal(self.payer.multiplier)

    @strawberry.field(description="Whether nothing of it costs anything.")
    def is_free(self) -> bool:
        """Say so."""
        return self.model.price.is_free

    @strawberry.field(description="The first row whose condition holds applies, else the first that is wide enough.")
    def prices(self) -> list[PriceRow]:
        """Return them."""
        return list(_rows(self.model, self.payer.multiplier))


@strawberry.type(description="One bucket of a quote.")
class QuotedLine:
    """One line."""

    unit: Unit
    count: BigInt
    per: BigInt
    listed: str = strawberry.field(description="For `per` of the unit, as the catalogue has it: an exact decimal.")
    amount: str = strawberry.field(description="For `count` of them, without the factors: an exact decimal.")

    @classmethod
    def of(cls, line: QuoteLine) -> Self:
        """Return a line."""
        return cls(
            unit=line.unit,
            count=BigInt(line.count),
            per=BigInt(line.rate.per),
            listed=_digits(line.rate.amount),
            amount=_digits(line.amount),
        )


@strawberry.type(description="A factor of a quote, and on whose account it is there.")
class QuotedFactor:
    """One factor."""

    factor: str = strawberry.field(description="An exact decimal.")
    group: str | None = strawberry.field(description="The group that served, if it is that group's multiplier.")
    rule: str | None = strawberry.field(description="The rule that says so, if one does.")

    @classmethod
    def of(cls, factor: Factor) -> Self:
        """Return a factor."""
        return cls(factor=_digits(factor.factor), group=factor.group, rule=factor.rule)


@strawberry.type(description="Usage priced: the sum of its lines, times its factors, rounded once.")
class Quoted:
    """A quote."""

    lines: list[QuotedLine]
    factors: list[QuotedFactor] = strawberry.field(
        description="Of a call, the 1 of the caller's own group is left out."
    )
    multiplier: str = strawberry.field(description="The product of the factors: an exact decimal.")
    total: Amount = strawberry.field(description="Rounded once, half up.")
    is_whole: bool = strawberry.field(
        description="Whether lines and factors come to the total: not of some logs of before, nor of estimates."
    )
    notes: list[str] = strawberry.field(
        description="What was written down besides: on what terms a call was charged whose process died."
    )

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        """Return a quote."""
        return cls(
            lines=list(map(QuotedLine.of, receipt.lines)),
            factors=list(map(QuotedFactor.of, receipt.factors)),
            multiplier=_digits(receipt.multiplier),
            total=receipt.total,
            is_whole=receipt.is_whole,
            notes=list(receipt.notes),
        )

    @classmethod
    def maybe(cls, receipt: Receipt | None) -> Self | None:
        """Return a quote, if there is one."""
        return None if receipt is None else cls.of(receipt)


def _rows(model: Model, multiplier: Fraction) -> Iterator[PriceRow]:
    for case in model.price.cases:
        yield PriceRow.of(case.rates, case.condition.source, multiplier)
    for tier in model.price.tiers:
        yield PriceRow.of(tier, None, multiplier)


def _digits(value: Fraction) -> str:
    """Return all digits of a decimal; of one that has no end, the first."""
    text = exact(value)
    return decimal(value) if "/" in text else text


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
    **over("Quoted", ANYONE, "lines", "factors", "multiplier", "total", "isWhole", "notes"),
    **over("QuotedFactor", ANYONE, "factor", "group", "rule"),
    **over("QuotedLine", ANYONE, "unit", "count", "per", "listed", "amount"),
}
"""Models are guarded where they are asked for: whose prices somebody sees depends on who they are."""
