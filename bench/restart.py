"""How soon the gateway serves again after it was killed under load."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from bench.measure import request_file
from bench.process import free_port, running
from bench.subjects import REPOSITORY, Bench, Installation, install, running_stub

LOADED = 3.0
"""Seconds of load before each kill."""
PATIENCE = 30.0
CONNECTIONS = 16


def measure(folder: Path, kills: int) -> list[float]:
    """Kill and start again; return the seconds from each start to the first answer."""
    with running_stub(None, folder) as stub_port:
        installed, port = install(Bench(stub_port, folder, pin=False)), free_port()
        request = request_file(installed.headers, folder / "request", stream=False)
        command = [*installed.serve, "--port", str(port)]
        return [_once(installed, command, port, request) for _ in range(kills + 1)][1:]


def _once(installed: Installation, command: list[str], port: int, request: Path) -> float:
    began = time.monotonic()
    with running(command, core=None, room=installed.room, env=installed.env) as process:
        _wait_for_answer(port, request, began + PATIENCE)
        seconds = time.monotonic() - began
        load = _load(port, request)
        time.sleep(LOADED)
        process.popen.kill()
        process.popen.wait()
        load.communicate()
    return seconds


def _load(port: int, request: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bench.load", str(port), str(request), "--seconds", str(LOADED + 5)]
    return subprocess.Popen([*command, "--connections", str(CONNECTIONS)], cwd=REPOSITORY, stdout=subprocess.PIPE)


def _wait_for_answer(port: int, request: Path, deadline: float) -> None:
    head, _, body = request.read_bytes().partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    headers = dict(line.split(": ", 1) for line in lines)
    while not _answers(port, headers, body):
        if time.monotonic() > deadline:
            raise RuntimeError(f"no answer after {PATIENCE:.0f} s")
        time.sleep(0.01)


def _answers(port: int, headers: Mapping[str, str], body: bytes) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", "/v1/chat/completions", body, dict(headers))
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
