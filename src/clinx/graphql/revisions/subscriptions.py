"""What is served, whenever it changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import strawberry

from clinx.config.current import Current
from clinx.graphql.context import Info
from clinx.graphql.permissions import Permission, needs, over
from clinx.graphql.revisions.types import ConfigNode

LOOK_SECONDS: Final = 1.0
"""Between two looks."""


@strawberry.type
class RevisionSubscription:
    """Subscriptions about the configuration."""

    @strawberry.subscription(description="What the process that answers serves, whenever that or its tree changed.")
    async def revision_changed(self, info: Info) -> AsyncGenerator[ConfigNode]:
        """Look again and again."""
        before = _state(info.context.services.current)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = _state(info.context.services.current)
            if now != before:
                before = now
                info.context.loaders.clear()
                yield ConfigNode.of(info.context)


def _state(current: Current) -> tuple[object, ...]:
    """Return what is news when it differs."""
    trial = None if current.trial is None else current.trial.revision
    return current.snapshot.revision.id, current.state, trial


ACCESS = over("Subscription", needs(Permission.CONFIG_READ), "revisionChanged")
