"""The payments section to `clinx.domain.payments.Payments`, with its secrets resolved."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from clinx.config.channels import refuse_references
from clinx.config.diagnostics import Diagnostic, did_you_mean, errors
from clinx.config.nodes import Node
from clinx.config.places import url_problem
from clinx.config.schema import EPayShape, PaymentsShape, StripeShape
from clinx.config.secrets import PLACEHOLDER, SecretError, SecretResolver, is_literal, reference_hint
from clinx.domain.currency import Currency
from clinx.domain.money import NANO, Amount
from clinx.domain.payments import EPayAccount, Payments, StripeAccount, Terms

LEAST: Final = Amount(NANO)
MOST: Final = Amount(10_000 * NANO)
STRIPE: Final = "https://api.stripe.com"
_SECRETS: Final = frozenset({"key", "secret_key", "webhook_secret"})
_ACCOUNTS: Final = ("epay", "stripe")


@dataclass(slots=True)
class PaymentsCompiler:
    """Compiles the section against the rest of the same tree."""

    node: Node
    groups: Collection[str]
    """The names of all groups."""
    currency: str
    """The ledger's."""
    secrets: SecretResolver
    found: list[Diagnostic]

    def compile(self, shape: PaymentsShape) -> Payments | None:
        """Return the payments; None when something is wrong with them, which is then in ``found``."""
        before = len(self.found)
        minimum = LEAST if shape.minimum is None else shape.minimum
        maximum = MOST if shape.maximum is None else shape.maximum
        self._check_amounts(shape, minimum, maximum)
        self._check_discounts(shape)
        payments = Payments(
            amounts=tuple(sorted(set(shape.amounts))),
            minimum=minimum,
            maximum=maximum,
            discounts=dict(shape.group_discounts),
            return_url=self._url(shape.return_url, "return_url"),
            callback_url=None if shape.callback_url is None else self._url(shape.callback_url, "callback_url"),
            epay=self._epay(shape, shape.epay) if shape.epay is not None else None,
            stripe=self._stripe(shape.stripe) if shape.stripe is not None else None,
        )
        self._refuse_strays()
        return None if errors(self.found[before:]) else payments

    def _report(self, path: tuple[str | int, ...], code: str, message: str, hint: str | None = None) -> None:
        self.found.append(self.node.at(path).finding(code, message, hint))

    def _check_amounts(self, shape: PaymentsShape, minimum: Amount, maximum: Amount) -> None:
        if not minimum:
            self._report(("minimum",), "E303", '"minimum": expected more than zero')
        if maximum < minimum:
            self._report(("maximum",), "E303", f'"maximum" is below the minimum, {minimum}')
        for index, amount in enumerate(shape.amounts):
            if not minimum <= amount <= maximum:
                self._report(("amounts", index), "E303", f"{amount} is not from {minimum} to {maximum}")

    def _check_discounts(self, shape: PaymentsShape) -> None:
        for name, factor in shape.group_discounts.items():
            mark = self.node.key_at(("group_discounts", name))
            if name not in self.groups:
                self.found.append(mark.finding("E202", f'unknown group "{name}"', did_you_mean(name, self.groups)))
            if not factor:
                self.found.append(mark.finding("E303", f'"{name}": a factor of zero would give credit away'))

    def _url(self, text: str, *path: str) -> str:
        if (problem := url_problem(text)) is not None:
            self._report(path, "E303", f'"{path[-1]}" {problem}')
        return text.rstrip("/")

    def _epay(self, shape: PaymentsShape, epay: EPayShape) -> EPayAccount:
        if shape.callback_url is None:
            hint = "the address of this gateway as the payment site reaches it"
            self._report(("epay",), "E302", 'missing key "callback_url" of payments', hint)
        return EPayAccount(
            terms=self._terms("epay", epay.currency, epay.rate, tuple(dict.fromkeys(epay.methods))),
            url=self._url(epay.url, "epay", "url"),
            merchant=epay.merchant,
            key=self._secret(epay.key, "epay", "key"),
        )

    def _stripe(self, stripe: StripeShape) -> StripeAccount:
        rate = Fraction(1) if stripe.rate is None else stripe.rate
        return StripeAccount(
            terms=self._terms("stripe", stripe.currency or self.currency, rate),
            url=STRIPE if stripe.url is None else self._url(stripe.url, "stripe", "url"),
            secret_key=self._secret(stripe.secret_key, "stripe", "secret_key"),
            webhook_secret=self._secret(stripe.webhook_secret, "stripe", "webhook_secret"),
        )

    def _terms(self, account: str, currency: str, rate: Fraction, methods: tuple[str, ...] | None = None) -> Terms:
        if not rate:
            self._report((account, "rate"), "E303", '"rate": a rate of zero would give credit away')
        known = Currency.of(currency)
        return Terms(known, rate) if methods is None else Terms(known, rate, methods)

    def _secret(self, text: str, *path: str) -> str:
        if is_literal(text):
            self._report(path, "E401", f'"{path[-1]}" must be a reference to a key', reference_hint(text))
            return ""
        try:
            return self.secrets.resolve(text)
        except SecretError as error:
            offline = error.code == "E403" and self.secrets.placeholders
            self._report(path, "W403" if offline else error.code, str(error), error.hint)
            return PLACEHOLDER

    def _refuse_strays(self) -> None:
        for key, child in self.node.map.items():
            if key not in _ACCOUNTS:
                refuse_references(child, self.found)
                continue
            for name, value in child.map.items():
                if name not in _SECRETS:
                    refuse_references(value, self.found)
