"""The `clinx` command: one module per verb, each with ``add_parser`` and ``run``.

A command parses, calls a room and prints; it decides nothing itself. Exit codes: 0 done, 1 the answer is no (a broken
tree, an unknown user), 2 the command line is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from clinx import __version__
from clinx.cli import audit, check, code, invite, migrate, node, order, schema, serve, token, user


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with every command mounted."""
    parser = argparse.ArgumentParser(prog="clinx", description="An LLM gateway with a ledger.")
    parser.add_argument("--version", action="version", version=f"clinx {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (serve, check, schema, user, token, code, invite, order, node, audit, migrate):
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = build_parser().parse_args(argv)
    run = arguments.run
    try:
        code = run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `clinx … | head`: what nobody reads any more must not be tried again on the way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code
