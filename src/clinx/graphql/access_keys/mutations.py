"""Making and revoking access keys, which takes a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import strawberry

from clinx.accounts import access_keys
from clinx.accounts.failures import TooMany
from clinx.domain.session import AccessKey
from clinx.graphql import step_up
from clinx.graphql.access_keys.types import KIND, AccessKeyNode
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Problem, UserError, attempt, not_found
from clinx.graphql.ids import number_of
from clinx.graphql.once import once
from clinx.graphql.permissions import SESSION, Permission, over
from clinx.graphql.users.whose import REACHED

MOST: Final = 50
"""Access keys of one user that are good."""


@strawberry.input(description="A new access key.")
class AccessKeyCreateInput:
    """A new access key."""

    name: str
    permissions: list[str] = strawberry.field(description="Some of one's own; `self:read` is the least that is useful.")
    expires_at: datetime | None = strawberry.field(default=None, description="Null is never.")
    idempotency_key: str = strawberry.field(description="One access key for each.")


@strawberry.type(description="An access key with its secret.")
class AccessKeyCreatePayload:
    """An access key with its secret."""

    access_key: AccessKeyNode | None = None
    secret: str | None = strawberry.field(
        default=None, description="Shown now and never again; null when the key had done it before."
    )
    repeated: bool = strawberry.field(default=False, description="Whether the key had done it before.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="Which access key.")
class AccessKeyRevokeInput:
    """Which access key."""

    id: strawberry.ID


@strawberry.type(description="An access key that opens nothing any more.")
class AccessKeyRevokePayload:
    """An access key that opens nothing any more."""

    access_key: AccessKeyNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class AccessKeyMutation:
    """Mutations about access keys."""

    @strawberry.mutation(description="Make an access key; needs a fresh proof of who one is.")
    async def access_key_create(self, info: Info, input: AccessKeyCreateInput) -> AccessKeyCreatePayload:  # noqa: A002
        """Make it."""

        async def work() -> AccessKeyCreatePayload:
            context = info.context
            step_up.require(context)
            permissions = _permissions(context, input.permissions)

            async def issue() -> tuple[str, str]:
                await _check_room(context)
                issued = await access_keys.issue(
                    context.services.database,
                    context.signed_in.user,
                    input.name,
                    permissions,
                    at=context.now,
                    expires_at=input.expires_at,
                )
                return str(issued.key.id), issued.secret

            expires = None if input.expires_at is None else input.expires_at.isoformat()
            asked = [input.name, permissions, expires]
            number, secret = await once(context, "accessKeyCreate", input.idempotency_key, asked, issue)
            key = await _own(context, int(number))
            return AccessKeyCreatePayload(access_key=AccessKeyNode.of(key), secret=secret, repeated=secret is None)

        return await attempt(lambda errors: AccessKeyCreatePayload(errors=errors), work)

    @strawberry.mutation(description="Revoke an access key of one's own, at once and for good.")
    async def access_key_revoke(self, info: Info, input: AccessKeyRevokeInput) -> AccessKeyRevokePayload:  # noqa: A002
        """Revoke it."""

        async def work() -> AccessKeyRevokePayload:
            context = info.context
            revoked = await access_keys.revoke(
                context.services.database, context.signed_in.user, number_of(input.id, KIND), at=context.now
            )
            return AccessKeyRevokePayload(access_key=AccessKeyNode.of(revoked))

        return await attempt(lambda errors: AccessKeyRevokePayload(errors=errors), work)


def _permissions(context: Context, asked: Sequence[str]) -> list[str]:
    """Return what a new key may do: some of what whoever asks may do.

    Raises:
        Problem: ``permission_unknown`` or ``permission_not_yours``.
    """
    found: set[str] = set()
    for each in asked:
        if each not in set(Permission):
            raise Problem("permission_unknown", "There is no such permission.", "permissions")
        if not context.may(Permission(each)):
            raise Problem("permission_not_yours", "You may not do that yourself.", "permissions", permission=each)
        found.add(each)
    return sorted(found)


async def _own(context: Context, number: int) -> AccessKey:
    for key in await access_keys.of_user(context.services.database, context.signed_in.user):
        if key.id == number:
            return key
    raise not_found("access key")


async def _check_room(context: Context) -> None:
    held = await access_keys.of_user(context.services.database, context.signed_in.user)
    if sum(key.revoked_at is None for key in held) >= MOST:
        raise TooMany("access_key", MOST)


ACCESS = {
    **over("AccessKeyCreatePayload", REACHED, "accessKey", "secret", "repeated", "errors"),
    **over("AccessKeyRevokePayload", REACHED, "accessKey", "errors"),
    **over("Mutation", SESSION, "accessKeyCreate", "accessKeyRevoke"),
}
