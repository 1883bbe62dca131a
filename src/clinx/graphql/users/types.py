"""Users, as the console shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from clinx.domain.console import Language
from clinx.domain.identity import Role, Status, User
from clinx.domain.money import Amount
from clinx.graphql.context import Context, Info
from clinx.graphql.ids import Node, to_id
from clinx.graphql.permissions import Permission, over, own
from clinx.graphql.users import whose
from clinx.graphql.users.loaders import Available, UserLoader

KIND = whose.KIND

strawberry.enum(Role, name="Role", description="What a user may do in the console.")
strawberry.enum(Status, name="Status", description="Whether a user or a token may be used.")
strawberry.enum(Language, name="Language", description="A language that the server can write in.")


@strawberry.type(name="User", description="An account holder.")
class UserNode(Node):
    """A user."""

    owner_id: strawberry.Private[int]
    name: str
    display_name: str = strawberry.field(description="What pages and e-mails call them; empty means the name.")
    email: str | None
    email_verified_at: datetime | None = strawberry.field(description="Null while the address proves nothing.")
    language: Language | None = strawberry.field(description="Null is the console's.")
    role: Role
    status: Status
    group: str
    created_at: datetime
    version: int = strawberry.field(description="Raised by every change: for `expectedVersion`.")

    @strawberry.field(description="What they may still spend.")
    async def available(self, info: Info) -> Amount:
        """Return it; of many users in one operation, read at once."""
        return await info.context.loader(Available).load(self.owner_id)

    @classmethod
    def of(cls, user: User) -> Self:
        """Return a user as the console shows it."""
        return cls(
            id=to_id(KIND, user.id),
            owner_id=user.id,
            name=user.name,
            display_name=user.display_name,
            email=user.email,
            email_verified_at=user.email_verified_at,
            language=user.language,
            role=user.role,
            status=user.status,
            group=user.group,
            created_at=user.created_at,
            version=user.version,
        )


async def user_of(context: Context, user_id: int) -> UserNode | None:
    """Return a user; of many in one operation, read at once.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    user = await context.loader(UserLoader).load(user_id)
    return None if user is None else UserNode.of(user)


async def find_user(context: Context, key: str) -> UserNode | None:
    """Return a user, if whoever asks may see it."""
    number, viewer = whose.row_of(key), context.viewer
    if number is None or viewer is None:
        return None
    if context.may(Permission.USER_READ) or (viewer.user.id == number and context.may(Permission.SELF_READ)):
        return await user_of(context, number)
    return None


ACCESS = over(
    "User",
    own(Permission.USER_READ),
    *("id", "name", "displayName", "email", "emailVerifiedAt", "language", "role", "status", "group", "createdAt"),
    *("version", "available"),
)
