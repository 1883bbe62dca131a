"""Run as ``served_by_aiohttp.py PLAIN SECURE CERTIFICATE``: two sockets that listen already, and a PEM file.

What every server of this folder serves, to any method:

- ``/sized``, ``/chunked``, ``/empty``, ``/missing``: small answers, framed by a length, by chunks, by having no body
- ``/big``: 4 MiB; ``/echo``: the SHA-256 of what was sent
- ``/port``: the client's; ``/alpn``: the protocol that TLS agreed on
- ``/close``: the last answer on its connection; ``/early``: a refusal before the request's body has been read
- ``/cut/sized``, ``/cut/chunked``: less than was announced, then the end of the connection
- ``/stream/NAME``: one event, then silence; ``/left/NAME``: answers when that stream's client has left
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
import sys
from collections import defaultdict

from aiohttp import web

BIG = bytes(range(256)) * (16 << 10)
LEFT: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)


async def sized(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=b"ok")


async def chunked(request: web.Request) -> web.StreamResponse:
    await request.read()
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    for number in range(3):
        await response.write(b"piece %d\n" % number)
    await response.write_eof()
    return response


async def empty(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(status=204)


async def missing(request: web.Request) -> web.Response:
    await request.read()
    return web.json_response({"error": "missing"}, status=404)


async def big(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=BIG)


async def echo(request: web.Request) -> web.Response:
    return web.Response(text=hashlib.sha256(await request.read()).hexdigest())


async def port(request: web.Request) -> web.Response:
    await request.read()
    assert request.transport is not None
    return web.Response(text=str(request.transport.get_extra_info("peername")[1]))


async def alpn(request: web.Request) -> web.Response:
    await request.read()
    assert request.transport is not None
    return web.Response(text=request.transport.get_extra_info("ssl_object").selected_alpn_protocol())


async def close(request: web.Request) -> web.Response:
    await request.read()
    response = web.Response(body=b"ok")
    response.force_close()
    return response


async def early(request: web.Request) -> web.Response:
    del request
    return web.Response(status=413, body=b"too much")


async def cut(request: web.Request) -> web.StreamResponse:
    await request.read()
    response = web.StreamResponse()
    if request.match_info["how"] == "sized":
        response.content_length = 100
    else:
        response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b"partial")
    assert request.transport is not None
    request.transport.close()
    return response


async def stream(request: web.Request) -> web.StreamResponse:
    await request.read()
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b"data: 0\n\n")
    try:
        await asyncio.Event().wait()
    finally:
        LEFT[request.match_info["name"]].set()
    return response


async def left(request: web.Request) -> web.Response:
    await request.read()
    await LEFT[request.match_info["name"]].wait()
    return web.Response(body=b"left")


def application() -> web.Application:
    app = web.Application(client_max_size=64 << 20)
    for handler in (sized, chunked, empty, missing, big, echo, port, alpn, close, early):
        app.router.add_route("*", f"/{handler.__name__}", handler)
    app.router.add_route("*", "/cut/{how}", cut)
    app.router.add_route("*", "/stream/{name}", stream)
    app.router.add_route("*", "/left/{name}", left)
    return app


async def main(plain: str, secure: str, certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    runner = web.AppRunner(application(), handler_cancellation=True)
    await runner.setup()
    await web.SockSite(runner, socket.socket(fileno=int(plain))).start()
    await web.SockSite(runner, socket.socket(fileno=int(secure)), ssl_context=context).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
