"""The shape of ``server`` in gateway.yaml: how the edge behaves."""

# ruff: noqa: RUF012  (pydantic copies the default of a field for every instance)

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from clinx.config.quantities import NetworkText, Seconds, Share, Size, Zone
from clinx.config.strict import Shape


class ConcurrencyShape(Shape):
    """How many calls one process serves at a time."""

    total: Annotated[int, Field(ge=1)] | None = None
    """All together; one more waits in the queue, or is refused with 503."""
    per_user: Annotated[int, Field(ge=1)] | None = None
    """Of one user; one more is refused with 429."""
    per_token: Annotated[int, Field(ge=1)] | None = None
    """Through one API key; one more is refused with 429."""


class QueueShape(Shape):
    """Who waits when `concurrency.total` calls are served."""

    length: Annotated[int, Field(ge=0, le=100_000)] = 64
    """How many may wait, all users together; 0 lets nobody wait."""
    wait: Seconds = 1.0
    """How long each of them may; 1s when absent."""


class ServerShape(Shape):
    """How the edge behaves."""

    cors: list[Annotated[str, StringConstraints(pattern=r"^(\*|https?://[^\s/]+)$")]] = []
    """Origins that browsers may call from; `*` is any."""
    trusted_proxies: list[NetworkText] = []
    """Peers whose X-Forwarded-For is believed."""
    max_body: Size = 32 * 2**20
    """Largest request body; 32MiB when absent."""
    body_timeout: Seconds = 30.0
    """Most time a request body may take to arrive; 30s when absent."""
    on_client_disconnect: Literal["cancel", "drain"] = "cancel"
    """`cancel` closes the upstream request when a caller goes away; `drain` reads the answer to its end."""
    retry_budget: Share = 0.2
    """Second attempts as a share of all calls, beyond the first 100 of ten seconds; 20% when absent."""
    concurrency: ConcurrencyShape | None = None
    """How many calls are served at a time; no cap when absent."""
    queue: QueueShape = QueueShape()
    """Who waits when `concurrency.total` calls are served."""
    timezone: Zone | None = None
    """Where the clock of rules stands (`now`, `hours`, `days`): Europe/Berlin; UTC when absent."""
    egress_allow: list[NetworkText] = []
    """Address ranges that channels may reach although they are refused: link-local, metadata services, reserved."""
