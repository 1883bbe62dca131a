"""What the database says of a plan: whose tokens lose something, and what became of logged traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from clinx.config.effects import Served
from clinx.config.token_losses import TokenLoss, TokenLosses
from clinx.domain.identity import Token, User
from clinx.relay.inquiries.plan_sections import Outcome
from clinx.relay.replay import Replay
from clinx.storage import request_logs, tokens, users
from clinx.storage.database import Database

PAGE: Final = 2000
"""Tokens that are read at a time."""
MOST_LOSSES: Final = 10_000
"""Losses that are listed; more are a list nobody reads."""


async def with_tokens(outcome: Outcome, database: Database, before: Served, after: Served) -> Outcome:
    """Add to a plan whose tokens lose something.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    losses = TokenLosses(before.snapshot, after.snapshot)
    found: list[TokenLoss] = []
    last = 0
    while page := await tokens.after(database, last, PAGE):
        lost = list(losses.among((each.token, each.user) for each in page))
        found.extend(lost[: MOST_LOSSES - len(found)])
        last = page[-1].token.id
    return replace(outcome, losses=tuple(found), stranded=losses.stranded())


async def replayed(
    database: Database, logs: Database, after: Served, *, since: datetime, until: datetime, most: int | None = None
) -> tuple[Replay, int, bool]:
    """Run what was logged in a span of time through a tree, the oldest first.

    Args:
        database: whose users and tokens the callers are.
        logs: where calls are logged.
        after: the tree.
        since: where the span begins.
        until: where it ends.
        most: so many calls at most; None for all.

    Returns:
        The replay, how many calls it was, and whether there were more.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    replay, count = Replay(after.tree, after.snapshot, *await _callers(database)), 0
    async for page in request_logs.traffic(logs, since=since, until=until):
        taken = page if most is None else page[: most - count]
        await asyncio.to_thread(replay.take, taken)
        count += len(taken)
        if len(taken) < len(page):
            return replay, count, True
    return replay, count, False


async def _callers(database: Database) -> tuple[Mapping[int, User], Mapping[int, Token]]:
    known: dict[int, Token] = {}
    last = 0
    while page := await tokens.after(database, last, PAGE):
        known.update((each.token.id, each.token) for each in page)
        last = page[-1].token.id
    return {user.id: user for user in await users.everyone(database)}, known
