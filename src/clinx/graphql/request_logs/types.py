"""Request logs, as the console shows them: to callers what they asked for and paid, to operators where it went."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Self

import strawberry

from clinx.domain.money import Amount
from clinx.domain.request_log import Attempt, RequestLog
from clinx.domain.usage import Usage
from clinx.graphql.catalog.prices import Quoted, Unit  # Where units get their name in the schema.
from clinx.graphql.catalog.types import ChannelNode
from clinx.graphql.context import Context, Info
from clinx.graphql.ids import Node, to_id
from clinx.graphql.permissions import Permission, needs, over, own
from clinx.graphql.scalars import BigInt
from clinx.graphql.tokens.loaders import TokenLoader
from clinx.graphql.tokens.types import TokenNode
from clinx.graphql.users.types import UserNode, user_of
from clinx.graphql.users.whose import REACHED
from clinx.storage import request_logs

KIND: Final = "RequestLog"
_NOBODY: Final = 0
"""Nobody's id: the owner of calls without a valid key."""


@strawberry.type(description="How much of one unit a call used.")
class UsageCount:
    """One bucket; the buckets are disjoint."""

    unit: Unit
    count: BigInt


@strawberry.type(name="RequestAttempt", description="One try against one channel.")
class AttemptNode:
    """A try."""

    channel: str
    credential: str = strawberry.field(description="The fingerprint of the secret that was presented.")
    upstream_model: str
    outcome: str = strawberry.field(description="`ok` or the code of the failure.")
    status: int | None = strawberry.field(description="What the upstream answered.")
    milliseconds: int
    cause: str | None = strawberry.field(description="Why it failed, in the upstream's words as far as there are any.")

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """Return a try as the console shows it."""
        return cls(
            channel=attempt.channel,
            credential=attempt.credential,
            upstream_model=attempt.upstream_model,
            outcome=attempt.outcome,
            status=attempt.status,
            milliseconds=millis(attempt.seconds),
            cause=attempt.cause,
        )


