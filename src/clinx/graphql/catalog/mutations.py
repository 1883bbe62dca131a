"""What operators say of channels for a while: overrides with a reason and an end, and that one is good again."""

from __future__ import annotations

from datetime import datetime

import strawberry

from clinx.domain.catalog import NO_CREDENTIAL
from clinx.domain.inquiry import InquiryError
from clinx.domain.override import BOUNDS, LONGEST, Aspect, Override, may_end
from clinx.graphql.audit import Change
from clinx.graphql.catalog.types import CHANNEL, OVERRIDE, ChannelNode, OverrideNode
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Problem, UserError, attempt, not_found
from clinx.graphql.ids import key_of, number_of
from clinx.graphql.permissions import Permission, needs, over
from clinx.graphql.scalars import Duration
from clinx.storage import overrides
from clinx.storage.announcements import Topic, announce

_REASON = 500


@strawberry.input(
    description="One thing of a channel, another than the tree says, for a while: exactly one of `disabled`, `weight`"
    " and `priority`, and exactly one of `until` and `lasting`."
)
class ChannelOverrideInput:
    """What, until when, and why."""

    channel: strawberry.ID
    disabled: bool | None = None
    weight: int | None = None
    priority: int | None = None
    reason: str = strawberry.field(description="Kept, logged and shown.")
    until: datetime | None = strawberry.field(default=None, description="When it ends; at most seven days from now.")
    lasting: Duration | None = strawberry.field(default=None, description="How long it lasts: `P1D`, `PT30M`.")
    dry_run: bool = strawberry.field(default=False, description="Only look whether it could be.")


@strawberry.input(description="An override that shall end now.")
class ChannelOverrideDropInput:
    """Which."""

    id: strawberry.ID


@strawberry.input(description="A channel whose credentials are good again.")
class ChannelResetInput:
    """Which."""

    channel: strawberry.ID


@strawberry.input(description="A channel whose vendor is asked what is left.")
class ChannelBalanceRefreshInput:
    """Which, and with what."""

    channel: strawberry.ID
    credential: str | None = strawberry.field(
        default=None, description="A fingerprint; without it all are asked with, at most 24, the longest unasked first."
    )


@strawberry.type(description="What came of an override.")
class ChannelOverridePayload:
    """The override, and the channel."""

    override: OverrideNode | None = None
    channel: ChannelNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list[UserError])
    change: strawberry.Private[Change | None] = None


@strawberry.type(description="What came of ending an override.")
class ChannelOverrideDropPayload:
    """The override that was."""

    override: OverrideNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list[UserError])
    change: strawberry.Private[Change | None] = None


@strawberry.type(description="What came of a reset.")
class ChannelResetPayload:
    """The channel."""

    channel: ChannelNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type(description="What came of asking a vendor what is left.")
