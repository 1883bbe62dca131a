"""What is served, by whom, and what is wrong with what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Self

import strawberry

from clinx.config.diagnostics import Diagnostic, Severity
from clinx.config.last_good import Kept
from clinx.config.snapshot import Snapshot
from clinx.domain.inquiry import Finding
from clinx.domain.revision import Rejection, Served, Standing
from clinx.graphql.catalog.types import OverrideNode
from clinx.graphql.context import Context, Info
from clinx.graphql.ids import Node, to_id
from clinx.graphql.permissions import ANYONE, Permission, needs, over
from clinx.storage import overrides, revisions

REVISION = "Revision"


@strawberry.type(name="Diagnostic", description="A finding about a tree. Lines and columns count from 1.")
class DiagnosticNode:
    """A finding."""

    file: str
    line: int
    column: int
    code: str = strawberry.field(description="Stable; each has a heading in the documentation.")
    message: str
    hint: str | None
    is_error: bool = strawberry.field(description="Whether it keeps the tree from being served.")

    @classmethod
    def of(cls, found: Diagnostic) -> Self:
        """Return a finding of this process's own."""
        is_error = found.severity is Severity.ERROR
        return cls(
            file=found.file,
            line=found.line,
            column=found.column,
            code=found.code,
            message=found.message,
            hint=found.hint,
            is_error=is_error,
        )

    @classmethod
    def told(cls, found: Finding) -> Self:
        """Return a finding of a plan or a proposal."""
        return cls(
            file=found.file,
            line=found.line,
            column=found.column,
            code=found.code,
            message=found.message,
            hint=found.hint,
            is_error=found.is_error,
        )


@strawberry.type(name="Trial", description="A revision that has a part of the calls, beside the one that has the rest.")
class TrialNode:
    """How a trial is going."""

    revision: str
    share: str = strawberry.field(description="Who gets it, in words.")
    since: datetime
    until: datetime
    calls: int
    failures: int
    other_calls: int = strawberry.field(description="Meanwhile, on the revision that has the rest.")
    other_failures: int

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """Return a trial as the console shows it."""
        return cls(
            revision=standing.revision,
            share=standing.share,
            since=standing.since,
            until=standing.until,
            calls=standing.calls,
            failures=standing.failures,
            other_calls=standing.old_calls,
            other_failures=standing.old_failures,
        )


@strawberry.type(name="Worker", description="A process, as it said last.")
class WorkerNode:
    """A process that serves."""

    node: str
    host: str
    url: str
    revision: str
    commit: str | None
    since: datetime = strawberry.field(description="When it began to serve this revision.")
    ok: bool = strawberry.field(description="Whether its last look at its tree ended with that tree being served.")
    tree: str | None = strawberry.field(description="The revision that it looked at last.")
    diagnostics: list[str]
    error: str | None
    seen_at: datetime
    is_alive: bool = strawberry.field(description="Whether it said something lately.")
    answers: bool = strawberry.field(description="Whether it is the process that answers this.")
    trial: TrialNode | None

    @classmethod
    def of(cls, served: Served, context: Context) -> Self:
        """Return a process as the console shows it."""
        return cls(
            node=served.node,
            host=served.host,
            url=served.url,
            revision=served.revision,
            commit=served.commit,
            since=served.since,
            ok=served.ok,
            tree=served.tree,
            diagnostics=list(served.diagnostics),
            error=served.error,
            seen_at=served.seen_at,
            is_alive=served.is_alive(context.now),
            answers=served.node == context.services.node,
            trial=None if served.trial is None else TrialNode.of(served.trial),
        )


@strawberry.type(name="Rejection", description="A revision that is not served although it compiles.")
class RejectionNode:
    """A rejection in force."""

    revision: str
    instead: str = strawberry.field(description="The revision that is served in its place.")
    reason: str
    actor: str
    at: datetime

    @classmethod
    def of(cls, rejection: Rejection) -> Self:
        """Return a rejection as the console shows it."""
        return cls(
            revision=rejection.revision,
            instead=rejection.instead,
            reason=rejection.reason,
            actor=rejection.actor,
            at=rejection.at,
        )


@strawberry.type(name="Revision", description="A tree that was served on this machine, and is kept.")
class RevisionNode(Node):
    """One of the history."""

    revision: str
    commit: str | None
    served_at: datetime = strawberry.field(description="When it was last begun to be served.")
    is_served: bool = strawberry.field(description="Whether the process that answers serves it to most.")
    rejection: RejectionNode | None

    @classmethod
    def of(cls, kept: Kept, served: str, rejection: Rejection | None) -> Self:
        """Return one of the history as the console shows it."""
        return cls(
            id=to_id(REVISION, kept.revision),
            revision=kept.revision,
            commit=kept.commit,
            served_at=kept.served_at,
            is_served=kept.revision == served,
            rejection=None if rejection is None else RejectionNode.of(rejection),
        )


