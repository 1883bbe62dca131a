"""Groups, providers and channels, as the console shows them. Of a credential only its fingerprint is ever shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self
from urllib.parse import urlsplit

import strawberry

from clinx.domain.catalog import NO_CREDENTIAL, Channel, Credential, Group, Provider
from clinx.domain.figures import decimal
from clinx.domain.inquiry import Tested
from clinx.domain.override import Aspect, Override
from clinx.domain.provider_balance import BalanceCode, ProviderBalance
from clinx.graphql.catalog.loaders import ActiveOverrides, Ways
from clinx.graphql.context import Info
from clinx.graphql.ids import Node, to_id
from clinx.graphql.permissions import ANYONE, SIGNED_IN, Permission, needs, over
from clinx.graphql.scalars import Duration
from clinx.routing.way import WayState

GROUP = "Group"
PROVIDER = "Provider"
CHANNEL = "Channel"
OVERRIDE = "ChannelOverride"

strawberry.enum(Aspect, name="Aspect", description="What of a channel is overridden.")


@strawberry.type(name="Group", description="A class of users: which channels it sees, and the factor on prices.")
class GroupNode(Node):
    """A group."""

    name: str
    description: str
    multiplier: str | None = strawberry.field(
        description=(
            "The factor on every price: an exact decimal. Null of a group that tries others: theirs apply,"
            " as its models' prices say."
        )
    )
    tries: list[str] = strawberry.field(
        description="When given, it has no channels of its own: these are tried in order."
    )

    @classmethod
    def of(cls, group: Group) -> Self:
        """Return a group as the console shows it."""
        return cls(
            id=to_id(GROUP, group.name),
            name=group.name,
            description=group.description,
            multiplier=None if group.tries else decimal(group.multiplier),
            tries=list(group.tries),
        )


@strawberry.type(description="Where a provider takes an operation, and in which wire format.")
class ProviderEndpoint:
    """An endpoint."""

    operation: str
    dialect: str


@strawberry.type(name="Provider", description="A vendor or a service of one's own: addresses, wire formats, quirks.")
class ProviderNode(Node):
    """A provider that some channel uses."""

    name: str
    host: str = strawberry.field(description="Where it is, without a path.")
    endpoints: list[ProviderEndpoint]

    @classmethod
    def of(cls, provider: Provider) -> Self:
        """Return a provider as the console shows it."""
        endpoints = [ProviderEndpoint(operation=e.operation.value, dialect=e.dialect) for e in provider.endpoints]
        return cls(
            id=to_id(PROVIDER, provider.name), name=provider.name, host=host_of(provider.base_url), endpoints=endpoints
        )


@strawberry.type(description="A model of a channel.")
class ChannelModel:
    """What a channel calls a model."""

    name: str = strawberry.field(description="As callers ask for it; with `*` it stands for many.")
    upstream: str = strawberry.field(description="As the upstream is asked for it.")


@strawberry.type(name="ChannelOverride", description="What an operator says of a channel for a while.")
class OverrideNode(Node):
    """An override in force."""

    channel: str
    aspect: Aspect
    value: int = strawberry.field(description="Of `DISABLED`: 1 is disabled.")
    reason: str
    actor: str
    at: datetime
    until: datetime

    @classmethod
    def of(cls, override: Override) -> Self:
        """Return an override as the console shows it."""
        return cls(
            id=to_id(OVERRIDE, override.id),
            channel=override.channel,
            aspect=override.aspect,
            value=override.value,
            reason=override.reason,
            actor=override.actor,
            at=override.at,
            until=override.until,
        )


@strawberry.type(name="ChannelWay", description="How one credential is doing with one model, as one process knows it.")
class WayNode:
    """A way upstream."""

    upstream_model: str
    state: str = strawberry.field(description="`closed`, `resting`, `suspect`, `open`, `held` or `half_open`.")
    cause: str | None = strawberry.field(description="Why it is not closed.")
    next_look: Duration = strawberry.field(description="Until the next look at it; nothing where nothing is wrong.")
    latency_milliseconds: int | None = strawberry.field(description="The average until the first content, if known.")
    in_flight: int
    is_current: bool = strawberry.field(description="Whether it is of the tree that is served, not of one on trial.")

    @classmethod
    def of(cls, way: WayState, manner: str) -> Self:
        """Return a way as the console shows it."""
        return cls(
            upstream_model=way.model,
            state=way.state,
            cause=way.cause,
            next_look=Duration(timedelta(seconds=way.seconds)),
            latency_milliseconds=round(way.latency * 1000) or None,
            in_flight=way.in_flight,
            is_current=way.manner == manner,
        )


@strawberry.type(name="ChannelCredential", description="A secret that a channel presents; itself it is never shown.")
class CredentialNode:
    """A credential."""

    fingerprint: str = strawberry.field(description="Eight digits of its hash; `none` where the channel needs none.")
    reference: str = strawberry.field(description="Where the secret comes from.")
    ways: list[WayNode] = strawberry.field(description="By model, of those that were used.")


@strawberry.type(name="ChannelTest", description="How a test of a channel ended.")
class TestedNode:
    """A test that is over."""

    __test__ = False

    credential: str
    upstream_model: str
    outcome: str = strawberry.field(description="`ok`, a code of the relay's failures, or `full`.")
    at: datetime

    @classmethod
    def of(cls, tested: Tested) -> Self:
        """Return a test as the console shows it."""
        return cls(credential=tested.credential, upstream_model=tested.model, outcome=tested.outcome, at=tested.at)


strawberry.enum(BalanceCode, name="BalanceCode", description="Why there is no balance.")


@strawberry.type(name="ProviderBalance", description="What a vendor said is left, asked with one credential.")
class ProviderBalanceNode:
    """The last answer."""

    credential: str = strawberry.field(description="The fingerprint of what was presented.")
    asked_at: datetime = strawberry.field(description="When the vendor was asked.")
    amount: str | None = strawberry.field(description="An exact decimal; negative where it is owed.")
    currency: str | None = strawberry.field(description="The vendor's, not the ledger's.")
    code: BalanceCode | None = strawberry.field(description="Why there is no amount.")
    cause: str | None = strawberry.field(
        description="Why there is none, in the vendor's words as far as there are any."
    )

    @classmethod
    def of(cls, balance: ProviderBalance) -> Self:
        """Return a balance as the console shows it."""
        return cls(
            credential="none" if balance.credential == NO_CREDENTIAL.fingerprint else balance.credential,
            asked_at=balance.at,
            amount=balance.shown,
            currency=balance.currency,
            code=balance.code,
            cause=balance.cause,
        )


@strawberry.type(name="Channel", description="One usable way to a provider.")
class ChannelNode(Node):
    """A channel of the tree that is served."""

    channel: strawberry.Private[Channel]
    name: str
    provider: str
    host: str = strawberry.field(description="Where it leads, without a path.")
    groups: list[str]
    models: list[ChannelModel]
    priority: int = strawberry.field(description="As the tree has it.")
    weight: int = strawberry.field(description="As the tree has it.")
    tags: list[str]

    @classmethod
    def of(cls, channel: Channel) -> Self:
        """Return a channel as the console shows it."""
        return cls(
            id=to_id(CHANNEL, channel.name),
            channel=channel,
            name=channel.name,
            provider=channel.provider.name,
            host=host_of(channel.base_url),
            groups=list(channel.groups),
            models=[ChannelModel(name=name, upstream=upstream) for name, upstream in sorted(channel.models.items())],
            priority=channel.priority,
            weight=channel.weight,
            tags=sorted(channel.tags),
        )

    @strawberry.field(description="What is overridden now, in every process.")
    async def overrides(self, info: Info) -> list[OverrideNode]:
        """Return the overrides in force."""
        return [OverrideNode.of(each) for each in await info.context.loader(ActiveOverrides).of(self.name)]

    @strawberry.field(description="Its credentials, and how they are doing in the process that answers.")
    def credentials(self, info: Info) -> list[CredentialNode]:
        """Return them."""
        ways = info.context.loader(Ways).of(self.name)
        return [self._credential(each, ways) for each in self.channel.credentials or (NO_CREDENTIAL,)]

    @strawberry.field(description="Whether some way of it is not at its best in the process that answers.")
    def is_ill(self, info: Info) -> bool:
        """Say so."""
        return is_ill(info.context.loader(Ways).of(self.name), self.channel)

    @strawberry.field(description="The process that answers: health is each process's own.")
    def node(self, info: Info) -> str:
        """Return its name."""
        return info.context.services.node

    @strawberry.field(description="How its last test ended in the process that answers.")
    def last_test(self, info: Info) -> TestedNode | None:
        """Return it; None where there was none."""
        tested = info.context.services.running.inquiries.last_test(self.name)
        return None if tested is None else TestedNode.of(tested)

    @strawberry.field(description="Whether its provider says how it is asked what is left.")
    def is_balance_offered(self) -> bool:
        """Say so."""
        return self.channel.provider.balance is not None

    @strawberry.field(
        description="What the vendor last told the process that answers is left; nothing before it asked."
    )
    def provider_balances(self, info: Info) -> list[ProviderBalanceNode]:
        """Return them, by credential."""
        found = info.context.services.running.inquiries.provider_balances(self.channel)
        return [ProviderBalanceNode.of(each) for each in found]

    def _credential(self, credential: Credential, ways: list[WayState]) -> CredentialNode:
        own = [way for way in ways if way.credential == credential.fingerprint]
        return CredentialNode(
            fingerprint="none" if credential is NO_CREDENTIAL else credential.fingerprint,
            reference=credential.reference,
            ways=[WayNode.of(way, self.channel.manner) for way in own],
        )


def is_ill(ways: list[WayState], channel: Channel) -> bool:
    """Say whether some way of a channel, as it is asked now, is not at its best."""
    return any(way.state != "closed" for way in ways if way.manner == channel.manner)


def host_of(url: str) -> str:
    """Return where an address leads; what follows the host, and what stands before it, may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else url


