"""Redemption codes and their batches, as operators see them. A code itself is shown once, when it is made."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final, Self

import strawberry

from clinx.domain.money import Amount
from clinx.graphql.context import Context, Info
from clinx.graphql.ids import Node, key_of, number_of, to_id
from clinx.graphql.paging import COUNTED, Connection, Cursors, checked, page
from clinx.graphql.permissions import Permission, needs, over
from clinx.graphql.users.types import UserNode, user_of
from clinx.graphql.users.whose import row_of
from clinx.storage import codes
from clinx.storage.codes import BatchOfCodes, Code, CodeFilter, CodeState

KIND: Final = "RedemptionCode"
BATCH: Final = "CodeBatch"
_ELLIPSIS: Final = "…"

strawberry.enum(CodeState, name="CodeState", description="The life of a redemption code.")


@strawberry.type(name="CodeBatch", description="Codes that were made together.")
class BatchNode(Node):
    """A batch."""

    number: str = strawberry.field(description="What the ledger and the command line call it.")
    name: str
    amount: Amount = strawberry.field(description="What each code is worth.")
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    open: int = strawberry.field(description="How many may still be redeemed.")
    redeemed: int
    disabled: int
    expired: int

    @classmethod
    def of(cls, batch: BatchOfCodes) -> Self:
        """Return a batch as the console shows it."""
        return cls(
            id=to_id(BATCH, batch.id),
            number=batch.id,
            name=batch.name,
            amount=batch.amount,
            created_by=batch.created_by,
            created_at=batch.created_at,
            expires_at=batch.expires_at,
            open=batch.open,
            redeemed=batch.redeemed,
            disabled=batch.disabled,
            expired=batch.expired,
        )


@strawberry.type(name="RedemptionCode", description="A code: money for whoever enters it first.")
class CodeNode(Node):
    """A code, without itself."""

    redeemed_by_id: strawberry.Private[int | None]
    hint: str = strawberry.field(description="Its first characters: what it can be told by.")
    batch: strawberry.ID = strawberry.field(description="The id of its batch.")
    name: str = strawberry.field(description="The name of its batch.")
    amount: Amount
    state: CodeState
    expires_at: datetime | None
    redeemed_at: datetime | None

    @strawberry.field(description="Who got it.")
    async def redeemed_by(self, info: Info) -> UserNode | None:
        """Return the user."""
        return None if self.redeemed_by_id is None else await user_of(info.context, self.redeemed_by_id)

    @classmethod
    def of(cls, code: Code, at: datetime) -> Self:
        """Return a code as it is at an instant."""
        return cls(
            id=to_id(KIND, code.id),
            redeemed_by_id=code.redeemed_by,
            hint=code.hint,
            batch=to_id(BATCH, code.batch),
            name=code.name,
            amount=code.amount,
            state=code.state_at(at),
            expires_at=code.expires_at,
            redeemed_at=code.redeemed_at,
        )


@strawberry.input(name="CodeFilter", description="Which codes are wanted.")
class CodeWanted:
    """All that is given must hold."""

    batch: strawberry.ID | None = None
    state: CodeState | None = None
    hint: str | None = strawberry.field(default=None, description="The first 13 characters of a code.")
    redeemed_by: strawberry.ID | None = strawberry.field(default=None, description="A user.")


@strawberry.type
class CodeQuery:
    """Queries about codes."""

    @strawberry.field(description="Batches of redemption codes, the latest first.")
    async def code_batches(self, info: Info, first: int, after: str | None = None) -> Connection[BatchNode]:
        """Return a page of them."""
        database = info.context.services.database
        cursors, limit = Cursors(info.context.services.keys.cursors, "codeBatches"), checked(first)
        place = cursors.read(after, int)
        found = await codes.page_of_batches(
            database, at=info.context.now, below=None if place is None else place[0], limit=limit + 1
        )
        return page(
            found,
            limit,
            lambda each: BatchNode.of(each[0]),
            cursors,
            lambda each: (each[1],),
            after=after,
            count=partial(codes.count_batches, database, most=COUNTED + 1),
        )

    @strawberry.field(description="Redemption codes, the latest first.")
    async def codes(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        filter: CodeWanted | None = None,  # noqa: A002
    ) -> Connection[CodeNode]:
        """Return a page of them."""
        database, at = info.context.services.database, info.context.now
        cursors, limit = Cursors(info.context.services.keys.cursors, "codes"), checked(first)
        wanted, place = _filter(filter or CodeWanted()), cursors.read(after, int)
        found = await codes.page(database, wanted, at=at, below=None if place is None else place[0], limit=limit + 1)
        return page(
            found,
            limit,
            lambda each: CodeNode.of(each, at),
            cursors,
            lambda each: (each.id,),
            after=after,
            count=partial(codes.count, database, wanted, at=at, most=COUNTED + 1),
        )


def _filter(asked: CodeWanted) -> CodeFilter:
    hint = None if asked.hint is None else asked.hint.upper().removesuffix("...").removesuffix(_ELLIPSIS) + _ELLIPSIS
    return CodeFilter(
        batch=None if asked.batch is None else key_of(asked.batch, BATCH),
        state=asked.state,
        hint=hint,
        redeemed_by=None if asked.redeemed_by is None else number_of(asked.redeemed_by, "User"),
    )


async def find_code(context: Context, key: str) -> CodeNode | None:
    """Return a code, if whoever asks may see it."""
    number = row_of(key)
    if number is None or not context.may(Permission.CODE_READ):
        return None
    code = await codes.get(context.services.database, number)
    return None if code is None else CodeNode.of(code, context.now)


async def find_batch(context: Context, key: str) -> BatchNode | None:
    """Return a batch, if whoever asks may see it."""
    if not context.may(Permission.CODE_READ):
        return None
    batch = await codes.get_batch(context.services.database, key, at=context.now)
    return None if batch is None else BatchNode.of(batch)


_READ: Final = needs(Permission.CODE_READ)
ACCESS = {
    **over(
        "CodeBatch",
        _READ,
        *("id", "number", "name", "amount", "createdBy", "createdAt", "expiresAt"),
        *("open", "redeemed", "disabled", "expired"),
    ),
    **over(
        "RedemptionCode",
        _READ,
        *("id", "hint", "batch", "name", "amount", "state", "expiresAt", "redeemedAt", "redeemedBy"),
    ),
    **over("Query", _READ, "codeBatches", "codes"),
}
