"""``clinx propose``: change one value of the tree, comments and all else kept, as a patch for a pull request."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from clinx.cli.trees import NoTreeError, compiled, folder_of
from clinx.config.diagnostics import ConfigError
from clinx.config.editing import EditError
from clinx.config.proposal import propose
from clinx.config.tree import default_tree, read_tree
from clinx.config.writing import write_whole


def add_parser(commands: Any) -> None:
    """Mount ``clinx propose``."""
    parser = commands.add_parser("propose")
    parser.add_argument(
        "path", metavar="PATH", help="channels.NAME.weight, models.NAME.price.input, server.max_body, …"
    )
    parser.add_argument("value", nargs="?", metavar="VALUE", help="one line of YAML: 5, '\"2.50\"', [a, b]")
    parser.add_argument("--delete", action="store_true", help="take the entry out instead")
    parser.add_argument("--write", action="store_true", help="change the file, rather than only print the patch")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print a unified diff to standard output."""
    if (args.value is None) is not args.delete:
        return _complain("give a value, or --delete", 2)
    try:
        root = folder_of(None)
        tree = read_tree(root, default_tree())
        if tree.is_builtin:
            return _complain(f"there is no tree in {root}", 1)
        change = propose(tree, args.path, args.value)
        compiled(change.applied(tree), root, "the proposal")
    except (NoTreeError, EditError) as error:
        return _complain(str(error), 1)
    except ConfigError as error:
        return _complain(f"the tree does not compile with this change; nothing is written\n{error}", 1)
    print(change.patch, end="")
    if change.note is not None:
        print(f"clinx propose: {change.note}", file=sys.stderr)
    if args.write:
        write_whole(root / change.file, change.after.encode())
    return 0


def _complain(message: str, code: int) -> int:
    print(f"clinx propose: {message}", file=sys.stderr)
    return code
