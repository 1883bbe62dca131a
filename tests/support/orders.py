"""Orders as values: ten units, through either provider."""

from datetime import timedelta

import msgspec

from clinx.domain.money import Amount
from clinx.domain.order import Order, OrderState, PaymentProvider, order_id
from support.database import START

EPAY_ORDER = Order(
    id=order_id(1),
    user_id=1,
    provider=PaymentProvider.EPAY,
    method="alipay",
    amount=Amount.parse("10"),
    price=7300,
    currency="CNY",
    state=OrderState.PENDING,
    reference=None,
    created_at=START,
    expires_at=START + timedelta(hours=23),
)
STRIPE_ORDER = msgspec.structs.replace(
    EPAY_ORDER, id=order_id(2), provider=PaymentProvider.STRIPE, method="checkout", price=1000, currency="USD"
)
