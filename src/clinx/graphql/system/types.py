"""The gateway itself, as operators see it."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from clinx import __version__
from clinx.billing.audit import NOUNS, TITLES, Breach, Check, Report
from clinx.billing.treasury import JournalFigures
from clinx.domain.audit_entry import AuditEntry
from clinx.domain.console import Announcement
from clinx.domain.money import Amount
from clinx.graphql.context import Info
from clinx.graphql.ids import Node, to_id
from clinx.graphql.permissions import ANYONE, Permission, needs, over
from clinx.graphql.revisions.types import WorkerNode, workers

ENTRY = "AuditEntry"


@strawberry.type(name="Announcement", description="What operators tell the people who use the console.")
class AnnouncementNode:
    """An announcement."""

    key: str = strawberry.field(description="The same as long as it is the same announcement.")
    at: datetime
    title: str
    text: str

    @classmethod
    def of(cls, announcement: Announcement) -> Self:
        """Return an announcement of the tree."""
        return cls(key=announcement.id, at=announcement.at, title=announcement.title, text=announcement.text)


@strawberry.type(name="Journal", description="How far the ledger is behind what the process that answers wrote.")
class JournalNode:
    """The journal of this process."""

    waiting: int = strawberry.field(description="Records that are not in the ledger yet.")
    is_failing: bool = strawberry.field(description="Whether it cannot be written: nothing that costs is admitted.")
    is_fenced: bool = strawberry.field(description="Whether another process has taken over: nothing is admitted.")
    is_recovered: bool = strawberry.field(description="Whether nothing of earlier lives of the process is left to do.")

    @classmethod
    def of(cls, figures: JournalFigures) -> Self:
        """Return the figures of this process."""
        return cls(
            waiting=figures.waiting,
            is_failing=figures.is_failing,
            is_fenced=figures.is_fenced,
            is_recovered=figures.is_recovered,
        )


@strawberry.type(name="Breach", description="Something in the books that contradicts them.")
class BreachNode:
    """A breach of an invariant."""

    subject: str
    expected: str
    actual: str
    accounts: list[str] = strawberry.field(description="Accounts that it concerns.")

    @classmethod
    def of(cls, breach: Breach) -> Self:
        """Return a breach."""
        return cls(
            subject=breach.subject,
            expected=_figure(breach.expected),
            actual=_figure(breach.actual),
            accounts=list(breach.accounts),
        )


@strawberry.type(name="InvariantCheck", description="One invariant of the books, compared.")
class CheckNode:
    """A check."""

    rule: str = strawberry.field(description="`I1` to `I8`.")
    title: str
    compared: int
    noun: str = strawberry.field(description="What was compared.")
    breaches: list[BreachNode]

    @classmethod
    def of(cls, check: Check) -> Self:
        """Return a check."""
        return cls(
            rule=check.code,
            title=TITLES[check.code],
            compared=check.count,
            noun=NOUNS[check.code],
            breaches=list(map(BreachNode.of, check.breaches)),
        )


@strawberry.type(name="BooksAudit", description="The last audit of the books by the process that answers.")
class BooksAuditNode:
    """An audit."""

    at: datetime
    is_full: bool = strawberry.field(description="Whether all of the history was compared.")
    ok: bool
    checks: list[CheckNode]

    @classmethod
    def of(cls, report: Report) -> Self:
        """Return an audit."""
        return cls(
            at=report.at,
            is_full=report.is_full,
            ok=not report.breaches,
            checks=list(map(CheckNode.of, report.checks)),
        )


@strawberry.type(name="System", description="The gateway, as the process that answers knows it.")
class SystemNode:
    """The gateway itself."""

    @strawberry.field
    def version(self) -> str:
        """Return the release."""
        return __version__

    @strawberry.field(description="The process that answers.")
    def node(self, info: Info) -> str:
        """Return its name."""
        return info.context.services.node

    @strawberry.field(description="The revision that it serves.")
    def revision(self, info: Info) -> str:
        """Return its id."""
        return info.context.snapshot.revision.id

    @strawberry.field(description="Its clock.")
    def now(self, info: Info) -> datetime:
        """Return this instant."""
        return info.context.now

    @strawberry.field(description="What every process said last, by host and node.")
    async def workers(self, info: Info) -> list[WorkerNode]:
        """Return them."""
        return await workers(info.context)

    @strawberry.field
    def journal(self, info: Info) -> JournalNode:
        """Return the figures of this process."""
        return JournalNode.of(info.context.services.running.journal())

    @strawberry.field(description="Null until the first audit is over.")
    def books(self, info: Info) -> BooksAuditNode | None:
        """Return the last audit."""
        report = info.context.services.running.audited()
        return None if report is None else BooksAuditNode.of(report)


@strawberry.type(name="AuditEntry", description="One mutation that was tried, whatever came of it.")
class AuditEntryNode(Node):
    """An entry of the audit log."""

    at: datetime
    request_id: str
    actor: str
    user_id: strawberry.ID | None = strawberry.field(description="Who that is.")
    address: str | None
    operation: str
    input: str = strawberry.field(description="What was asked, as JSON, without secrets and cut where it is long.")
    outcome: str = strawberry.field(description="`ok`, or the codes of what was refused.")
    before: str | None = strawberry.field(description="What was changed, as JSON.")
    after: str | None = strawberry.field(description="What it is now, as JSON.")

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Return an entry as the console shows it."""
        return cls(
            id=to_id(ENTRY, entry.id),
            at=entry.at,
            request_id=entry.request_id,
            actor=entry.actor,
            user_id=None if entry.user_id is None else to_id("User", entry.user_id),
            address=entry.address,
            operation=entry.operation,
            input=entry.input,
            outcome=entry.outcome,
            before=entry.before,
            after=entry.after,
        )


def _figure(figure: Amount | int) -> str:
    return str(figure)


_READ = needs(Permission.SYSTEM_READ)
_AUDIT = needs(Permission.AUDIT_READ)
ACCESS = {
    **over("Announcement", ANYONE, "key", "at", "title", "text"),
    **over("System", _READ, "version", "node", "revision", "now", "workers", "journal", "books"),
    **over("Journal", _READ, "waiting", "isFailing", "isFenced", "isRecovered"),
    **over("BooksAudit", _READ, "at", "isFull", "ok", "checks"),
    **over("InvariantCheck", _READ, "rule", "title", "compared", "noun", "breaches"),
    **over("Breach", _READ, "subject", "expected", "actual", "accounts"),
    **over("AuditEntry", _AUDIT, "id", "at", "requestId", "actor", "userId", "address", "operation", "input"),
    **over("AuditEntry", _AUDIT, "outcome", "before", "after"),
}
