"""Run as ``served_by_hypercorn.py PLAIN SECURE CERTIFICATE``; what is served is told in `served_by_aiohttp.py`."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections import defaultdict
from importlib import import_module
from typing import Any

BIG = bytes(range(256)) * (16 << 10)
# By name, because what checks the types may run where it is not installed.
serve: Any = import_module("hypercorn.asyncio").serve
Config: Any = import_module("hypercorn.config").Config

LEFT: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

Sent = tuple[int, bytes, list[tuple[bytes, bytes]]]


async def body_of(receive: Any) -> bytes:
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body", False):
            return body


async def whole(scope: Any, body: bytes) -> Sent:
    """Everything that is known at once: status, body, headers beside the length."""
    path: str = scope["path"]
    if path.startswith("/left/"):
        await LEFT[path.removeprefix("/left/")].wait()
        return 200, b"left", []
    answers: dict[str, Sent] = {
        "/sized": (200, b"ok", []),
        "/missing": (404, b'{"error": "missing"}', [(b"content-type", b"application/json")]),
        "/big": (200, BIG, []),
        "/echo": (200, hashlib.sha256(body).hexdigest().encode(), []),
        "/port": (200, str(scope["client"][1]).encode(), []),
        "/alpn": (200, {"1.1": b"http/1.1"}.get(scope["http_version"], b"another"), []),
        "/close": (200, b"ok", [(b"connection", b"close")]),
    }
    return answers[path]


async def begin(send: Any, status: int, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def go_on(send: Any, body: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def pieces(scope: Any, send: Any) -> None:
    for number in range(3):
        await go_on(send, b"piece %d\n" % number, more=True)
    await go_on(send, b"", more=False)


async def stream(scope: Any, receive: Any, send: Any) -> None:
    await begin(send, 200, (b"content-type", b"text/event-stream"))
    await go_on(send, b"data: 0\n\n", more=True)
    while (await receive())["type"] != "http.disconnect":
        pass
    LEFT[scope["path"].removeprefix("/stream/")].set()


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    if scope["path"] == "/early":
        await begin(send, 413, (b"content-length", b"8"))
        await go_on(send, b"too much", more=False)
        return
    body = await body_of(receive)
    match scope["path"].split("/")[1:]:
        case ["chunked"]:
            await begin(send, 200)
            await pieces(scope, send)
        case ["empty"]:
            await begin(send, 204)
            await go_on(send, b"", more=False)
        case ["cut", how]:
            await begin(send, 200, *([(b"content-length", b"100")] if how == "sized" else []))
            await go_on(send, b"partial", more=True)
            raise ConnectionError
        case ["stream", _]:
            await stream(scope, receive, send)
        case _:
            status, content, headers = await whole(scope, body)
            await begin(send, status, (b"content-length", str(len(content)).encode()), *headers)
            await go_on(send, content, more=False)


async def main(plain: str, secure: str, certificate: str) -> None:
    config = Config()
    config.insecure_bind = [f"fd://{plain}"]
    config.bind = [f"fd://{secure}"]
    config.certfile = config.keyfile = certificate
    config.keep_alive_timeout = 60
    config.errorlog = None
    await serve(app, config, shutdown_trigger=asyncio.Event().wait)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
