"""What users there are."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import strawberry

from clinx.domain.identity import Role, Status, User
from clinx.graphql.context import Info
from clinx.graphql.ids import key_of
from clinx.graphql.nodes import Find
from clinx.graphql.paging import COUNTED, Connection, Cursors, Keyset, checked, page
from clinx.graphql.permissions import Permission, needs, over
from clinx.graphql.users.types import KIND, UserNode, find_user
from clinx.graphql.users.whose import either
from clinx.storage import user_lists
from clinx.storage.user_lists import UserFilter, UserOrder

strawberry.enum(UserOrder, name="UserOrder", description="How users are listed.")


@strawberry.input(name="UserFilter", description="Which users are wanted.")
class UserWanted:
    """All that is given must hold."""

    search: str | None = strawberry.field(default=None, description="How the name or the address begins.")
    role: Role | None = None
    status: Status | None = None
    group: str | None = None


@strawberry.type
class UserQuery:
    """Queries about users."""

    @strawberry.field(description="All users, the newest first unless another order is asked for.")
    async def users(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        filter: UserWanted | None = None,  # noqa: A002
        order_by: UserOrder = UserOrder.NEWEST,
    ) -> Connection[UserNode]:
        """Return a page of them."""
        database, limit = info.context.services.database, checked(first)
        cursors = Cursors(info.context.services.keys.cursors, f"users:{order_by.value}")
        wanted = _filter(filter or UserWanted())
        place: Any = cursors.read(after, str if order_by is UserOrder.NAME else int)
        found = await user_lists.page(
            database, wanted, order_by, after=None if place is None else place[0], limit=limit + 1
        )
        return page(
            found,
            limit,
            UserNode.of,
            cursors,
            partial(_keyset, order_by),
            after=after,
            count=partial(user_lists.count, database, wanted, most=COUNTED + 1),
        )

    @strawberry.field(description="A user by its id; null where there is none for whoever asks.")
    async def user(self, info: Info, id: strawberry.ID) -> UserNode | None:  # noqa: A002
        """Return it."""
        return await find_user(info.context, key_of(id, KIND))


def _filter(asked: UserWanted) -> UserFilter:
    return UserFilter(asked.search or None, asked.role, asked.status, asked.group)


def _keyset(order: UserOrder, user: User) -> Keyset:
    return (user.name,) if order is UserOrder.NAME else (user.id,)


NODES: Final[dict[str, Find]] = {KIND: find_user}
"""How users are found by their ids."""

ACCESS = {
    **over("Query", needs(Permission.USER_READ), "users"),
    **over("Query", either(Permission.USER_READ), "user"),
}
