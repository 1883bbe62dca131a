"""Entering codes is counted: whoever enters many that are none has to wait."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from clinx.billing.failures import MoneyRefused
from clinx.graphql.context import Context


@asynccontextmanager
async def tried(context: Context) -> AsyncGenerator[None]:
    """Count what is done inside as a try; it is no try when money moved, or when it is not known what a code is worth.

    Raises:
        TooManyAttempts: there were too many; what is inside is not done.
    """
    throttle = context.services.throttle
    ticket = await throttle.redemption(context.signed_in.user.id, context.address)
    try:
        yield
    except MoneyRefused:
        raise
    except BaseException:
        await throttle.give_back(ticket)
        raise
    await throttle.give_back(ticket)
