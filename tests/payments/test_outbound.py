from dataclasses import replace

import pytest

from clinx.domain.order import PaymentProvider
from clinx.payments import outbound
from clinx.payments.epay import EPay
from clinx.payments.provider import ProviderUnavailable
from clinx.payments.stripe import Stripe
from support.fake_payments import FakePayments, payments
from support.orders import EPAY_ORDER


async def test_each_provider_is_found_by_its_name():
    async with outbound.session(()) as session:
        assert isinstance(await outbound.provider(PaymentProvider.EPAY, payments(), session), EPay)
        assert isinstance(await outbound.provider(PaymentProvider.STRIPE, payments(), session), Stripe)


async def test_a_provider_that_is_not_configured_any_more_is_unavailable():
    none = replace(payments(), epay=None, stripe=None)
    async with outbound.session(()) as session:
        for name in PaymentProvider:
            with pytest.raises(ProviderUnavailable, match=f"payments through {name} are not configured"):
                await outbound.provider(name, none, session)


async def test_a_declared_address_is_reached(site: FakePayments):
    async with outbound.session(()) as session:
        provider = await outbound.provider(PaymentProvider.EPAY, payments(site.url), session)
        assert await provider.ask(EPAY_ORDER) is None

    assert len(site.asked) == 1


async def test_a_metadata_service_is_not():
    async with outbound.session(()) as session:
        provider = await outbound.provider(PaymentProvider.EPAY, payments("http://169.254.169.254"), session)
        with pytest.raises(ProviderUnavailable, match="epay: ClientConnectorError"):
            await provider.ask(EPAY_ORDER)
