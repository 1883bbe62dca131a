"""Access keys, without their secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Self

import strawberry

from clinx.accounts import access_keys
from clinx.domain.session import AccessKey
from clinx.graphql.context import Context
from clinx.graphql.ids import Node, to_id
from clinx.graphql.nodes import Find
from clinx.graphql.permissions import OWNER, Permission, over

KIND: Final = "AccessKey"


@strawberry.type(name="AccessKey", description="A credential of a program that uses the console in its owner's name.")
class AccessKeyNode(Node):
    """An access key."""

    owner_id: strawberry.Private[int]
    name: str
    hint: str = strawberry.field(description="Its first and last characters: what it can be told by.")
    permissions: list[str] = strawberry.field(description="What it may do, of what its owner may do when it is used.")
    expires_at: datetime | None
    created_at: datetime
    used_at: datetime | None = strawberry.field(description="When it was last used, give or take a minute.")
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: AccessKey) -> Self:
        """Return an access key as the console shows it."""
        return cls(
            id=to_id(KIND, key.id),
            owner_id=key.user_id,
            name=key.name,
            hint=key.hint,
            permissions=list(key.permissions),
            expires_at=key.expires_at,
            created_at=key.created_at,
            used_at=key.used_at,
            revoked_at=key.revoked_at,
        )


async def access_keys_of_viewer(context: Context) -> list[AccessKeyNode]:
    """Return the access keys of whoever asks, the latest made first.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    found = await access_keys.of_user(context.services.database, context.signed_in.user)
    return [AccessKeyNode.of(key) for key in reversed(found)]


async def find_access_key(context: Context, key: str) -> AccessKeyNode | None:
    """Return an access key of whoever asks."""
    if context.viewer is None or not context.may(Permission.SELF_READ):
        return None
    wanted = to_id(KIND, key)
    return next((each for each in await access_keys_of_viewer(context) if each.id == wanted), None)


NODES: Final[dict[str, Find]] = {KIND: find_access_key}
"""How access keys are found by their ids."""

ACCESS = over(
    "AccessKey",
    OWNER,
    *("id", "name", "hint", "permissions", "expiresAt", "createdAt", "usedAt", "revokedAt"),
)
