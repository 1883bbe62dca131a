"""A test of a channel as it happens, and the health of channels as it changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Final, Self

import strawberry

from clinx.domain.inquiry import InquiryError, TryoutEvent, TryoutStage, TryoutWish
from clinx.domain.usage import Usage
from clinx.graphql.catalog.types import CHANNEL, ChannelNode
from clinx.graphql.context import Info
from clinx.graphql.errors import Problem, Refusal
from clinx.graphql.ids import key_of
from clinx.graphql.permissions import Permission, needs, over
from clinx.graphql.scalars import BigInt

LOOK_SECONDS: Final = 1.0
"""Between two looks at what changed."""

strawberry.enum(TryoutStage, name="TestStage", description="How far a test of a channel is.")


@strawberry.input(description="A channel that is to be tried out.")
class ChannelTestInput:
    """Which, and with what."""

    channel: strawberry.ID
    credential: str | None = strawberry.field(default=None, description="A fingerprint; without it, the first.")
    model: str | None = strawberry.field(default=None, description="Its public name; without it, what the tree tests.")


@strawberry.type(description="How many tokens of each kind.")
class TokenCounts:
    """What the upstream reported."""

    input: BigInt = strawberry.field(description="The whole prompt, cached parts included.")
    output: BigInt = strawberry.field(description="The whole answer, reasoning included.")

    @classmethod
    def of(cls, usage: Usage) -> Self:
        """Return the totals."""
        return cls(input=BigInt(usage.input_tokens), output=BigInt(usage.output_tokens))


@strawberry.type(description="Something that happened in a test of a channel.")
class ChannelTestEvent:
    """One event; the last is a success or a failure."""

    stage: TryoutStage
    channel: str
    credential: str = strawberry.field(description="The fingerprint of what was presented.")
    upstream_model: str
    operation: str
    dialect: str
    after_milliseconds: int = strawberry.field(description="Since the start.")
    status: int | None = strawberry.field(description="What the upstream answered.")
    usage: TokenCounts | None = strawberry.field(description="What the upstream reported.")
    code: str | None = strawberry.field(description="Why it failed.")
    cause: str | None = strawberry.field(description="Why it failed, in the upstream's words as far as there are any.")

    @classmethod
    def of(cls, event: TryoutEvent) -> Self:
        """Return an event as the console shows it."""
        return cls(
            stage=event.stage,
            channel=event.channel,
            credential=event.credential,
            upstream_model=event.model,
            operation=event.operation,
            dialect=event.dialect,
            after_milliseconds=event.after // timedelta(milliseconds=1),
            status=event.status,
            usage=None if event.usage is None else TokenCounts.of(event.usage),
            code=event.code,
            cause=event.cause,
        )


@strawberry.type
class CatalogSubscription:
    """Subscriptions about channels."""

    @strawberry.subscription(description="Sends a real small request through a channel, and tells what happens.")
    async def channel_test(self, info: Info, input: ChannelTestInput) -> AsyncGenerator[ChannelTestEvent]:  # noqa: A002
        """Test it; the subscription ends with the test."""
        try:
            wish = TryoutWish(key_of(input.channel, CHANNEL), input.credential, input.model)
            events = info.context.services.running.inquiries.try_out(wish)
            try:
                async for event in events:
                    yield ChannelTestEvent.of(event)
            finally:
                await events.aclose()
        except (InquiryError, Problem) as error:
            raise Refusal(error.message, error.code, **error.parameters) from None

    @strawberry.subscription(description="A channel, whenever the health of one of its ways changed in this process.")
    async def channel_health_changed(
        self, info: Info, channel: strawberry.ID | None = None
    ) -> AsyncGenerator[ChannelNode]:
        """Look again and again."""
        only = None if channel is None else key_of(channel, CHANNEL)
        services, before = info.context.services, _states(info)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = _states(info)
            changed = sorted({name for name, *_ in before ^ now if only in {None, name}})
            before = now
            info.context.loaders.clear()
            for name in changed:
                if (found := services.current.generation.snapshot.channels.get(name)) is not None:
                    yield ChannelNode.of(found)


def _states(info: Info) -> frozenset[tuple[str, str, str, str, str]]:
    """Return what is news when it differs: not figures, but how each way stands."""
    ways = info.context.services.running.health.states()
    return frozenset((way.channel, way.credential, way.model, way.manner, way.state) for way in ways)


_OPERATE = needs(Permission.CHANNEL_OPERATE)
ACCESS = {
    **over("Subscription", _OPERATE, "channelTest"),
    **over("Subscription", needs(Permission.CHANNEL_READ), "channelHealthChanged"),
    **over("ChannelTestEvent", _OPERATE, "stage", "channel", "credential", "upstreamModel", "operation", "dialect"),
    **over("ChannelTestEvent", _OPERATE, "afterMilliseconds", "status", "usage", "code", "cause"),
    **over("TokenCounts", _OPERATE, "input", "output"),
}
