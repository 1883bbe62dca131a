"""Tokens, as their owners and operators see them."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Self

import strawberry

from clinx.domain.identity import Status, Token
from clinx.domain.money import Amount
from clinx.graphql.context import Context, Info
from clinx.graphql.ids import Node, to_id
from clinx.graphql.permissions import Permission, over, own
from clinx.graphql.tokens.loaders import LastUsed, TokenLoader
from clinx.graphql.users.types import UserNode, user_of
from clinx.graphql.users.whose import REACHED, row_of

KIND: Final = "Token"


@strawberry.type(name="Tag", description="A word about a token, for reports and for rules.")
class TagNode:
    """A tag."""

    name: str
    value: str


@strawberry.type(name="Token", description="A key that calls are made with, without its secret.")
class TokenNode(Node):
    """A token."""

    owner_id: strawberry.Private[int]
    number: strawberry.Private[int]
    name: str
    hint: str = strawberry.field(description="Its first and last characters: what it can be told by.")
    status: Status
    is_stopped: bool = strawberry.field(description="Whether operators disabled it: only they enable it again.")
    expires_at: datetime | None
    models: list[str] = strawberry.field(description="The models it may use; empty is all that its group offers.")
    group: str | None = strawberry.field(description="Given by an operator; null is the owner's, whatever it is.")
    networks: list[str] = strawberry.field(description="Where it may be used from, in CIDR; empty is anywhere.")
    budget: Amount | None = strawberry.field(description="The most it may ever spend; null is the owner's balance.")
    spent: Amount
    tags: list[TagNode]
    created_at: datetime
    version: int = strawberry.field(description="Raised by every change: for `expectedVersion`.")

    @strawberry.field(description="Those of its models that the tree does not know now: nothing is served for them.")
    def unknown_models(self, info: Info) -> list[str]:
        """Return them: a slip of the pen, or what is to come."""
        return [name for name in self.models if info.context.snapshot.model(name) is None]

    @strawberry.field(description="When a call with it last ended, as far as the request log goes back.")
    async def last_used_at(self, info: Info) -> datetime | None:
        """Return it; of many tokens in one operation, read at once."""
        return await info.context.loader(LastUsed).load(self.number)

    @strawberry.field(description="Whose it is.")
    async def owner(self, info: Info) -> UserNode | None:
        """Return the owner."""
        return await user_of(info.context, self.owner_id)

    @classmethod
    def of(cls, token: Token) -> Self:
        """Return a token as the console shows it."""
        assert token.created_at is not None, "a stored token was issued at some instant"  # noqa: S101
        return cls(
            id=to_id(KIND, token.id),
            owner_id=token.user_id,
            number=token.id,
            name=token.name,
            hint=token.hint,
            status=token.status,
            is_stopped=token.stopped,
            expires_at=token.expires_at,
            models=sorted(token.models),
            group=token.group,
            networks=[str(network) for network in token.networks],
            budget=token.budget,
            spent=token.spent,
            tags=[TagNode(name=name, value=value) for name, value in sorted(token.tags.items())],
            created_at=token.created_at,
            version=token.version,
        )


async def find_token(context: Context, key: str) -> TokenNode | None:
    """Return a token, if whoever asks may see it."""
    number, viewer = row_of(key), context.viewer
    if number is None or viewer is None:
        return None
    token = await context.loader(TokenLoader).load(number)
    if token is None:
        return None
    is_own = token.user_id == viewer.user.id and context.may(Permission.SELF_READ)
    return TokenNode.of(token) if is_own or context.may(Permission.TOKEN_READ) else None


ACCESS = {
    **over("Tag", REACHED, "name", "value"),
    **over(
        "Token",
        own(Permission.TOKEN_READ),
        *("id", "name", "hint", "status", "expiresAt", "models", "group", "networks", "budget", "spent", "tags"),
        *("isStopped", "createdAt", "version", "lastUsedAt", "owner", "unknownModels"),
    ),
}
