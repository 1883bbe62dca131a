"""Whoever asks."""

from __future__ import annotations

from datetime import datetime

import strawberry

from clinx.accounts import identities, notification_settings
from clinx.domain.session import FactorKind
from clinx.graphql.access_keys.types import AccessKeyNode, access_keys_of_viewer
from clinx.graphql.billing.balance import BalanceNode, balance_of
from clinx.graphql.billing.invitations import InvitationNode, invitation_of_viewer
from clinx.graphql.context import Context, Info, Viewer
from clinx.graphql.permissions import ANYONE, SESSION, SIGNED_IN, Permission, over
from clinx.graphql.sign_in.types import (
    IdentityNode,
    NotificationSettingsNode,
    SecondFactorNode,
    SessionNode,
    sessions_of_viewer,
)
from clinx.graphql.users.types import UserNode
from clinx.graphql.users.whose import REACHED


@strawberry.type(description="The second factors of whoever asks.")
class SecondFactors:
    """Second factors."""

    factors: list[SecondFactorNode] = strawberry.field(description="Apps and passkeys, oldest first.")
    backup_codes: int = strawberry.field(description="Codes on paper that are left.")
    kinds: list[FactorKind] = strawberry.field(description="What signing in asks for one of; empty asks for none.")


@strawberry.type(name="Viewer", description="Whoever asks.")
class ViewerNode:
    """The viewer."""

    viewer: strawberry.Private[Viewer]

    @strawberry.field(description="Their account.")
    def user(self) -> UserNode:
        """Return it."""
        return UserNode.of(self.viewer.user)

    @strawberry.field(description="What they may do beyond what is theirs.")
    def permissions(self) -> list[str]:
        """Return them, sorted."""
        return sorted(self.viewer.permissions)

    @strawberry.field(description="What they have.")
    async def balance(self, info: Info) -> BalanceNode:
        """Return it."""
        return await balance_of(info.context, self.viewer.user.id)

    @strawberry.field(description="Their invitation code, made when it is first asked for, and what came of it.")
    async def invitation(self, info: Info) -> InvitationNode:
        """Return it."""
        return await invitation_of_viewer(info.context)

    @strawberry.field(description="The groups that they may give a token; their own is the same as none.")
    def groups(self, info: Info) -> list[str]:
        """Return them, their own first."""
        known = info.context.snapshot.groups
        given = sorted(known) if info.context.may(Permission.TOKEN_WRITE) else ()
        return [name for name in dict.fromkeys((self.viewer.user.group, *given)) if name in known]

    @strawberry.field(description="Until when dangerous verbs need no new proof (`stepUp`); null when they do now.")
    def stepped_up_until(self, info: Info) -> datetime | None:
        """Return it."""
        return stepped_up_until(info.context, self.viewer)

    @strawberry.field(description="When and how they are told that little is left.")
    async def notifications(self, info: Info) -> NotificationSettingsNode:
        """Return the settings."""
        found = await notification_settings.load(info.context.services.database, self.viewer.user)
        return NotificationSettingsNode.of(found)

    @strawberry.field(description="Whether they can sign in with a password.")
    async def has_password(self, info: Info) -> bool:
        """Say so."""
        return await info.context.services.accounts.passwords.has_one(self.viewer.user)

    @strawberry.field(description="Where they are signed in, the latest used first.")
    async def sessions(self, info: Info) -> list[SessionNode]:
        """Return the sessions."""
        return await sessions_of_viewer(info.context)

    @strawberry.field(description="What proves who they are beside a password.")
    async def second_factors(self, info: Info) -> SecondFactors:
        """Return them."""
        held = await info.context.services.accounts.factors.held(self.viewer.user)
        return SecondFactors(
            factors=list(map(SecondFactorNode.of, held.factors)), backup_codes=held.backups, kinds=list(held.kinds)
        )

    @strawberry.field(description="Accounts at other services that sign them in.")
    async def identities(self, info: Info) -> list[IdentityNode]:
        """Return them."""
        found = await identities.of_user(info.context.services.database, self.viewer.user)
        return list(map(IdentityNode.of, found))

    @strawberry.field(description="Their access keys, also those that were revoked, the latest made first.")
    async def access_keys(self, info: Info) -> list[AccessKeyNode]:
        """Return them."""
        return await access_keys_of_viewer(info.context)


def stepped_up_until(context: Context, viewer: Viewer) -> datetime | None:
    """Return until when a proof counts; None when none does now."""
    if viewer.stepped_up_at is None:
        return None
    until = viewer.stepped_up_at + context.snapshot.console.sign_in.step_up
    return until if until >= context.now else None


@strawberry.type
class ViewerQuery:
    """Who asks."""

    @strawberry.field(description="Whoever asks; null for those who have not signed in.")
    def viewer(self, info: Info) -> ViewerNode | None:
        """Return the viewer."""
        viewer = info.context.viewer
        return None if viewer is None else ViewerNode(viewer=viewer)


ACCESS = {
    **over("Query", ANYONE, "viewer"),
    **over(
        "Viewer",
        SIGNED_IN,
        *("user", "permissions", "balance", "invitation", "groups", "steppedUpUntil", "notifications"),
    ),
    **over("Viewer", SESSION, "hasPassword", "sessions", "secondFactors", "identities", "accessKeys"),
    **over("SecondFactors", REACHED, "factors", "backupCodes", "kinds"),
}
