"""Servers of other people, as processes of their own: what providers run, or have in front of what they run.

Each is given sockets that listen already, one plain and one for TLS, so nobody has to wait until it is up: a connection
made early is answered late. They serve the same paths (see `served_by_aiohttp.py`); nginx stands in front of aiohttp.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
CERTIFICATE: Final = HERE.parent / "tls" / "localhost.pem"
NGINX: Final = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
NODE: Final = shutil.which("node")

_GRACE: Final = 10.0
"""Seconds a server gets to go."""


@dataclass(frozen=True)
class Server:
    """Where a server listens."""

    name: str
    plain: str
    secure: str


@contextmanager
def _running(*command: str, sockets: tuple[socket.socket, ...], **environment: str) -> Generator[None]:
    process = subprocess.Popen(
        command,
        pass_fds=[each.fileno() for each in sockets],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
    )
    for each in sockets:
        each.close()
    try:
        yield
    finally:
        process.terminate()
        process.wait(_GRACE)


def _listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def _port(listening: socket.socket) -> int:
    return listening.getsockname()[1]


@contextmanager
def _served(name: str, *command: str) -> Generator[Server]:
    """Run what takes the numbers of two sockets and a certificate."""
    plain, secure = _listening(), _listening()
    server = Server(name, f"http://127.0.0.1:{_port(plain)}", f"https://localhost:{_port(secure)}")
    numbers = (str(plain.fileno()), str(secure.fileno()))
    with _running(*command, *numbers, str(CERTIFICATE), sockets=(plain, secure)):
        yield server


@contextmanager
def _nginx(folder: Path) -> Generator[Server]:
    with _served("aiohttp", sys.executable, str(HERE / "served_by_aiohttp.py")) as behind, ExitStack() as stack:
        plain, secure = _listening(), _listening()
        values = {
            "FOLDER": str(folder),
            "BEHIND": behind.plain.removeprefix("http://"),
            "PLAIN": str(_port(plain)),
            "SECURE": str(_port(secure)),
            "CERTIFICATE": str(CERTIFICATE),
        }
        text = (HERE / "nginx.conf").read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        path = folder / "nginx.conf"
        path.write_text(text, encoding="utf-8")
        # The way nginx hands sockets to its own successor.
        inherited = f"{plain.fileno()};{secure.fileno()};"
        server = Server("nginx", f"http://127.0.0.1:{_port(plain)}", f"https://localhost:{_port(secure)}")
        command = (NGINX or "", "-c", str(path), "-p", str(folder), "-e", str(folder / "errors"))
        stack.enter_context(_running(*command, sockets=(plain, secure), NGINX=inherited))
        yield server


def absent(name: str) -> str | None:
    """Say what is missing for a server, if something is."""
    missing = {
        "nginx": NGINX is None,
        "node": NODE is None,
        "hypercorn": find_spec("hypercorn") is None,
    }
    return f"{name} is not installed" if missing.get(name) else None


@contextmanager
def serving(name: str, folder: Path) -> Generator[Server]:
    """Run a server; ``folder`` is its own."""
    match name:
        case "nginx":
            with _nginx(folder) as server:
                yield server
        case "node":
            with _served(name, NODE or "", str(HERE / "served_by_node.mjs")) as server:
                yield server
        case _:
            with _served(name, sys.executable, str(HERE / f"served_by_{name}.py")) as server:
                yield server