@strawberry.type(name="RequestLog", description="A call that has ended. It is kept for a while; money never needs it.")
class RequestLogNode(Node):
    """A call."""

    owner_id: strawberry.Private[int]
    log: strawberry.Private[RequestLog]
    request_id: str = strawberry.field(description="As the caller was told, in `x-request-id`.")
    at: datetime = strawberry.field(description="When it began.")
    model: str | None = strawberry.field(description="What was served and priced.")
    asked_model: str | None = strawberry.field(description="What was asked for, as far as that is known.")
    operation: str
    dialect: str = strawberry.field(description="The wire format it was asked in.")
    outcome: str = strawberry.field(description="`ok` or the code of the failure.")
    status: int = strawberry.field(description="The HTTP status that the caller saw.")
    stream: bool
    charge: Amount
    group: str | None
    milliseconds: int = strawberry.field(description="How long it took.")
    first_byte_milliseconds: int | None = strawberry.field(description="Of a stream: until its first byte.")
    revision: str = strawberry.field(description="The configuration it was served under.")
    channel_name: str | None = strawberry.field(description="Where it went last.")
    upstream_model: str | None
    upstream_id: str | None = strawberry.field(description="What the upstream calls it.")
    address: str | None = strawberry.field(description="Where the call came from.")
    refused_by: str | None = strawberry.field(description="The rule that refused it, if one did.")
    cost: Amount | None = strawberry.field(description="What the vendor is paid for it; null where that is not known.")
    margin: Amount | None = strawberry.field(description="The charge less the cost; null where that is not known.")

    @strawberry.field(description="The whole prompt, cached parts included.")
    def input_tokens(self) -> BigInt:
        """Return their number."""
        return BigInt(self.log.usage.input_tokens)

    @strawberry.field(description="The whole answer, reasoning included.")
    def output_tokens(self) -> BigInt:
        """Return their number."""
        return BigInt(self.log.usage.output_tokens)

    @strawberry.field(description="What was used, by unit, as far as there was any.")
    def usage(self) -> list[UsageCount]:
        """Return the buckets."""
        return counts(self.log.usage)

    @strawberry.field(description="Whether the usage was counted here, because the upstream did not say.")
    def is_estimated(self) -> bool:
        """Say so."""
        return self.log.usage.estimated

    @strawberry.field(description="Why it cost that, as far as it was written down; null where nothing was priced.")
    def quote(self) -> Quoted | None:
        """Return lines and factors."""
        return Quoted.maybe(self.log.receipt)

    @strawberry.field(description="Where it was tried, in order.")
    def attempts(self) -> list[AttemptNode]:
        """Return the tries."""
        return list(map(AttemptNode.of, self.log.attempts))

    @strawberry.field(description="Where it went last; null when the tree has no such channel any more.")
    def channel(self, info: Info) -> ChannelNode | None:
        """Return the channel."""
        found = info.context.snapshot.channels.get(self.channel_name or "")
        return None if found is None else ChannelNode.of(found)

    @strawberry.field(description="What it was made with; null when that was deleted.")
    async def token(self, info: Info) -> TokenNode | None:
        """Return the token; of many logs, read at once."""
        if self.log.token_id is None:
            return None
        token = await info.context.loader(TokenLoader).load(self.log.token_id)
        return None if token is None else TokenNode.of(token)

    @strawberry.field(description="Whose it is; null when it came without a valid key.")
    async def user(self, info: Info) -> UserNode | None:
        """Return the user; of many logs, read at once."""
        return None if self.owner_id == _NOBODY else await user_of(info.context, self.owner_id)

    @classmethod
    def of(cls, log: RequestLog) -> Self:
        """Return a log as the console shows it."""
        return cls(
            id=to_id(KIND, log.id),
            owner_id=log.user_id or _NOBODY,
            log=log,
            request_id=log.id,
            at=log.at,
            model=log.model,
            asked_model=log.asked_model,
            operation=log.operation,
            dialect=log.dialect,
            outcome=log.outcome,
            status=log.status,
            stream=log.stream,
            charge=log.charge,
            group=log.group,
            milliseconds=millis(log.seconds),
            first_byte_milliseconds=None if log.first_byte_seconds is None else millis(log.first_byte_seconds),
            revision=log.revision,
            channel_name=log.channel,
            upstream_model=log.upstream_model,
            upstream_id=log.upstream_id,
            address=log.address,
            refused_by=log.refused_by,
            cost=log.cost,
            margin=log.margin,
        )


def millis(seconds: float) -> int:
    """Return whole milliseconds, as far as a number of GraphQL goes."""
    return min(round(seconds * 1000), _MOST)


_MOST: Final = 2**31 - 1


def counts(usage: Usage) -> list[UsageCount]:
    """Return the buckets that hold something."""
    return [UsageCount(unit=unit, count=BigInt(count)) for unit in Unit if (count := usage.count(unit))]


async def find_request_log(context: Context, key: str) -> RequestLogNode | None:
    """Return a log, if whoever asks may see it."""
    viewer = context.viewer
    log = None if viewer is None else await request_logs.find(context.services.logs, key)
    if viewer is None or log is None:
        return None
    is_own = log.user_id == viewer.user.id and context.may(Permission.SELF_READ)
    return RequestLogNode.of(log) if is_own or context.may(Permission.REQUEST_LOG_READ) else None


_READ = needs(Permission.REQUEST_LOG_READ)
ACCESS = {
    **over("UsageCount", REACHED, "unit", "count"),
    **over("RequestAttempt", _READ, "channel", "credential", "upstreamModel", "outcome", "status", "milliseconds"),
    **over("RequestAttempt", _READ, "cause"),
    **over(
        "RequestLog",
        own(Permission.REQUEST_LOG_READ),
        *("id", "requestId", "at", "model", "askedModel", "operation", "dialect", "outcome", "status", "stream"),
        *("charge", "group", "milliseconds", "firstByteMilliseconds", "inputTokens", "outputTokens", "usage"),
        *("isEstimated", "quote", "token", "user"),
    ),
    **over("RequestLog", _READ, "revision", "channelName", "channel", "upstreamModel", "upstreamId", "address"),
    **over("RequestLog", _READ, "refusedBy", "attempts"),
    **over("RequestLog", needs(Permission.COST_READ), "cost", "margin"),
}
