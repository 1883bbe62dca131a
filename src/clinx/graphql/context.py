"""What resolvers are handed: who asks, the tree as it is served, the services, and the loaders of one operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import strawberry

from clinx.config.snapshot import Snapshot
from clinx.domain.identity import User
from clinx.domain.permissions import Permission
from clinx.graphql.rooms import Services

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who has signed in, or whose access key was sent."""

    user: User
    permissions: frozenset[Permission]
    """What the role brings; of an access key, what it holds of that."""
    session: int | None = None
    """The session's id; None for an access key."""
    access_key: int | None = None
    """The key's id; None for a session."""
    stepped_up_at: datetime | None = None
    """When they last proved who they are; an access key never does."""

    @property
    def actor(self) -> str:
        """How history names them."""
        return f"user:{self.user.name}" if self.access_key is None else f"key:{self.access_key}:{self.user.name}"


@dataclass(slots=True)
class Context:
    """One operation. Cookies that it wants set are collected here, and the view writes them."""

    services: Services
    snapshot: Snapshot
    viewer: Viewer | None
    request_id: str
    address: str | None
    agent: str
    secure: bool
    """Whether the browser came by https."""
    streamed: bool = False
    """Whether the answer comes in events, or over a WebSocket: then no header of it can set a cookie."""
    session_ended: bool = False
    """Whether a session was sent that is over."""
    session_secret: str | None = field(default=None, repr=False)
    """What a sign-in opened: the view writes it into the cookie. Empty takes the cookie away."""
    loaders: dict[type[Any], Any] = field(default_factory=dict[type[Any], Any])
    cost: int = 0

    @property
    def now(self) -> datetime:
        """Return this instant."""
        return self.services.now()

    @property
    def signed_in(self) -> Viewer:
        """Return who asks, where a rule has made sure that somebody has signed in."""
        assert self.viewer is not None, "a rule lets nobody in who has not signed in"  # noqa: S101
        return self.viewer

    def may(self, permission: Permission) -> bool:
        """Say whether whoever asks has a permission."""
        return self.viewer is not None and permission in self.viewer.permissions

    def loader(self, kind: Callable[[Context], T]) -> T:
        """Return this operation's loader of a kind; it is made when it is first wanted."""
        key: Any = kind
        if key not in self.loaders:
            self.loaders[key] = kind(self)
        return self.loaders[key]


Info = strawberry.Info[Context, None]
