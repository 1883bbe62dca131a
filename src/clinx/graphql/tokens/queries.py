"""One's own tokens, and those of others for operators."""

from __future__ import annotations

from functools import partial
from typing import Final

import strawberry

from clinx.domain.identity import Status
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Forbidden
from clinx.graphql.ids import key_of
from clinx.graphql.nodes import Find
from clinx.graphql.paging import COUNTED, Connection, Cursors, checked, page
from clinx.graphql.permissions import Permission, over
from clinx.graphql.tokens.types import KIND, TokenNode, find_token
from clinx.graphql.users.whose import either, whose
from clinx.storage import token_lists
from clinx.storage.token_lists import TokenFilter


@strawberry.input(name="TokenFilter", description="Which tokens are wanted.")
class TokenWanted:
    """All that is given must hold."""

    user: strawberry.ID | None = strawberry.field(default=None, description="Without it, those of whoever asks.")
    everyone: bool = strawberry.field(default=False, description="Those of all users.")
    status: Status | None = None
    search: str | None = strawberry.field(default=None, description="How the name begins, or the hint.")


@strawberry.type
class TokenQuery:
    """Queries about tokens."""

    @strawberry.field(description="Tokens, the latest issued first.")
    async def tokens(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        filter: TokenWanted | None = None,  # noqa: A002
    ) -> Connection[TokenNode]:
        """Return a page of them."""
        database, wanted = info.context.services.database, _filter(info.context, filter or TokenWanted())
        cursors, limit = Cursors(info.context.services.keys.cursors, "tokens"), checked(first)
        place = cursors.read(after, int)
        found = await token_lists.page(database, wanted, below=None if place is None else place[0], limit=limit + 1)
        return page(
            found,
            limit,
            TokenNode.of,
            cursors,
            lambda each: (each.id,),
            after=after,
            count=partial(token_lists.count, database, wanted, most=COUNTED + 1),
        )

    @strawberry.field(description="A token by its id; null where there is none for whoever asks.")
    async def token(self, info: Info, id: strawberry.ID) -> TokenNode | None:  # noqa: A002
        """Return it."""
        return await find_token(info.context, key_of(id, KIND))


def _filter(context: Context, asked: TokenWanted) -> TokenFilter:
    if asked.everyone and asked.user is None:
        if not context.may(Permission.TOKEN_READ):
            raise Forbidden(Permission.TOKEN_READ)
        return TokenFilter(None, asked.status, asked.search or None)
    return TokenFilter(whose(context, asked.user, Permission.TOKEN_READ), asked.status, asked.search or None)


NODES: Final[dict[str, Find]] = {KIND: find_token}
"""How tokens are found by their ids."""

ACCESS = over("Query", either(Permission.TOKEN_READ), "tokens", "token")
