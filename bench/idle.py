"""What a stream that waits costs in memory: ``python -m bench.idle``.

A server of a process of its own begins streams and says nothing more; here they are opened by the transports of the
gateway, and what the process has resident grows by so much for each. Every row is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import re
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import uvloop
from yarl import URL

from bench.process import running
from bench.subjects import REPOSITORY
from clinx.domain.catalog import Timeouts, TransportKind
from clinx.upstream.egress import Egress
from clinx.upstream.kept import Kept
from clinx.upstream.request import UpstreamRequest
from clinx.upstream.through_aiohttp import ThroughAiohttp
from clinx.upstream.transport import Arriving, Transport

CERTIFICATES: Final = REPOSITORY / "tests" / "upstream" / "tls"
WARM_UP: Final = 20
"""Streams before the first look."""
AT_ONCE: Final = 20
"""Streams that are opened beside one another."""
PATIENCE: Final = 60.0

_EVENT: Final = b"data: " + b"x" * 200 + b"\n\n"
_BEGINNING: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + (
    b"%x\r\n%b\r\n" % (len(_EVENT), _EVENT) * 10
)
_TRANSPORTS: Final[Mapping[str, Callable[[Egress, ssl.SSLContext], Transport]]] = {
    TransportKind.HTTP1: Kept,
    TransportKind.AIOHTTP: ThroughAiohttp,
}
_LOOPS: Final[Mapping[str, Callable[[], asyncio.AbstractEventLoop]]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}


async def _begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_BEGINNING)
        await reader.read()
    writer.close()


async def _serve(port: int, road: str) -> None:
    context = None
    if road == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / "localhost.pem")
    server = await asyncio.start_server(_begin, "127.0.0.1", port, ssl=context, backlog=1024)
    await server.serve_forever()


async def _open(transport: Transport, request: UpstreamRequest) -> Arriving:
    arrived, size = await transport.exchange(request, within=PATIENCE), 0
    while size < len(_EVENT) * 10:
        piece = arrived.take()
        if piece is None:
            await arrived.wait(PATIENCE)
        else:
            size += len(piece)
    return arrived


async def _grown(kind: str, url: str, count: int) -> float:
    """Return the KiB that one more stream takes."""
    authority = ssl.create_default_context(cafile=CERTIFICATES / "authority.pem")
    transport = _TRANSPORTS[kind](Egress(), authority)
    request = UpstreamRequest("GET", URL(url), {"Accept": "text/event-stream"}, b"", Timeouts(connect=PATIENCE))
    held = [await _open(transport, request) for _ in range(WARM_UP)]
    before = _resident_kib()
    for _ in range(count // AT_ONCE):
        held += await asyncio.gather(*(_open(transport, request) for _ in range(AT_ONCE)))
    grown = (_resident_kib() - before) / (len(held) - WARM_UP)
    for arrived in held:
        arrived.close()
    await transport.close()
    return grown


def _resident_kib() -> int:
    gc.collect()
    rollup = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    return int(re.findall(r"^Rss:\s+(\d+) kB", rollup, re.MULTILINE)[0])


def _row(kind: str, loop: str, count: int) -> str:
    cells = [_measured(kind, loop, road, count) for road in ("http", "https")]
    return f"| {kind} on {loop} | {' | '.join(cells)} |"


def _measured(kind: str, loop: str, road: str, count: int) -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    here = [sys.executable, "-m", "bench.idle"]
    url = f"{road}://127.0.0.1:{port}/"
    env = {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "src")])}
    with (
        tempfile.TemporaryDirectory() as room,
        running([*here, "--serve", str(port), road], core=None, room=Path(room), env=env) as server,
    ):
        server.wait_for_port(port, PATIENCE)
        command = [*here, "--grow", kind, loop, url, str(count)]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY).stdout.strip()


def main() -> None:
    """Measure, or be one of the processes that do."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--streams", type=int, default=800)
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--grow", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if asked.serve:
        uvloop.run(_serve(int(asked.serve[0]), asked.serve[1]))
    elif asked.grow:
        kind, loop, url, count = asked.grow
        with asyncio.Runner(loop_factory=_LOOPS[loop]) as runner:
            print(f"{runner.run(_grown(kind, url, int(count))):.1f}")
    else:
        print(f"KiB for each of {asked.streams} streams that wait; {ssl.OPENSSL_VERSION}\n")
        print("| | plain | TLS |\n|---|--:|--:|")
        for kind in _TRANSPORTS:
            for loop in _LOOPS:
                print(_row(kind, loop, asked.streams), flush=True)


if __name__ == "__main__":
    main()
