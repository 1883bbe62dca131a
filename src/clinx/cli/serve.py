"""`clinx serve`: run the gateway."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from clinx.app import Gateway, start_gateway
from clinx.cli.database import with_cause
from clinx.cli.demo import is_first_try, print_welcome
from clinx.cli.serve_workers import LOOKED, READY, CannotShare, lead
from clinx.config.diagnostics import ConfigError
from clinx.settings import PREFIX, Settings, Worker, unknown_variables
from clinx.storage.failures import StorageUnavailable
from clinx.telemetry import logs

_GIVEN = ("root", "host", "port", "workers")
"""Options that stand for settings of the same name."""


def add_parser(commands: Any) -> None:
    """Mount the command."""
    parser = commands.add_parser(
        "serve",
        description="Run the gateway over the configuration tree in the current folder.",
        epilog=_settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", type=Path, help="folder of the tree (default: CLINX_ROOT, else this folder)")
    parser.add_argument("--host", help="address to listen on (default: CLINX_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 takes a free one (default: CLINX_PORT)")
    parser.add_argument("--workers", type=int, help="processes that share the port (default: CLINX_WORKERS)")
    parser.add_argument("--demo", action="store_true", help="issue a key for user `demo` with credit and print a curl")
    parser.add_argument("--last-good", action="store_true", help="serve the last good tree if this one is broken")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    given = {name: value for name in _GIVEN if (value := getattr(arguments, name)) is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        return _refuse(_settings_fault(error))
    logs.configure(style=settings.log_format, level=settings.log_level)
    for name in unknown_variables():
        print(f"warning: {name} is no setting; see clinx serve --help", file=sys.stderr)
    worker = Worker.heard()
    try:
        if settings.workers > 1 and worker is None:
            return lead(settings, _options(arguments), ["--demo"] if arguments.demo else [])
        _run_loop(_serve(settings, worker, demo=arguments.demo, last_good=arguments.last_good))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    except StorageUnavailable as error:
        return _refuse(with_cause(error))
    except (OSError, ValueError, CannotShare) as error:
        return _refuse(str(error))
    return 0


def _options(arguments: argparse.Namespace) -> list[str]:
    """Return what every worker is told on its command line: what this process was, but for the port and the demo."""
    given = [(f"--{name}", getattr(arguments, name)) for name in ("root", "host")]
    options = [part for option, value in given if value is not None for part in (option, str(value))]
    return [*options, "--last-good"] if arguments.last_good else options


def _refuse(message: str) -> int:
    print(f"clinx serve: {message}", file=sys.stderr)
    return 1


def _run_loop(main: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop  # noqa: PLC0415  (not on every platform)
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def _serve(settings: Settings, worker: Worker | None, *, demo: bool, last_good: bool) -> None:
    gateway = await start_gateway(settings, last_good=last_good, worker=worker)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if stopping.is_set():
            gateway.hurry()
        stopping.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop)
    loop.add_signal_handler(signal.SIGHUP, gateway.request_reload)
    _rest_the_collector()
    try:
        if worker is None or worker.greets:
            await print_welcome(gateway, demo=demo or await is_first_try(gateway))
        if worker is not None:
            _answer_the_line(worker, gateway, stop)
        await stopping.wait()
    finally:
        await gateway.stop(settings.shutdown_grace)


def _answer_the_line(worker: Worker, gateway: Gateway, stop: Callable[[], None]) -> None:
    """Tell the process that started this one that it serves, and when it has looked at the tree; stop with it."""
    loop, line = asyncio.get_running_loop(), socket.socket(fileno=worker.line)

    async def look() -> None:
        await gateway.reloader.reload()
        with contextlib.suppress(OSError):  # That process is gone, and so is the line.
            line.send(LOOKED)

    loop.add_signal_handler(signal.SIGHUP, lambda: gateway.supervisor.start(look(), name="reload"))
    line.sendall(READY)

    def hear() -> None:
        loop.remove_reader(line)
        line.close()
        stop()

    loop.add_reader(line, hear)


def _rest_the_collector() -> None:
    """Keep the garbage collector from walking what lives as long as the process, and from looking too often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _settings_help() -> str:
    rows = ["settings from the environment:"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in ("", None) else f" (default: {field.default})"
        rows.append(f"  {PREFIX}{name.upper():18} {field.description}{default}")
    return "\n".join(rows)


def _settings_fault(error: ValidationError) -> str:
    return "; ".join(f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
