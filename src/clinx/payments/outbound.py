"""Connections to payment providers: to the addresses the tree declares and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Final

import aiohttp

from clinx.domain.identity import Network
from clinx.domain.order import PaymentProvider
from clinx.domain.payments import Payments
from clinx.payments.epay import EPay
from clinx.payments.provider import Provider, ProviderUnavailable
from clinx.upstream.egress import Egress

SECONDS: Final = 20.0
"""Most time one question may take."""


@asynccontextmanager
async def session(egress_allow: Iterable[Network]) -> AsyncGenerator[aiohttp.ClientSession]:
    """Open a session with the egress rules of channels, and nothing of its own: no cookies, no environment."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=Egress(egress_allow).open),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=SECONDS),
    ) as opened:
        yield opened


async def load_stripe() -> None:
    """Import the adapter of Stripe with its library, on a thread, unless it is there already."""
    await asyncio.to_thread(import_module, "clinx.payments.stripe")


async def provider(name: PaymentProvider, payments: Payments, opened: aiohttp.ClientSession) -> Provider:
    """Return a provider as it is configured now.

    Raises:
        ProviderUnavailable: it is not.
    """
    if name is PaymentProvider.EPAY and payments.epay is not None:
        return EPay(payments.epay, opened)
    if name is PaymentProvider.STRIPE and payments.stripe is not None:
        await load_stripe()
        from clinx.payments.stripe import Stripe  # noqa: PLC0415  (slow to import, for the few who need it)

        return Stripe(payments.stripe, opened)
    raise ProviderUnavailable(f"payments through {name} are not configured")
