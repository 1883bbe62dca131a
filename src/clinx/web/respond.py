"""Write an Answer: a whole body, or server-sent events under back-pressure."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing

from aiohttp import web

from clinx.relay.exchange import Answer
from clinx.web.presence import Presence, Visit
from clinx.web.whole import WholeResponse, is_plain

_STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""What keeps caches and buffering proxies from holding events back."""


WATCHED = 64 << 10
"""Bytes of a whole body beyond which a reader may be slow: what is less fits into the socket's own buffers."""


def whole(answer: Answer, headers: Mapping[str, str], request: web.BaseRequest | None = None) -> web.StreamResponse:
    """Return a response for a whole answer; one that is small is told which request it answers, and written at once."""
    if request is not None and is_plain(request):
        return WholeResponse(answer.status, {**answer.headers, **headers}, answer.body)
    return web.Response(status=answer.status, headers={**answer.headers, **headers}, body=answer.body)


async def watched(
    request: web.BaseRequest, answer: Answer, headers: Mapping[str, str], visit: Visit, presence: Presence
) -> web.StreamResponse:
    """Write a large whole answer; a reader that stalls is cut off like that of a stream."""
    response = whole(answer, headers)
    visit.response = response
    with presence.writing(visit):
        await response.prepare(request)
        await response.write_eof()
    return response


async def stream(
    request: web.BaseRequest, answer: Answer, headers: Mapping[str, str], visit: Visit, presence: Presence
) -> web.StreamResponse:
    """Write a stream as it comes; when the caller leaves, go on without writing or stop, as presence decides."""
    assert answer.stream is not None  # noqa: S101  (the caller looked)
    response = web.StreamResponse(status=answer.status, headers={**answer.headers, **_STREAM_HEADERS, **headers})
    async with aclosing(answer.stream) as pieces:
        with presence.writing(visit):
            await response.prepare(request)
        visit.response = response
        async for piece in pieces:
            if piece and visit.gone_at is None:
                with presence.writing(visit):
                    await response.write(piece)
    if visit.gone_at is None:
        with presence.writing(visit):
            await response.write_eof()
    return response
