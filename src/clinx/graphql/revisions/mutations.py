"""What operators do about revisions: go back, serve again, promote, look now."""

from __future__ import annotations

import asyncio

import strawberry

from clinx.config.choices import before, to_go_back_to, to_promote
from clinx.domain.revision import Rejection
from clinx.graphql import step_up
from clinx.graphql.audit import Change
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Problem, UserError, attempt
from clinx.graphql.permissions import Permission, needs, over
from clinx.graphql.revisions.asking import objecting
from clinx.graphql.revisions.types import ConfigNode, RejectionNode
from clinx.storage import revisions
from clinx.storage.announcements import Topic, announce

_REASON = 500


@strawberry.input(description="An earlier revision that shall be served in the place of the tree on disk.")
class RollbackInput:
    """Which, and why."""

    revision: str | None = strawberry.field(default=None, description="First digits do; without it, the one before.")
    reason: str = strawberry.field(description="Kept, logged and shown.")
    dry_run: bool = strawberry.field(default=False, description="Only look what would be done.")


@strawberry.input(description="Rejected revisions that may be served again.")
class RollbackLiftInput:
    """Which."""

    revision: str | None = strawberry.field(default=None, description="The whole of it; without it, all.")


@strawberry.input(description="A revision on trial that shall be served to all.")
class PromoteInput:
    """Which."""

    revision: str | None = strawberry.field(default=None, description="First digits do; without it, the one on trial.")
    dry_run: bool = strawberry.field(default=False, description="Only look which it would be.")


@strawberry.input(description="Who shall look at the tree on disk.")
class ReloadInput:
    """How far it goes."""

    only_here: bool = strawberry.field(default=False, description="Only the process that answers, not the others.")


@strawberry.type(description="What came of going back.")
class RollbackPayload:
    """The rejection of the tree on disk; the process that answers obeys it at once, the others soon."""

    rejection: RejectionNode | None = None
    is_served: bool = strawberry.field(
        default=False, description="Whether the process that answers serves the other revision now."
    )
    config: ConfigNode | None = strawberry.field(default=None, description="What the process that answers serves now.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError])
    change: strawberry.Private[Change | None] = None


@strawberry.type(description="What came of lifting rejections.")
class RollbackLiftPayload:
    """The revisions that may be served again."""

    revisions: list[str] = strawberry.field(default_factory=list[str])
    errors: list[UserError] = strawberry.field(default_factory=list[UserError])
    change: strawberry.Private[Change | None] = None


@strawberry.type(description="What came of a promotion.")
class PromotePayload:
    """The revision; every process that has it serves it to all soon."""

    revision: str | None = None
    errors: list[UserError] = strawberry.field(default_factory=list[UserError])
    change: strawberry.Private[Change | None] = None


@strawberry.type(description="What came of looking at the tree.")
class ReloadPayload:
    """What the process that answers serves now; the others look, too."""

    config: ConfigNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class RevisionMutation:
    """Mutations about revisions."""

    @strawberry.mutation(description="Serves an earlier revision instead of the tree on disk, until that changes.")
    async def rollback(self, info: Info, input: RollbackInput) -> RollbackPayload:  # noqa: A002
        """Reject the tree on disk, and tell every process."""

        async def work() -> RollbackPayload:
            step_up.require(info.context)
            rejection = await _rejection(info.context, input)
            if not input.dry_run:
                await _reject(info.context, rejection)
            config = ConfigNode.of(info.context)
            said = Change({"served": rejection.revision}, {"served": rejection.instead, "reason": rejection.reason})
            return RollbackPayload(
                rejection=RejectionNode.of(rejection),
                is_served=config.revision == rejection.instead,
                config=config,
                change=None if input.dry_run else said,
            )

        return await attempt(lambda errors: RollbackPayload(errors=errors), work)

    @strawberry.mutation(description="Lets rejected revisions be served again.")
    async def rollback_lift(self, info: Info, input: RollbackLiftInput) -> RollbackLiftPayload:  # noqa: A002
        """Lift the rejections, and tell every process."""

        async def work() -> RollbackLiftPayload:
            context = info.context
            step_up.require(context)
            lifted = await context.services.database.atomically(
                revisions.lift(input.revision, context.signed_in.actor, context.now)
            )
            if not lifted:
                raise Problem("nothing_rejected", "No such revision is rejected.", "revision")
            return RollbackLiftPayload(revisions=lifted, change=Change({"rejected": lifted}, {"rejected": []}))

        return await attempt(lambda errors: RollbackLiftPayload(errors=errors), work)

    @strawberry.mutation(description="Serves a revision that is on trial to all now.")
    async def promote(self, info: Info, input: PromoteInput) -> PromotePayload:  # noqa: A002
        """Tell every process."""

        async def work() -> PromotePayload:
            context = info.context
            step_up.require(context)
            database, now = context.services.database, context.now
            alive = [each for each in await revisions.everywhere(database) if each.is_alive(now)]
            tried = {each.trial.revision for each in alive if each.trial is not None}
            with objecting():
                found = to_promote(tried, await revisions.rejected(database), input.revision)
            if not input.dry_run:
                await database.atomically(revisions.promote(found, context.signed_in.actor, now))
            return PromotePayload(revision=found, change=None if input.dry_run else Change(None, {"promoted": found}))

        return await attempt(lambda errors: PromotePayload(errors=errors), work)

    @strawberry.mutation(description="Looks at the tree on disk now, in every process.")
    async def reload(self, info: Info, input: ReloadInput) -> ReloadPayload:  # noqa: A002
        """Look here at once, and tell the others; why a tree is not served is in the answer's last look."""

        async def work() -> ReloadPayload:
            context = info.context
            services = context.services
            if not input.only_here:
                await services.database.atomically(announce(Topic.RELOAD, services.new_id(), context.now))
            await services.running.reloader.reload()
            return ReloadPayload(config=ConfigNode.of(context))

        return await attempt(lambda errors: ReloadPayload(errors=errors), work)


async def _reject(context: Context, rejection: Rejection) -> None:
    """Tell every process, and obey here without waiting for the news of it."""
    database = context.services.database
    await database.atomically(revisions.reject(rejection))
    await context.services.running.reloader.obey(await revisions.rejected(database))


async def _rejection(context: Context, wish: RollbackInput) -> Rejection:
    """Return the rejection of the tree on disk that serves what is wished for."""
    services, reason = context.services, wish.reason.strip()
    if not reason:
        raise Problem("reason_required", "Say why.", "reason")
    reloader = services.running.reloader
    history = await asyncio.to_thread(reloader.history)
    on_disk = (await asyncio.to_thread(reloader.look)).id
    rejections = await revisions.rejected(services.database)
    served = rejections[on_disk].instead if on_disk in rejections else on_disk
    with objecting():
        target = (
            to_go_back_to(history, wish.revision) if wish.revision else before(history, served, {on_disk, *rejections})
        )
    if target == on_disk:
        raise Problem("already_on_disk", f"{target} is the tree on disk: lift its rejection instead.", "revision")
    return Rejection(on_disk, target, reason[:_REASON], context.signed_in.actor, context.now)


_OPERATE = needs(Permission.CONFIG_OPERATE)
ACCESS = {
    **over("Mutation", _OPERATE, "rollback", "rollbackLift", "promote", "reload"),
    **over("RollbackPayload", _OPERATE, "rejection", "isServed", "config", "errors"),
    **over("RollbackLiftPayload", _OPERATE, "revisions", "errors"),
    **over("PromotePayload", _OPERATE, "revision", "errors"),
    **over("ReloadPayload", _OPERATE, "config", "errors"),
}
