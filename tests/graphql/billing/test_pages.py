from __future__ import annotations

from clinx.graphql.billing.pages import PaymentField, PaymentPage
from clinx.payments.provider import PayPage


def test_a_page_is_shown_as_fields_and_as_one_address() -> None:
    shown = PaymentPage.of(PayPage("https://pay.example/submit", {"pid": "7", "name": "a b"}))

    assert shown == PaymentPage(
        url="https://pay.example/submit",
        fields=[PaymentField(name="pid", value="7"), PaymentField(name="name", value="a b")],
        link="https://pay.example/submit?pid=7&name=a+b",
    )


def test_where_there_is_no_page_there_is_none() -> None:
    assert PaymentPage.of(None) is None
