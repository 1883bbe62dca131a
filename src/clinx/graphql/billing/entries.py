"""Ledger entries: what moved a balance, when and why."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final, Self

import msgspec
import strawberry

from clinx.domain.identity import user_account
from clinx.domain.ledger import EntryKind, LedgerEntry
from clinx.domain.money import Amount
from clinx.graphql.billing.asked import owner_of
from clinx.graphql.context import Context, Info
from clinx.graphql.ids import Node, to_id
from clinx.graphql.paging import COUNTED, Connection, Cursors, checked, page
from clinx.graphql.permissions import Permission, over, own
from clinx.graphql.users.types import UserNode, user_of
from clinx.graphql.users.whose import REACHED, either, row_of, whose
from clinx.storage import statements
from clinx.storage.codec import instant, micros
from clinx.storage.statements import EntryFilter

KIND: Final = "LedgerEntry"
_CHARGE: Final = "settle:"
_HOUSE: Final = 0
"""Nobody's id: the owner of what belongs to no user."""
_DISCREET: Final = frozenset({"actor"})
"""Facts that are shown to operators only."""

strawberry.enum(EntryKind, name="EntryKind", description="Why money moved.")


@strawberry.type(description="Something that was written down with a ledger entry.")
class LedgerFact:
    """A fact."""

    name: str
    value: str


@strawberry.type(name="LedgerEntry", description="A line of the ledger. It never changes.")
class EntryNode(Node):
    """An entry."""

    owner_id: strawberry.Private[int]
    detail: strawberry.Private[str | None]
    amount: Amount = strawberry.field(description="Positive is gained, negative is spent.")
    kind: EntryKind
    at: datetime
    event: str = strawberry.field(description="What happened; what is asked for twice is one event.")
    request_id: str | None = strawberry.field(description="Of a charge: the request that was charged for.")
    revision: str | None = strawberry.field(description="The configuration that a charge was priced with.")

    @strawberry.field(description="What was written down with it: a reason, a code's hint, a price that was paid.")
    def facts(self, info: Info) -> list[LedgerFact]:
        """Return them; who did it is for operators."""
        may_all = info.context.may(Permission.LEDGER_READ)
        return [
            LedgerFact(name=name, value=value)
            for name, value in _facts(self.detail).items()
            if may_all or name not in _DISCREET
        ]

    @strawberry.field(description="Whose balance it moved; null where it is nobody's.")
    async def user(self, info: Info) -> UserNode | None:
        """Return the user."""
        return await user_of(info.context, self.owner_id)

    @classmethod
    def of(cls, entry: LedgerEntry) -> Self:
        """Return an entry as the console shows it."""
        is_charge = entry.kind is EntryKind.CHARGE and entry.event.startswith(_CHARGE)
        return cls(
            id=to_id(KIND, entry.id),
            owner_id=owner_of(entry.account) or _HOUSE,
            detail=entry.detail,
            amount=entry.amount,
            kind=entry.kind,
            at=entry.at,
            event=entry.event,
            request_id=entry.event.removeprefix(_CHARGE) if is_charge else None,
            revision=entry.revision,
        )


@strawberry.input(description="Which ledger entries are wanted.")
class LedgerEntryFilter:
    """All that is given must hold."""

    user: strawberry.ID | None = strawberry.field(default=None, description="Without it, those of whoever asks.")
    kind: EntryKind | None = None
    since: datetime | None = None
    until: datetime | None = strawberry.field(default=None, description="Not included.")


@strawberry.type
class LedgerQuery:
    """Queries about the ledger."""

    @strawberry.field(description="What moved a user's balance, the latest first.")
    async def ledger_entries(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        filter: LedgerEntryFilter | None = None,  # noqa: A002
    ) -> Connection[EntryNode]:
        """Return a page of them."""
        context, asked = info.context, filter or LedgerEntryFilter()
        account = user_account(whose(context, asked.user, Permission.LEDGER_READ))
        wanted = EntryFilter(account, asked.kind, asked.since, asked.until)
        cursors, limit = Cursors(context.services.keys.cursors, "ledgerEntries"), checked(first)
        place = cursors.read(after, int, int)
        found = await statements.page_of_entries(
            context.services.database,
            wanted,
            after=None if place is None else (instant(place[0]), place[1]),
            limit=limit + 1,
        )
        return page(
            found,
            limit,
            EntryNode.of,
            cursors,
            lambda each: (micros(each.at), each.id),
            after=after,
            count=partial(statements.count_entries, context.services.database, wanted, most=COUNTED + 1),
        )


async def find_entry(context: Context, key: str) -> EntryNode | None:
    """Return an entry, if whoever asks may see it."""
    number = row_of(key)
    entry = None if number is None else await statements.entry(context.services.database, number)
    if entry is None or context.viewer is None:
        return None
    is_own = owner_of(entry.account) == context.viewer.user.id
    return EntryNode.of(entry) if is_own or context.may(Permission.LEDGER_READ) else None


def _facts(detail: str | None) -> dict[str, str]:
    if detail is None:
        return {}
    try:
        return msgspec.json.decode(detail, type=dict[str, str])
    except msgspec.DecodeError:  # Not written by a transfer.
        return {"note": detail}


ACCESS = {
    **over("LedgerFact", REACHED, "name", "value"),
    **over(
        "LedgerEntry",
        own(Permission.LEDGER_READ),
        *("id", "amount", "kind", "at", "event", "requestId", "revision", "facts", "user"),
    ),
    **over("Query", either(Permission.LEDGER_READ), "ledgerEntries"),
}
