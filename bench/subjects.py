"""What is measured: the stub itself, the gateway with its full road on, and its peers.

Each subject is a context manager: it starts, is ready to be asked, and is gone when its block ends. The peers run with
one worker and without a database of their own: they neither hold, charge nor record, which is in their favour.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import peers
from bench.process import Running, free_port, running

MODEL = "bench"
GATEWAY_CORE = 0
LOAD_CORE = 1
REPOSITORY = Path(__file__).resolve().parent.parent
CLINX = (sys.executable, "-m", "clinx")


@dataclass(frozen=True, slots=True)
class Bench:
    """What every subject is given."""

    stub_port: int
    room: Path
    pin: bool
    """Whether there are cores enough to give the gateway one of its own."""

    @property
    def core(self) -> int | None:
        """The gateway's core."""
        return GATEWAY_CORE if self.pin else None

    @property
    def upstream(self) -> str:
        """The stub's address."""
        return f"http://127.0.0.1:{self.stub_port}"

    def folder(self, name: str) -> Path:
        """An empty folder for one subject."""
        folder = self.room / name
        folder.mkdir()
        return folder


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that answers /v1/chat/completions on a port."""

    name: str
    version: str
    road: str
    """What it does for each call, in a few words."""
    port: int
    process: Running | None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Opener = Callable[[Bench], AbstractContextManager[Subject]]


@contextmanager
def running_stub(core: int | None, room: Path) -> Generator[int]:
    """The upstream of everybody; gives its port."""
    folder = room / "stub"
    folder.mkdir()
    port = free_port()
    command = [sys.executable, "-m", "bench.stub", str(port)]
    with running(command, core=core, room=folder, env={"PYTHONPATH": str(REPOSITORY)}) as process:
        process.wait_for_port(port, 10)
        yield port


@contextmanager
def stub(bench: Bench) -> Generator[Subject]:
    """The upstream without anything before it: what the others add to."""
    yield Subject("stub", "", "answers", bench.stub_port, None)


@dataclass(frozen=True, slots=True)
class Installation:
    """This gateway, ready to be served from a folder."""

    room: Path
    env: Mapping[str, str]
    headers: Mapping[str, str]
    """Of a caller with credit."""

    @property
    def serve(self) -> list[str]:
        """The command, without a port."""
        return [*CLINX, "serve"]


def install(bench: Bench, settings: Mapping[str, str] | None = None) -> Installation:
    """Set the gateway up as an operator does: SQLite if nothing else is set, a user with credit, a token, one priced
    model, one channel."""
    room = bench.folder("clinx")
    (room / "gateway.yaml").write_text(_TREE.format(model=MODEL, upstream=bench.upstream), encoding="utf-8")
    env = {"CLINX_ROOT": str(room), "CLINX_STATE_DIR": str(room / "state"), "UPSTREAM_KEY": "upstream-key"}
    env |= settings or {}
    _run([*CLINX, "migrate"], room, env)
    _run([*CLINX, "user", "create", "bench", "--credit", "1000000"], room, env)
    issued = _run([*CLINX, "token", "create", "bench"], room, env)
    key = re.findall(r"sk-[0-9A-Za-z]{48}", issued)[0]
    return Installation(room, env, {"Authorization": f"Bearer {key}"})


@contextmanager
def clinx(bench: Bench) -> Generator[Subject]:
    """This gateway with its full road on."""
    installed = install(bench)
    version = _run([*CLINX, "--version"], installed.room, installed.env).split()[-1]
    port = free_port()
    command = [*installed.serve, "--port", str(port)]
    with running(command, core=bench.core, room=installed.room, env=installed.env) as process:
        process.wait_for_port(port, 30)
        road = "authenticate, route, hold, forward, meter, charge, log"
        yield Subject("clinx", version, road, port, process, installed.headers)


@contextmanager
def litellm(bench: Bench) -> Generator[Subject]:
    """LiteLLM's proxy with a master key and one model."""
    room = bench.folder("litellm")
    (room / "config.yaml").write_text(_LITELLM.format(model=MODEL, upstream=bench.upstream), encoding="utf-8")
    port = free_port()
    command = [
        str(peers.LITELLM_COMMAND),
        *("--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"),
    ]
    env = {
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_TELEMETRY": "False",
    }
    with running(command, core=bench.core, room=room, env=env) as process:
        process.wait_for_port(port, 120)
        road = "authenticate, route, translate"
        headers = {"Authorization": "Bearer sk-bench"}
        yield Subject("litellm", peers.litellm_version() or "", road, port, process, headers)


@contextmanager
def portkey(bench: Bench) -> Generator[Subject]:
    """Portkey's gateway: stateless, the channel comes in headers."""
    room = bench.folder("portkey")
    port = free_port()
    command = ["node", str(peers.PORTKEY_SCRIPT), f"--port={port}", "--headless"]
    with running(command, core=bench.core, room=room, env={"NODE_ENV": "production"}) as process:
        process.wait_for_port(port, 30)
        headers = {
            "Authorization": "Bearer upstream-key",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"{bench.upstream}/v1",
        }
        yield Subject("portkey", peers.portkey_version() or "", "route, transform", port, process, headers)


@contextmanager
def nginx(bench: Bench) -> Generator[Subject]:
    """A bare reverse proxy, for scale: it knows nothing of models or money."""
    room = bench.folder("nginx")
    port = free_port()
    (room / "nginx.conf").write_text(_NGINX % {"port": port, "stub": bench.stub_port}, encoding="utf-8")
    command = ["nginx", "-p", str(room), "-c", "nginx.conf", "-e", "error.log"]
    with running(command, core=bench.core, room=room) as process:
        process.wait_for_port(port, 10)
        yield Subject("nginx", peers.nginx_version() or "", "forward", port, process)


def chosen(wanted: str) -> list[tuple[str, Opener]]:
    """The subjects of a run, in order; ``wanted`` is ``none`` or ``all`` (that are installed)."""
    found: list[tuple[str, Opener]] = [("stub", stub)]
    if wanted == "all" and peers.nginx_version():
        found.append(("nginx", nginx))
    found.append(("clinx", clinx))
    if wanted == "all" and peers.litellm_version():
        found.append(("litellm", litellm))
    if wanted == "all" and peers.portkey_version():
        found.append(("portkey", portkey))
    return found


def wrk() -> str | None:
    """The path of wrk, when it is installed."""
    return shutil.which("wrk")


def _run(command: list[str], room: Path, env: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, cwd=room, env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[2:])}: {done.stdout}{done.stderr}")
    return done.stdout


_TREE = """\
version: 1
currency: USD
groups:
  default: {{multiplier: 1}}
models:
  {model}: {{price: {{input: "2.50", output: "10.00", per: 1M}}}}
channels:
  - name: stub
    provider: openai-compatible
    base_url: {upstream}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [{model}]
    groups: [default]
"""

_LITELLM = """\
model_list:
  - model_name: {model}
    litellm_params: {{model: openai/stub, api_base: "{upstream}/v1", api_key: upstream-key}}
general_settings:
  master_key: sk-bench
"""

_NGINX = """\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log error;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000;
  upstream stub { server 127.0.0.1:%(stub)d; keepalive 256; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:%(port)d;
    location / {
      proxy_pass http://stub;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
"""
