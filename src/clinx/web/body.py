"""Read a request body under its limits: size after decompression, time, and the encodings we decode."""

from __future__ import annotations

import asyncio

from aiohttp import web

from clinx.errors import InvalidRequest, PayloadTooLarge, RequestTimeout, UnsupportedEncoding

_DECODED = frozenset({"", "identity", "gzip", "deflate"})
"""What aiohttp's parser undoes while the body arrives, so that the limit below counts real bytes."""


async def read_body(request: web.BaseRequest, *, limit: int, seconds: float) -> bytes:
    """Return the whole body, decompressed.

    Raises:
        UnsupportedEncoding: a Content-Encoding that is not decoded.
        PayloadTooLarge: more than ``limit`` bytes, announced or real.
        RequestTimeout: the last byte took longer than ``seconds``.
        InvalidRequest: the body broke off or does not decompress.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _DECODED:
        raise UnsupportedEncoding(
            f"Content-Encoding {encoding[:40]!r} is not supported.", hint="Send the body as it is, or gzip it."
        )
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    content = request.content
    if content.is_eof() and content.exception() is None:
        # It came with its head, as small bodies do: there is nothing to wait for.
        return _bounded(content.read_nowait(), limit)
    try:
        async with asyncio.timeout(seconds):
            return await _collect(request, limit)
    except TimeoutError:
        raise RequestTimeout(f"The request body did not arrive within {seconds:g} seconds.") from None
    except (web.RequestPayloadError, web.HTTPBadRequest, ConnectionError) as error:
        raise InvalidRequest("The request body is broken or cut short.") from error


async def _collect(request: web.BaseRequest, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := await request.content.readany():
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _bounded(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request body is larger than {limit} bytes.", hint="The operator sets server.max_body.")