@strawberry.type(description="How the last look at the tree on disk ended.")
class LastLook:
    """The last attempt to load the tree."""

    ok: bool = strawberry.field(description="Whether what is on disk is what is served, or tried out.")
    at: datetime | None
    revision: str | None = strawberry.field(description="Of the tree that was looked at, served or not.")
    error: str | None = strawberry.field(description="What failed besides the tree itself.")
    diagnostics: list[DiagnosticNode]


@strawberry.type(name="Config", description="What the process that answers serves, and how it came to that.")
class ConfigNode:
    """The configuration as it is served."""

    snapshot: strawberry.Private[Snapshot]
    revision: str
    commit: str | None
    compiled_at: datetime
    currency: str
    generations: int = strawberry.field(description="Revisions that some call still uses.")
    last_look: LastLook
    trial: TrialNode | None

    @classmethod
    def of(cls, context: Context) -> Self:
        """Look at what is served now."""
        current = context.services.current
        snapshot, state, standing = current.snapshot, current.state, current.standing()
        return cls(
            snapshot=snapshot,
            revision=snapshot.revision.id,
            commit=snapshot.revision.commit,
            compiled_at=snapshot.revision.at,
            currency=snapshot.currency,
            generations=current.alive,
            last_look=LastLook(
                ok=state.ok,
                at=state.at,
                revision=state.revision,
                error=state.error,
                diagnostics=list(map(DiagnosticNode.of, state.diagnostics)),
            ),
            trial=None if standing is None else TrialNode.of(standing),
        )

    @strawberry.field(description="The process that answers.")
    def node(self, info: Info) -> str:
        """Return its name."""
        return info.context.services.node

    @strawberry.field(description="Whether the shipped example is served: the root holds no tree.")
    def is_example(self, info: Info) -> bool:
        """Say so."""
        return info.context.services.running.reloader.is_example

    @strawberry.field(description="What every process said last, by host and node.")
    async def workers(self, info: Info) -> list[WorkerNode]:
        """Return them."""
        return await workers(info.context)

    @strawberry.field(description="Revisions that are not to be served, oldest first.")
    async def rejections(self, info: Info) -> list[RejectionNode]:
        """Return them."""
        return list(map(RejectionNode.of, (await revisions.rejected(info.context.services.database)).values()))

    @strawberry.field(description="What is overridden of channels, oldest first.")
    async def overrides(self, info: Info) -> list[OverrideNode]:
        """Return what is in force."""
        context = info.context
        return list(map(OverrideNode.of, await overrides.active(context.services.database, context.now)))


async def workers(context: Context) -> list[WorkerNode]:
    """Return what every process said last."""
    return [WorkerNode.of(each, context) for each in await revisions.everywhere(context.services.database)]


async def history(context: Context) -> list[RevisionNode]:
    """Return what this machine keeps, the one served last first."""
    kept = await asyncio.to_thread(context.services.running.reloader.history)
    rejected = await revisions.rejected(context.services.database)
    served = context.services.current.snapshot.revision.id
    return [RevisionNode.of(each, served, rejected.get(each.revision)) for each in kept]


def told(findings: Iterable[Finding]) -> list[DiagnosticNode]:
    """Return findings as the console shows them."""
    return list(map(DiagnosticNode.told, findings))


_READ = needs(Permission.CONFIG_READ)
ACCESS = {
    **over("Config", _READ, "revision", "commit", "compiledAt", "currency", "generations", "lastLook", "trial"),
    **over("Config", _READ, "node", "isExample", "workers", "rejections", "overrides"),
    **over("LastLook", _READ, "ok", "at", "revision", "error", "diagnostics"),
    **over("Diagnostic", ANYONE, "file", "line", "column", "code", "message", "hint", "isError"),
    **over("Trial", ANYONE, "revision", "share", "since", "until", "calls", "failures", "otherCalls", "otherFailures"),
    **over("Worker", ANYONE, "node", "host", "url", "revision", "commit", "since", "ok", "tree", "diagnostics"),
    **over("Worker", ANYONE, "error", "seenAt", "isAlive", "answers", "trial"),
    **over("Rejection", ANYONE, "revision", "instead", "reason", "actor", "at"),
    **over("Revision", _READ, "id", "revision", "commit", "servedAt", "isServed", "rejection"),
}
"""What is only reached through guarded fields, with one permission or another, is guarded there."""
