from dataclasses import replace

import pytest

from clinx.domain.money import Amount
from clinx.domain.order import PaymentProvider
from support.fake_payments import KEY, SECRET_KEY, WEBHOOK_SECRET, payments


@pytest.mark.parametrize(
    ("amount", "group", "price"),
    [("10", "default", 7300), ("10", "vip", 6570), ("0.01", "default", 8), ("0.000000001", "default", 1)],
)
def test_a_price_is_exact_and_rounded_up_once(amount: str, group: str, price: int):
    sold = payments()
    terms = sold.terms(PaymentProvider.EPAY)
    assert terms is not None

    assert sold.price(terms, Amount.parse(amount), group) == price


def test_a_provider_that_is_not_configured_has_no_terms():
    assert replace(payments(), epay=None).terms(PaymentProvider.EPAY) is None
    assert replace(payments(), stripe=None).terms(PaymentProvider.STRIPE) is None


def test_secrets_are_not_shown():
    shown = repr(payments())

    assert not [secret for secret in (KEY, SECRET_KEY, WEBHOOK_SECRET) if secret in shown]
