"""What the tree says of payments: which amounts are sold, at what price, through whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from clinx.domain.currency import Currency
from clinx.domain.money import NANO, Amount
from clinx.domain.order import PaymentProvider

CHECKOUT: Final = "checkout"
"""The one method of a provider whose own page lets the payer choose."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a provider takes money in, and at which rate."""

    currency: Currency
    rate: Fraction
    """The price of one unit of the ledger's currency."""
    methods: tuple[str, ...] = (CHECKOUT,)


@dataclass(frozen=True, slots=True)
class EPayAccount:
    """A merchant's account at an EPay site."""

    terms: Terms
    url: str
    merchant: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StripeAccount:
    """An account at Stripe."""

    terms: Terms
    url: str
    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Payments:
    """How balances are topped up."""

    amounts: tuple[Amount, ...]
    """What a console offers, ascending."""
    minimum: Amount
    maximum: Amount
    discounts: Mapping[str, Fraction]
    """Factors on the price, by group; 1 for all others."""
    return_url: str
    """Where a payer's browser goes afterwards."""
    callback_url: str | None
    """The gateway as a provider reaches it, without a trailing slash."""
    epay: EPayAccount | None
    stripe: StripeAccount | None

    def terms(self, provider: PaymentProvider) -> Terms | None:
        """Return the terms of a provider; None when it is not configured."""
        account = self.epay if provider is PaymentProvider.EPAY else self.stripe
        return None if account is None else account.terms

    def price(self, terms: Terms, amount: Amount, group: str) -> int:
        """Return what an amount costs somebody of a group, in the smallest unit, rounded up."""
        units = Fraction(amount.nano, NANO) * terms.rate * self.discounts.get(group, Fraction(1))
        return terms.currency.round_up(units)