_READ = needs(Permission.CHANNEL_READ)
ACCESS = {
    **over("Group", SIGNED_IN, "id", "name", "description", "multiplier"),
    **over("Group", needs(Permission.CONFIG_READ), "tries"),
    **over("Provider", _READ, "id", "name", "host", "endpoints"),
    **over("ProviderEndpoint", _READ, "operation", "dialect"),
    **over("Channel", _READ, "id", "name", "provider", "host", "groups", "models", "priority", "weight", "tags"),
    **over("Channel", _READ, "overrides", "credentials", "isIll", "node", "lastTest"),
    **over("Channel", _READ, "isBalanceOffered", "providerBalances"),
    **over("ProviderBalance", _READ, "credential", "askedAt", "amount", "currency", "code"),
    **over("ProviderBalance", needs(Permission.CHANNEL_OPERATE), "cause"),
    **over("ChannelModel", _READ, "name", "upstream"),
    **over("ChannelOverride", ANYONE, "id", "channel", "aspect", "value", "reason", "actor", "at", "until"),
    **over("ChannelCredential", _READ, "fingerprint", "reference", "ways"),
    **over("ChannelWay", _READ, "upstreamModel", "state", "cause", "nextLook", "latencyMilliseconds", "inFlight"),
    **over("ChannelWay", _READ, "isCurrent"),
    **over("ChannelTest", _READ, "credential", "upstreamModel", "outcome", "at"),
}
"""Overrides are guarded where they are asked for: with a channel, or with the configuration."""
