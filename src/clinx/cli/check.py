"""``clinx check``: compile a tree, run its tests, print what was found, exit 1 on an error. No network, no database."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from clinx.config.compile import Compiled, compile_tree
from clinx.config.diagnostics import ConfigError, Format, render
from clinx.config.secrets import SecretResolver
from clinx.config.tree import ROOT_FILE, Tree, default_tree, read_tree
from clinx.dialects.registry import DIALECTS
from clinx.relay.trials import verify
from clinx.settings import Settings


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:  # pyright: ignore[reportPrivateUsage]  (argparse has no public name for it)
    """Add the command."""
    parser = commands.add_parser("check")
    parser.add_argument("path", nargs="?", type=Path, help="folder of the tree, or its gateway.yaml (CLINX_ROOT)")
    parser.add_argument("--format", choices=["text", "json", "github"], default="text", help="how to print findings")
    parser.add_argument(
        "--secrets",
        choices=["required", "placeholders"],
        default="required",
        help="placeholders: a reference that leads nowhere is a warning (for machines without the secrets)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print findings to standard output and a summary to standard error."""
    settings = Settings()
    path: Path = args.path or settings.root
    root = path.parent if path.name == ROOT_FILE else path
    if not root.is_dir() or (root != path and not os.path.lexists(path)):
        print(f"clinx check: no {'folder' if root == path else 'file'} {path}", file=sys.stderr)
        return 2
    tree = read_tree(root, default_tree())
    secrets = SecretResolver(
        os.environ, root, tuple(_prefixes(settings.env_prefixes)), placeholders=args.secrets == "placeholders"
    )
    style: Format = args.format
    try:
        compiled = compile_tree(tree, secrets=secrets, dialects=DIALECTS, at=datetime.now(UTC))
        _test(compiled, tree)
    except ConfigError as error:
        print(render(error.diagnostics, style))
        print(f"clinx check: {root} cannot be served", file=sys.stderr)
        return 1
    if compiled.diagnostics or style == "json":
        print(render(compiled.diagnostics, style))
    snapshot = compiled.snapshot
    source = "the shipped example" if tree.is_builtin else str(root)
    print(
        f"clinx check: {source} is good: revision {snapshot.revision.id}, {len(snapshot.channels)} channels, "
        f"{len(snapshot.models) + len(snapshot.patterns)} models",
        file=sys.stderr,
    )
    return 0


def _test(compiled: Compiled, tree: Tree) -> None:
    """Run the tests of a tree that compiles: one whose tests fail is not served."""
    if failed := verify(compiled.snapshot, tree):
        raise ConfigError((*compiled.diagnostics, *failed))


def _prefixes(text: str) -> list[str]:
    return [prefix.strip() for prefix in text.split(",") if prefix.strip()]
