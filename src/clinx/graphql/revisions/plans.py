"""Plans and proposals: what other documents would mean, and one value changed, as a patch."""

from __future__ import annotations

from typing import Self

import strawberry

from clinx.domain.inquiry import Document, LossTold, PlanTable, PlanTold
from clinx.graphql.audit import Change
from clinx.graphql.context import Info
from clinx.graphql.errors import Problem, UserError, attempt
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission, needs, over
from clinx.graphql.revisions.asking import objecting, refusing
from clinx.graphql.revisions.types import DiagnosticNode, told
from clinx.graphql.scalars import Duration


@strawberry.input(description="A file of a tree as it would be.")
class DocumentInput:
    """Its path and content."""

    path: str = strawberry.field(description="Relative to the tree: `providers/acme.yaml`.")
    content: str | None = strawberry.field(default=None, description="Null: without it.")


@strawberry.input(description="The tree on disk with other documents.")
class PlanInput:
    """What to plan."""

    documents: list[DocumentInput] = strawberry.field(description="None: the tree on disk as it is.")
    replay: Duration | None = strawberry.field(
        default=None, description="Run the logged calls of so long through it, too: `P7D`, or less."
    )


@strawberry.type(description="A part of a plan, laid out.")
class PlanSection:
    """A table."""

    title: str
    header: list[str]
    rows: list[list[str]]

    @classmethod
    def of(cls, table: PlanTable) -> Self:
        """Return a table."""
        return cls(title=table.title, header=list(table.header), rows=[list(row) for row in table.rows])


@strawberry.type(description="A token that could ask for less.")
class PlanLoss:
    """A loss."""

    token_id: strawberry.ID
    token: str
    user: str
    group: str
    models: list[str]
    is_all: bool = strawberry.field(description="Whether nothing would be left to it.")

    @classmethod
    def of(cls, loss: LossTold) -> Self:
        """Return a loss."""
        return cls(
            token_id=to_id("Token", loss.token_id),
            token=loss.token,
            user=loss.user,
            group=loss.group,
            models=list(loss.models),
            is_all=loss.is_all,
        )


@strawberry.type(description="What it would mean to serve a tree.")
class Plan:
    """A plan."""

    before: str = strawberry.field(description="The revision that is compared with: what is served.")
    after: str
    is_servable: bool = strawberry.field(description="Whether it compiles, passes its tests, and may follow.")
    is_empty: bool = strawberry.field(description="Whether nothing would be other than it is.")
    diagnostics: list[DiagnosticNode]
    unread: list[str] = strawberry.field(description="Documents that are no part of the tree: nothing includes them.")
    sections: list[PlanSection]
    losses: list[PlanLoss] = strawberry.field(description="The first of the tokens that lose models.")
    calls: int | None = strawberry.field(description="Logged calls that were replayed.")
    is_cut: bool = strawberry.field(description="Whether there were more calls than are replayed.")

    @classmethod
    def of(cls, told_: PlanTold) -> Self:
        """Return a plan."""
        return cls(
            before=told_.before,
            after=told_.after,
            is_servable=told_.is_servable,
            is_empty=told_.is_empty,
            diagnostics=told(told_.findings),
            unread=list(told_.unread),
            sections=list(map(PlanSection.of, told_.tables)),
            losses=list(map(PlanLoss.of, told_.losses)),
            calls=told_.calls,
            is_cut=told_.is_cut,
        )


@strawberry.input(description="One value of the tree that shall be another.")
class ProposeChangeInput:
    """Exactly one of `value` and `delete`."""

    path: str = strawberry.field(description="`channels.NAME.weight`, `models.NAME.price.input`, `server.max_body`.")
    value: str | None = strawberry.field(default=None, description="One line of YAML.")
    delete: bool = strawberry.field(default=False, description="Take the entry out.")


@strawberry.type(description="A patch; nothing is written.")
class ProposeChangePayload:
    """What came of a proposal."""

    file: str | None = None
    patch: str | None = strawberry.field(default=None, description="A unified diff that keeps comments and all else.")
    note: str | None = strawberry.field(default=None, description="What a reader of the change should know.")
    is_servable: bool | None = strawberry.field(default=None, description="Whether the tree compiles with it.")
    diagnostics: list[DiagnosticNode] = strawberry.field(default_factory=list[DiagnosticNode])
    errors: list[UserError] = strawberry.field(default_factory=list[UserError])
    change: strawberry.Private[Change | None] = None


@strawberry.type
class PlanQuery:
    """Queries about trees that nobody serves."""

    @strawberry.field(description="What it would mean to serve the tree on disk with other documents.")
    async def plan(self, info: Info, input: PlanInput) -> Plan:  # noqa: A002
        """Plan it; nothing is written, and no secret is read."""
        documents = [Document(each.path, each.content) for each in input.documents]
        with refusing():
            return Plan.of(await info.context.services.running.inquiries.plan(documents, input.replay))


@strawberry.type
class ProposalMutation:
    """Proposals."""

    @strawberry.mutation(description="Changes one value of the tree on disk, as a patch for its keepers to apply.")
    async def propose_change(self, info: Info, input: ProposeChangeInput) -> ProposeChangePayload:  # noqa: A002
        """Write the patch, not the tree."""

        async def work() -> ProposeChangePayload:
            if (input.value is None) is not input.delete:
                raise Problem("exactly_one", "Give a value, or delete.", "value")
            with objecting():
                found = await info.context.services.running.inquiries.propose(input.path, input.value)
            return ProposeChangePayload(
                file=found.file,
                patch=found.patch,
                note=found.note,
                is_servable=not any(each.is_error for each in found.findings),
                diagnostics=told(found.findings),
            )

        return await attempt(lambda errors: ProposeChangePayload(errors=errors), work)


_PROPOSE = needs(Permission.CONFIG_PROPOSE)
ACCESS = {
    **over("Query", _PROPOSE, "plan"),
    **over("Mutation", _PROPOSE, "proposeChange"),
    **over("Plan", _PROPOSE, "before", "after", "isServable", "isEmpty", "diagnostics", "unread", "sections"),
    **over("Plan", _PROPOSE, "losses", "calls", "isCut"),
    **over("PlanSection", _PROPOSE, "title", "header", "rows"),
    **over("PlanLoss", _PROPOSE, "tokenId", "token", "user", "group", "models", "isAll"),
    **over("ProposeChangePayload", _PROPOSE, "file", "patch", "note", "isServable", "diagnostics", "errors"),
}
