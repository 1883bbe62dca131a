"""The price a task was accepted at, written down with its hold: a change of the tree changes nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import msgspec
from msgspec import Struct

from clinx.domain.pricing import Price, Quote, Rate, Rates
from clinx.domain.usage import Unit, Usage


@dataclass(frozen=True, slots=True)
class Terms:
    """The rows of a price that may apply to one task, the group's multiplier, and the revision they were taken from."""

    tiers: tuple[Rates, ...]
    """By the length of the prompt, as in `Price`; none when it is free."""
    multiplier: Fraction
    revision: str

    @classmethod
    def freeze(cls, price: Price, multiplier: Fraction, revision: str, facts: Mapping[str, object]) -> Terms:
        """Take what applies to a request with these facts."""
        chosen = next((case.rates for case in price.cases if case.condition(facts)), None)
        return cls(price.tiers if chosen is None else (chosen,), multiplier, revision)

    def quote(self, usage: Usage) -> Quote:
        """Price what was used."""
        return Price(self.tiers).quote(usage, self.multiplier, {})


class _Tier(Struct, frozen=True):
    upto: int | None
    rates: dict[Unit, tuple[str, int]]
    """Of each unit: the exact amount of money (``5/2``), and for how many it is."""


class _Written(Struct, frozen=True):
    kind: str
    revision: str
    multiplier: str
    tiers: tuple[_Tier, ...]


def encode(kind: str, terms: Terms) -> str:
    """Write the kind of a task and its terms as JSON; `decode` reads exactly them."""
    tiers = tuple(
        _Tier(row.upto, {unit: (str(rate.amount), rate.per) for unit, rate in row.by_unit.items()})
        for row in terms.tiers
    )
    return msgspec.json.encode(_Written(kind, terms.revision, str(terms.multiplier), tiers)).decode()


def decode(text: str) -> tuple[str, Terms]:
    """Read the kind of a task and its terms.

    Raises:
        ValueError: it is not what `encode` writes.
    """
    found = msgspec.json.decode(text, type=_Written)
    tiers = tuple(
        Rates({unit: Rate(Fraction(amount), per) for unit, (amount, per) in row.rates.items()}, row.upto)
        for row in found.tiers
    )
    return found.kind, Terms(tiers, Fraction(found.multiplier), found.revision)
