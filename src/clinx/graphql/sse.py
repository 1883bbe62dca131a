"""Subscriptions as server-sent events: graphql-sse in its mode of one connection a subscription."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Final

import msgspec
from aiohttp import web
from strawberry.types import ExecutionResult

from clinx.graphql.context import Context
from clinx.graphql.operation import AskAgain, Operation, answer, results

HEARTBEAT: Final = 15.0
"""Seconds of silence after which a comment is sent, so that proxies and clients see that somebody is there."""
PATIENCE: Final = 60.0
"""Seconds within which a client must take what was sent: its connection is dropped then, and its seat is free."""


async def stream(
    request: web.BaseRequest,
    operation: Operation,
    context: Context,
    headers: Mapping[str, str],
    ask_again: AskAgain,
) -> web.StreamResponse:
    """Answer with events until the subscription, or the client, ends."""
    response = web.StreamResponse(
        headers={**headers, "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    try:
        async with contextlib.aclosing(results(operation, context, ask_again)) as found:
            await _written(response, found, context)
        await _send(response, b"event: complete\ndata:\n\n")
        await response.write_eof()
    except ConnectionResetError:
        pass
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
    return response


async def _send(response: web.StreamResponse, data: bytes) -> None:
    """Write, and wait until the client has taken enough of it.

    Raises:
        ConnectionResetError: it has gone.
        TimeoutError: it takes nothing.
    """
    async with asyncio.timeout(PATIENCE):
        await response.write(data)


async def _written(response: web.StreamResponse, found: AsyncGenerator[ExecutionResult], context: Context) -> None:
    """Write results as they come; a slow client is waited for, and its source waits too."""
    coming: asyncio.Task[ExecutionResult | None] | None = None
    try:
        while True:
            coming = coming or context.services.supervisor.start(anext(found, None), name="subscription", endless=True)
            done, _ = await asyncio.wait({coming}, timeout=HEARTBEAT)
            if not done:
                await _send(response, b":\n\n")
                continue
            result, coming = coming.result(), None
            if result is None:
                return
            told = msgspec.json.encode(answer(result.data, result.errors, context))
            await _send(response, b"event: next\ndata: " + told + b"\n\n")
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})