class ChannelBalanceRefreshPayload:
    """The channel, with what was answered for each credential."""

    channel: ChannelNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class CatalogMutation:
    """Mutations about channels."""

    @strawberry.mutation(description="Overrides one thing of a channel, in every process, until it ends.")
    async def channel_override(self, info: Info, input: ChannelOverrideInput) -> ChannelOverridePayload:  # noqa: A002
        """Write it, and tell every process."""

        async def work() -> ChannelOverridePayload:
            context = info.context
            channel = _channel(context, input.channel)
            aspect, value = _aspect(input)
            reason = input.reason.strip()
            if not reason:
                raise Problem("reason_required", "Say why.", "reason")
            override = Override(
                channel.name,
                aspect,
                value,
                reason[:_REASON],
                context.signed_in.actor,
                context.now,
                _end(context, input),
            )
            if not input.dry_run:
                override = await context.services.database.atomically(overrides.put(override))
            said = Change(None, {"channel": channel.name, "override": override.shown, "until": override.until})
            return ChannelOverridePayload(
                override=OverrideNode.of(override), channel=channel, change=None if input.dry_run else said
            )

        return await attempt(lambda errors: ChannelOverridePayload(errors=errors), work)

    @strawberry.mutation(description="Ends an override now.")
    async def channel_override_drop(
        self,
        info: Info,
        input: ChannelOverrideDropInput,  # noqa: A002
    ) -> ChannelOverrideDropPayload:
        """End it, and tell every process."""

        async def work() -> ChannelOverrideDropPayload:
            context = info.context
            number = number_of(input.id, OVERRIDE)
            dropped = await context.services.database.atomically(
                overrides.drop(number, context.signed_in.actor, context.now)
            )
            if dropped is None:
                raise not_found("override")
            change = Change({"channel": dropped.channel, "override": dropped.shown, "until": dropped.until}, None)
            return ChannelOverrideDropPayload(override=OverrideNode.of(dropped), change=change)

        return await attempt(lambda errors: ChannelOverrideDropPayload(errors=errors), work)

    @strawberry.mutation(description="Says that a channel is good again: its circuits close, in every process.")
    async def channel_reset(self, info: Info, input: ChannelResetInput) -> ChannelResetPayload:  # noqa: A002
        """Tell every process."""

        async def work() -> ChannelResetPayload:
            context = info.context
            channel = _channel(context, input.channel)
            await context.services.database.atomically(announce(Topic.CHANNEL, channel.name, context.now))
            return ChannelResetPayload(channel=channel)

        return await attempt(lambda errors: ChannelResetPayload(errors=errors), work)

    @strawberry.mutation(description="Asks a channel's vendor what is left on the accounts of its credentials.")
    async def channel_balance_refresh(
        self,
        info: Info,
        input: ChannelBalanceRefreshInput,  # noqa: A002
    ) -> ChannelBalanceRefreshPayload:
        """Ask, and keep in this process what was answered."""

        async def work() -> ChannelBalanceRefreshPayload:
            context = info.context
            found = _channel(context, input.channel)
            fingerprint = NO_CREDENTIAL.fingerprint if input.credential == "none" else input.credential
            try:
                await context.services.running.inquiries.refresh_balances(found.channel, fingerprint)
            except InquiryError as error:
                raise Problem(error.code, error.message, *error.path, **error.parameters) from None
            return ChannelBalanceRefreshPayload(channel=found)

        return await attempt(lambda errors: ChannelBalanceRefreshPayload(errors=errors), work)


def _channel(context: Context, id_: strawberry.ID) -> ChannelNode:
    found = context.snapshot.channels.get(key_of(id_, CHANNEL))
    if found is None:
        raise not_found("channel")
    return ChannelNode.of(found)


def _aspect(wish: ChannelOverrideInput) -> tuple[Aspect, int]:
    given = [
        (aspect, int(value))
        for aspect, value in (
            (Aspect.DISABLED, wish.disabled),
            (Aspect.WEIGHT, wish.weight),
            (Aspect.PRIORITY, wish.priority),
        )
        if value is not None
    ]
    if len(given) != 1:
        raise Problem("exactly_one", "Give exactly one of disabled, weight and priority.")
    aspect, value = given[0]
    low, high = BOUNDS[aspect]
    if not low <= value <= high:
        raise Problem("out_of_range", f"From {low} to {high}.", aspect.value, least=low, most=high)
    return aspect, value


def _end(context: Context, wish: ChannelOverrideInput) -> datetime:
    if (wish.until is None) is (wish.lasting is None):
        raise Problem("exactly_one", "Give exactly one of until and lasting.")
    until = wish.until if wish.until is not None else context.now + (wish.lasting or LONGEST)
    if not may_end(until, context.now):
        said = f"An override lasts at most {LONGEST.days} days: what shall last longer belongs in the tree."
        raise Problem("out_of_range", said, "until" if wish.until is not None else "lasting", most_days=LONGEST.days)
    return until


_OPERATE = needs(Permission.CHANNEL_OPERATE)
ACCESS = {
    **over("Mutation", _OPERATE, "channelOverride", "channelOverrideDrop", "channelReset", "channelBalanceRefresh"),
    **over("ChannelOverridePayload", _OPERATE, "override", "channel", "errors"),
    **over("ChannelOverrideDropPayload", _OPERATE, "override", "errors"),
    **over("ChannelResetPayload", _OPERATE, "channel", "errors"),
    **over("ChannelBalanceRefreshPayload", _OPERATE, "channel", "errors"),
}
