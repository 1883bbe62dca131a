"""What makes a credential is done once for each key that the caller chooses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from clinx.accounts.idempotency import Request
from clinx.graphql.context import Context

T = TypeVar("T")


async def once(
    context: Context,
    operation: str,
    key: str,
    asked: Any,
    work: Callable[[], Awaitable[tuple[str, T]]],
) -> tuple[str, T | None]:
    """Do something the first time a key is used, and return what names it, with what is shown once.

    A repetition returns the name alone.

    Args:
        context: of the operation.
        operation: the mutation's name.
        key: chosen by the caller.
        asked: all that the result depends on; the same key with something else is refused.
        work: does it; what it raises leaves the key free.

    Raises:
        IdempotencyConflict, IdempotencyPending: the key was used for something else, or is being used.
        StorageUnavailable: the database cannot be written now.
    """
    keys = context.services.accounts.idempotency
    written = msgspec.json.encode(asked, enc_hook=str, order="sorted").decode()
    request = Request(context.signed_in.user, key, operation, written)
    if (known := await keys.begin(request)) is not None:
        return known, None
    try:
        name, shown = await work()
    except BaseException:
        await keys.give_up(request)
        raise
    await keys.finish(request, name)
    return name, shown
