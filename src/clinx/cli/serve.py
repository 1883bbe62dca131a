"""`clinx serve`: run the gateway."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from clinx.app import Gateway
from clinx.cli.database import with_cause
from clinx.cli.demo import is_first_try, print_welcome
from clinx.config.diagnostics import ConfigError
from clinx.settings import PREFIX, Settings, unknown_variables
from clinx.storage.failures import StorageUnavailable
from clinx.telemetry import logs


def add_parser(commands: Any) -> None:
    """Mount the command."""
    parser = commands.add_parser(
        "serve",
        help="run the gateway",
        description="Run the gateway over the configuration tree in the current folder.",
        epilog=_settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", type=Path, help="folder of the tree (default: CLINX_ROOT, else this folder)")
    parser.add_argument("--host", help="address to listen on (default: CLINX_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 takes a free one (default: CLINX_PORT)")
    parser.add_argument("--demo", action="store_true", help="issue a key for user `demo` with credit and print a curl")
    parser.add_argument("--last-good", action="store_true", help="serve the last good tree if this one is broken")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    given = {name: value for name in ("root", "host", "port") if (value := getattr(arguments, name)) is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        return _refuse(_settings_fault(error))
    logs.configure(style=settings.log_format, level=settings.log_level)
    for name in unknown_variables():
        print(f"warning: {name} is no setting; see clinx serve --help", file=sys.stderr)
    try:
        _run_loop(_serve(settings, demo=arguments.demo, last_good=arguments.last_good))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    except StorageUnavailable as error:
        return _refuse(with_cause(error))
    except (OSError, ValueError) as error:
        return _refuse(str(error))
    return 0


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


async def _serve(settings: Settings, *, demo: bool, last_good: bool) -> None:
    gateway = await Gateway.start(settings, last_good=last_good)
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
        await print_welcome(gateway, demo=demo or await is_first_try(gateway))
        await stopping.wait()
    finally:
        await gateway.stop(settings.shutdown_grace)


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
