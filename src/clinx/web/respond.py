"""Write an Answer: a whole body, or server-sent events under back-pressure."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing

from aiohttp import web

from clinx.relay.exchange import Answer
from clinx.web.presence import Presence, Visit

_STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""What keeps caches and buffering proxies from holding events back."""


def whole(answer: Answer, headers: Mapping[str, str]) -> web.Response:
    """Return a response for a whole answer."""
    return web.Response(status=answer.status, headers={**answer.headers, **headers}, body=answer.body)


async def stream(
    request: web.BaseRequest, answer: Answer, headers: Mapping[str, str], visit: Visit, presence: Presence
) -> web.StreamResponse:
    """Write a stream as it comes; when the caller leaves, go on without writing or stop, as presence decides."""
    assert answer.stream is not None  # noqa: S101  (the caller looked)
    response = web.StreamResponse(status=answer.status, headers={**answer.headers, **_STREAM_HEADERS, **headers})
    async with aclosing(answer.stream) as pieces:
        try:
            await response.prepare(request)
        except ConnectionError:
            presence.left(visit)
        visit.response = response
        async for piece in pieces:
            if piece and visit.gone_at is None:
                await _write(response, piece, visit, presence)
    if visit.gone_at is None:
        try:
            await response.write_eof()
        except ConnectionError:
            presence.left(visit)
    return response


async def _write(response: web.StreamResponse, piece: bytes, visit: Visit, presence: Presence) -> None:
    presence.touch(visit)
    try:
        await response.write(piece)
    except ConnectionError:
        presence.left(visit)
    finally:
        visit.writing = False
