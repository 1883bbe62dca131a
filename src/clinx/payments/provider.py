"""What every payment provider can do for us, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

from clinx.domain.order import Order, Payment
from clinx.domain.payments import Payments
from clinx.payments.notice import Lapsed


class ProviderUnavailable(Exception):
    """The provider cannot be reached, refuses us, or answers what nobody understands. The text holds no secret."""


@dataclass(frozen=True, slots=True)
class PayPage:
    """Where an order is paid."""

    url: str
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    """To be sent along, by a form or in the query."""
    reference: str | None = None
    """The provider's own id of the order, when it has one already."""

    @property
    def link(self) -> str:
        """The page as one address to open."""
        return f"{self.url}?{urlencode(self.params)}" if self.params else self.url


class Provider(Protocol):
    """One provider, reachable."""

    async def open(self, order: Order, payments: Payments) -> PayPage:
        """Return the page to pay an order on; the same page for the same order.

        Raises:
            ProviderUnavailable: it cannot say.
        """
        ...

    async def ask(self, order: Order) -> Payment | Lapsed | None:
        """Say what became of an order; None while it may still be paid.

        Raises:
            ProviderUnavailable: it cannot say.
        """
        ...
