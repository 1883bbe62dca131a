"""What a tree compiles to: frozen values at one revision. The request path is handed this and nothing that moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from clinx.config.rollout import Rollout
from clinx.domain.catalog import Channel, Endpoint, Group, Model
from clinx.domain.console import NO_CONSOLE, Console
from clinx.domain.identity import Network
from clinx.domain.invitation import Rewards
from clinx.domain.payments import Payments
from clinx.policies.policy_set import NO_POLICIES, PolicySet
from clinx.routing.pattern import Pattern
from clinx.routing.table import RouteTable


@dataclass(frozen=True, slots=True)
class Revision:
    """The identity of a tree."""

    id: str
    """The first 12 hexadecimal digits of the hash of its files."""
    commit: str | None
    """The git commit checked out there, if any."""
    at: datetime
    """When it was compiled."""


class Disconnect(StrEnum):
    """What happens upstream when a caller goes away in the middle of a stream."""

    CANCEL = "cancel"
    """The upstream request is closed; what was received is charged."""
    DRAIN = "drain"
    """The answer is read to its end, so that the vendor's own usage is charged."""


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many calls one process serves at a time. None caps nothing."""

    total: int | None = None
    per_user: int | None = None
    per_token: int | None = None
    length: int = 64
    """How many wait when ``total`` are served."""
    wait: float = 1.0
    """Most time each of them waits."""


@dataclass(frozen=True, slots=True)
class Server:
    """How the edge behaves. Sizes in bytes, times in seconds."""

    cors: tuple[str, ...] = ()
    """Origins that browsers may call from; ``*`` is any."""
    trusted_proxies: tuple[Network, ...] = ()
    """Peers whose X-Forwarded-For is believed."""
    max_body: int = 32 * 2**20
    body_timeout: float = 30.0
    """Most time a request body may take to arrive."""
    on_client_disconnect: Disconnect = Disconnect.CANCEL
    retry_budget: float = 0.2
    """Second attempts as a share of all exchanges, beyond the first few."""
    concurrency: Concurrency | None = None
    zone: tzinfo | None = None
    """Where the clock of rules stands; None is UTC."""
    egress_allow: tuple[Network, ...] = ()
    """Ranges that channels may reach although they are refused by default (link-local, metadata services)."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a request depends on."""

    revision: Revision
    currency: str
    groups: Mapping[str, Group]
    models: Mapping[str, Model]
    """By exact public name."""
    patterns: tuple[tuple[Pattern, Model], ...]
    """The longer pattern first."""
    channels: Mapping[str, Channel]
    routes: RouteTable
    endpoints: tuple[Endpoint, ...]
    """Inbound paths of every dialect."""
    server: Server
    invitations: Rewards
    """What an accepted invitation is worth."""
    payments: Payments | None = None
    """How balances are topped up; None when nothing is sold."""
    policies: PolicySet = NO_POLICIES
    """The rules of policies/."""
    console: Console = NO_CONSOLE
    """Who may sign in and how, whom the gateway writes to, and how long it remembers."""
    rollout: Rollout | None = None
    """How this revision takes the place of the one before it; None at once."""

    def model(self, name: str) -> Model | None:
        """Return the catalogue entry of a public name: an exact one, else that of the longest pattern."""
        if (exact := self.models.get(name)) is not None:
            return exact
        for pattern, model in self.patterns:
            if pattern.matches(name):
                return model
        return None
