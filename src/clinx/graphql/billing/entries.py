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
from clinx.graphql.errors import Refusal
from clinx.graphql.ids import Node, to_id
from clinx.graphql.paging import COUNTED, Connection, Cursors, checked, page
from clinx.graphql.permissions import Permission, over, own
from clinx.graphql.users.types import UserNode, user_of
from clinx.graphql.users.whose import REACHED, either, row_of, whose_or_everyones
from clinx.storage import statements
from clinx.storage.codec import instant, micros
from clinx.storage.statements import EntryFilter

KIND: Final = "LedgerEntry"
_CHARGE: Final = "settle:"
_HOUSE: Final = 0
"""Nobody's id: the owner of what belongs to no user."""
_DISCREET: Final = frozenset({"actor", "approved_by"})
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
    request_id: str | None = strawberry.field(
        description="Of a charge: the request that was charged for. Of a refund: that of the charge."
    )
    revision: str | None = strawberry.field(description="The configuration that a charge was priced with.")

    @strawberry.field(
        description=(
            "What was written down with it, by name: `reason`, and `actor` for operators; `charge`, the event that a"
            " refund gives back; `price`, `currency` and `reference` of a payment; `code`, `name` and `batch` of a"
            " code; `note`, where there is only a text."
        )
    )
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
        return cls(
            id=to_id(KIND, entry.id),
            owner_id=owner_of(entry.account) or _HOUSE,
            detail=entry.detail,
            amount=entry.amount,
            kind=entry.kind,
            at=entry.at,
            event=entry.event,
            request_id=_request_id(entry),
            revision=entry.revision,
        )


@strawberry.input(description="Which ledger entries are wanted.")
class LedgerEntryFilter:
    """All that is given must hold."""

    user: strawberry.ID | None = strawberry.field(default=None, description="Without it, those of whoever asks.")
    everyone: bool = strawberry.field(
        default=False, description="Those of all users but charges, which are in `spend` and `requestLogs`."
    )
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
        wanted = _wanted(context, asked)
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


def _wanted(context: Context, asked: LedgerEntryFilter) -> EntryFilter:
    """Return which entries are wanted.

    Raises:
        Forbidden, Problem: as `whose_or_everyones`.
        Refusal: ``invalid_value``: the charges of everyone.
    """
    user_id = whose_or_everyones(context, asked.user, Permission.LEDGER_READ, everyone=asked.everyone)
    if user_id is None and asked.kind is EntryKind.CHARGE:
        raise Refusal("The charges of all users are in spend and requestLogs.", "invalid_value", such_as="TOPUP")
    account = None if user_id is None else user_account(user_id)
    return EntryFilter(account, asked.kind, asked.since, asked.until)


async def find_entry(context: Context, key: str) -> EntryNode | None:
    """Return an entry, if whoever asks may see it."""
    number = row_of(key)
    entry = None if number is None else await statements.entry(context.services.database, number)
    if entry is None or context.viewer is None:
        return None
    is_own = owner_of(entry.account) == context.viewer.user.id
    return EntryNode.of(entry) if is_own or context.may(Permission.LEDGER_READ) else None


def _request_id(entry: LedgerEntry) -> str | None:
    match entry.kind:
        case EntryKind.CHARGE:
            event = entry.event
        case EntryKind.REFUND:
            event = _facts(entry.detail).get("charge", "")
        case _:
            return None
    return event.removeprefix(_CHARGE) if event.startswith(_CHARGE) else None


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
