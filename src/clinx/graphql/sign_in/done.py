"""Payloads that only say whether it was done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import strawberry

from clinx.graphql.errors import UserError, attempt


@strawberry.type
class Done:
    """What such payloads have."""

    done: bool = strawberry.field(default=False, description="Whether it was done.")
    errors: list[UserError] = strawberry.field(default_factory=list)


D = TypeVar("D", bound=Done)


async def done(payload: type[D], work: Callable[[], Awaitable[object]]) -> D:
    """Do the work of a mutation, and say so; an expected failure becomes a payload with errors."""

    async def run() -> D:
        await work()
        return payload(done=True)

    return await attempt(lambda errors: payload(errors=errors), run)
