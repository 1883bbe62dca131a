from __future__ import annotations

import pytest

from clinx.accounts.failures import TooManyAttempts
from clinx.accounts.throttle import CODES_PER_USER
from clinx.billing.failures import CodeUnknown
from clinx.graphql.billing.tries import tried
from clinx.graphql.context import Context
from clinx.storage.failures import StorageUnavailable

MOST = CODES_PER_USER[0].most


async def enter(context: Context, done: list[str], error: Exception | None) -> None:
    async with tried(context):
        done.append("tried")
        if error is not None:
            raise error


async def test_refusals_count_until_nothing_is_tried_any_more(console):
    context, done = console.context(await console.user("ann")), list[str]()

    for _ in range(MOST):
        with pytest.raises(CodeUnknown):
            await enter(context, done, CodeUnknown("no such code"))
    with pytest.raises(TooManyAttempts):
        await enter(context, done, None)

    assert done == ["tried"] * MOST


async def test_what_is_done_does_not_count(console):
    context, done = console.context(await console.user("ann")), list[str]()

    for _ in range(MOST + 1):
        await enter(context, done, None)

    assert done == ["tried"] * (MOST + 1)


async def test_what_fails_on_our_side_does_not_count(console):
    context, done = console.context(await console.user("ann")), list[str]()

    for _ in range(MOST + 1):
        with pytest.raises(StorageUnavailable):
            await enter(context, done, StorageUnavailable("away"))

    assert done == ["tried"] * (MOST + 1)
