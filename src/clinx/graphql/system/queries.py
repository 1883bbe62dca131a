"""Announcements for everybody, figures for operators, and the audit log."""

from __future__ import annotations

from datetime import datetime

import strawberry

from clinx.domain.audit_entry import AuditFilter
from clinx.graphql.context import Context, Info
from clinx.graphql.ids import number_of
from clinx.graphql.nodes import Find
from clinx.graphql.paging import COUNTED, Connection, Cursors, checked, page
from clinx.graphql.permissions import ANYONE, Permission, needs, over
from clinx.graphql.revisions.asking import refusing
from clinx.graphql.system.types import AnnouncementNode, AuditEntryNode, SystemNode
from clinx.storage import audit_log


@strawberry.input(description="Which entries of the audit log are wanted.")
class AuditLogFilter:
    """All that is given must hold."""

    since: datetime | None = None
    until: datetime | None = strawberry.field(default=None, description="Before this.")
    actor: str | None = strawberry.field(default=None, description="`user:NAME` or `key:ID:NAME`.")
    user: strawberry.ID | None = None
    operation: str | None = strawberry.field(default=None, description="The name of the mutation.")
    only_refused: bool = False


@strawberry.type
class SystemQuery:
    """Queries about the gateway itself."""

    @strawberry.field(description="What operators tell everybody who comes to the console, the newest first.")
    def announcements(self, info: Info) -> list[AnnouncementNode]:
        """Return what the tree says."""
        return list(map(AnnouncementNode.of, info.context.snapshot.console.announcements))

    @strawberry.field(description="The gateway, as the process that answers knows it.")
    def system(self) -> SystemNode:
        """Return it."""
        return SystemNode()

    @strawberry.field(description="Every mutation that was tried, the newest first.")
    async def audit_log(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        filter: AuditLogFilter | None = None,  # noqa: A002
    ) -> Connection[AuditEntryNode]:
        """Return a page of it."""
        database, cursors = info.context.services.database, Cursors(info.context.services.keys.cursors, "audit")
        size, place = checked(first), cursors.read(after, int)
        with refusing():
            wanted = _wanted(filter or AuditLogFilter())
        found = await audit_log.page(database, wanted, below=None if place is None else place[0], limit=size + 1)
        return page(
            found,
            size,
            AuditEntryNode.of,
            cursors,
            lambda entry: (entry.id,),
            after=after,
            count=lambda: audit_log.count(database, wanted, most=COUNTED + 1),
        )


def _wanted(given: AuditLogFilter) -> AuditFilter:
    return AuditFilter(
        since=given.since,
        until=given.until,
        actor=given.actor,
        user_id=None if given.user is None else number_of(given.user, "User"),
        operation=given.operation,
        only_refused=given.only_refused,
    )


async def find_entry(context: Context, key: str) -> AuditEntryNode | None:
    """Return an entry of the audit log, if it is kept and whoever asks may see it."""
    if not context.may(Permission.AUDIT_READ) or not (key.isascii() and key.isdigit()) or len(key) > len(str(2**62)):
        return None
    found = await audit_log.find(context.services.database, int(key))
    return None if found is None else AuditEntryNode.of(found)


NODES: dict[str, Find] = {"AuditEntry": find_entry}
"""How entries of the audit log are found."""

ACCESS = {
    **over("Query", ANYONE, "announcements"),
    **over("Query", needs(Permission.SYSTEM_READ), "system"),
    **over("Query", needs(Permission.AUDIT_READ), "auditLog"),
}
