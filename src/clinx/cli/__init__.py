"""The `clinx` command: one module per verb, each with ``add_parser`` and ``run``.

A command parses, calls a room and prints; it decides nothing itself. Exit codes: 0 done, 1 the answer is no (a broken
tree, an unknown user), 2 the command line is wrong. For `clinx plan` 2 means effects, so a wrong command line is 1.
Only the module of the command that was named is imported: most of a short command's time would go into the others.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from clinx import __version__

COMMANDS: Final[Mapping[str, str]] = {
    "serve": "run the gateway",
    "check": "compile a configuration tree and print what is wrong with it",
    "test": "run the tests of a configuration tree",
    "plan": "show the effects of serving the tree on disk",
    "explain": "why a call went there and cost that, or where a value comes from",
    "fmt": "lay out the files of the tree; comments stay",
    "propose": "change one value of the tree, as a patch",
    "schema": "print the JSON Schema of a document of the tree",
    "user": "create users, credit them, show their balance",
    "token": "issue, list and revoke API keys",
    "code": "make, list, withdraw and redeem redemption codes",
    "invite": "invitation codes and the rewards for them",
    "order": "sell credit through a payment provider",
    "node": "list processes; give up a lost one",
    "audit": "compare the books with themselves; exit 1 if anything is wrong",
    "status": "show what every process serves, and what is overridden",
    "apply": "make every process look at its tree now",
    "rollback": "serve an earlier revision until the tree changes",
    "promote": "serve a revision that is on trial, or was rejected, to all",
    "override": "override a channel for a while",
    "channel": "tell the processes about a channel; ask its vendor what is left",
    "migrate": "bring the database to the newest schema",
}
"""Modules of this package, and what `clinx --help` says of them, in its order."""


def build_parser(named: str | None = None) -> argparse.ArgumentParser:
    """Return the parser with one command mounted, and the others by name only."""
    parser = argparse.ArgumentParser(prog="clinx", description="An LLM gateway with a ledger.")
    parser.add_argument("--version", action="version", version=f"clinx {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, says in COMMANDS.items():
        if name == named:
            importlib.import_module(f"clinx.cli.{name}").add_parser(commands)
        else:
            commands.add_parser(name, help=says)
    return parser


def _parsed(argv: Sequence[str]) -> argparse.Namespace:
    # No option before a command takes a value: the first word is the command.
    named = next((word for word in argv if not word.startswith("-")), None)
    try:
        return build_parser(named).parse_args(argv)
    except SystemExit as stopped:
        if stopped.code and argv[:1] == ["plan"]:
            raise SystemExit(1) from None
        raise


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parsed(sys.argv[1:] if argv is None else argv)
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
