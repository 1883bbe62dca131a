"""Sessions, second factors, identities and settings of whoever asks. None of them shows what it is proved by."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Self

import strawberry

from clinx.accounts.passkeys import Ceremony
from clinx.domain.identity import NotificationSettings
from clinx.domain.money import Amount
from clinx.domain.session import FactorKind, Identity, SecondFactor, Session
from clinx.graphql.context import Context
from clinx.graphql.ids import Node, to_id
from clinx.graphql.nodes import Find
from clinx.graphql.permissions import OWNER, over
from clinx.graphql.users.whose import REACHED

SESSION: Final = "Session"
FACTOR: Final = "SecondFactor"
IDENTITY: Final = "Identity"

strawberry.enum(FactorKind, name="FactorKind", description="What a second factor is.")


@strawberry.type(name="Session", description="A visit of the console that somebody signed in to.")
class SessionNode(Node):
    """A session."""

    owner_id: strawberry.Private[int]
    method: str = strawberry.field(description="`password`, `passkey`, or the name of another service.")
    address: str | None
    agent: str = strawberry.field(description="What the browser called itself.")
    created_at: datetime
    seen_at: datetime = strawberry.field(description="When it was last used, give or take a minute.")
    expires_at: datetime
    is_current: bool = strawberry.field(description="Whether it is the one that asks.")

    @classmethod
    def of(cls, session: Session, current: int | None) -> Self:
        """Return a session as the console shows it."""
        return cls(
            id=to_id(SESSION, session.id),
            owner_id=session.user_id,
            method=session.method,
            address=session.address,
            agent=session.agent,
            created_at=session.created_at,
            seen_at=session.seen_at,
            expires_at=session.expires_at,
            is_current=session.id == current,
        )


@strawberry.type(name="SecondFactor", description="What proves who one is beside a password.")
class SecondFactorNode(Node):
    """A second factor."""

    owner_id: strawberry.Private[int]
    kind: FactorKind
    name: str
    created_at: datetime
    used_at: datetime | None

    @classmethod
    def of(cls, factor: SecondFactor) -> Self:
        """Return a second factor as the console shows it."""
        return cls(
            id=to_id(FACTOR, factor.id),
            owner_id=factor.user_id,
            kind=factor.kind,
            name=factor.name,
            created_at=factor.created_at,
            used_at=factor.used_at,
        )


@strawberry.type(name="Identity", description="An account at another service that signs its owner in.")
class IdentityNode(Node):
    """An identity."""

    owner_id: strawberry.Private[int]
    provider: str
    shown: str = strawberry.field(description="What people know it by, as of when it was bound.")
    created_at: datetime

    @classmethod
    def of(cls, identity: Identity) -> Self:
        """Return an identity as the console shows it."""
        return cls(
            id=to_id(IDENTITY, identity.id),
            owner_id=identity.user_id,
            provider=identity.provider,
            shown=identity.shown,
            created_at=identity.created_at,
        )


@strawberry.type(name="NotificationSettings", description="When and how somebody is told that little is left.")
class NotificationSettingsNode:
    """Settings."""

    low_balance_at: Amount | None = strawberry.field(description="Told below this; null is never.")
    by_email: bool
    has_webhook: bool = strawberry.field(description="Whether notices are posted somewhere: it is not shown where.")

    @classmethod
    def of(cls, settings: NotificationSettings) -> Self:
        """Return settings as the console shows them."""
        return cls(
            low_balance_at=settings.low_balance_at,
            by_email=settings.by_email,
            has_webhook=settings.sealed_webhook is not None,
        )


@strawberry.type(description="What a browser needs to make or to use a passkey.")
class PasskeyCeremony:
    """A ceremony."""

    options: str = strawberry.field(description="JSON, as `navigator.credentials` takes it.")
    secret: str = strawberry.field(description="Handed back with what the browser answers, within five minutes.")

    @classmethod
    def of(cls, ceremony: Ceremony) -> Self:
        """Return a ceremony as the console shows it."""
        return cls(options=ceremony.options, secret=ceremony.secret)


async def sessions_of_viewer(context: Context) -> list[SessionNode]:
    """Return the sessions of whoever asks, the latest used first.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    viewer = context.signed_in
    found = await context.services.accounts.sessions.of_user(viewer.user)
    return [SessionNode.of(session, viewer.session) for session in found]


async def find_session(context: Context, key: str) -> SessionNode | None:
    """Return a session of whoever asks; an access key sees none."""
    if context.viewer is None or context.viewer.session is None:
        return None
    wanted = to_id(SESSION, key)
    return next((each for each in await sessions_of_viewer(context) if each.id == wanted), None)


NODES: Final[dict[str, Find]] = {SESSION: find_session}
"""How sessions are found by their ids."""

ACCESS = {
    **over("Session", OWNER, *("id", "method", "address", "agent", "createdAt", "seenAt", "expiresAt", "isCurrent")),
    **over("SecondFactor", OWNER, "id", "kind", "name", "createdAt", "usedAt"),
    **over("Identity", OWNER, "id", "provider", "shown", "createdAt"),
    **over("NotificationSettings", REACHED, "lowBalanceAt", "byEmail", "hasWebhook"),
    **over("PasskeyCeremony", REACHED, "options", "secret"),
}
