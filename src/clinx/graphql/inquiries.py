"""What the console asks of the relay, which it does not know: `clinx.relay.inquiries` answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from typing import Protocol

from clinx.config.snapshot import Snapshot
from clinx.domain.catalog import Channel
from clinx.domain.inquiry import (
    Document,
    PatchTold,
    PlanTold,
    RequestTold,
    RouteTold,
    RouteWish,
    Tested,
    TryoutEvent,
    TryoutWish,
)
from clinx.domain.provider_balance import ProviderBalance


class Inquiries(Protocol):
    """Explains, plans and tries out. What cannot be answered is an `InquiryError`."""

    async def explain_request(self, request_id: str) -> RequestTold | None:
        """Tell what became of a request; None where no log of it is kept."""
        ...

    def explain_route(self, wish: RouteWish) -> RouteTold:
        """Tell what would become of a request that nobody has sent."""
        ...

    def as_called(self) -> Snapshot:
        """Return what is served with what is overridden of channels laid over."""
        ...

    async def plan(self, documents: Sequence[Document], replay: timedelta | None) -> PlanTold:
        """Tell what it would mean to serve the tree on disk with other documents."""
        ...

    async def propose(self, path: str, value: str | None) -> PatchTold:
        """Tell how one value of the tree on disk is changed; None takes the entry out."""
        ...

    def try_out(self, wish: TryoutWish) -> AsyncGenerator[TryoutEvent]:
        """Send a small request through a channel, and tell what happens."""
        ...

    def last_test(self, channel: str) -> Tested | None:
        """Return how the last test of a channel ended in this process."""
        ...

    def provider_balances(self, channel: Channel) -> Sequence[ProviderBalance]:
        """Return what a vendor answered this process last of what is left, by credential."""
        ...

    async def refresh_balances(self, channel: Channel, credential: str | None) -> None:
        """Ask a vendor what is left, with all credentials or with that of a fingerprint."""
        ...
