"""``clinx fmt``: lay the files of the tree out the one way; what they say, and every comment, stays."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from clinx.cli.trees import NoTreeError, complain, folder_of
from clinx.config.diagnostics import ConfigError
from clinx.config.formatting import formatted
from clinx.config.tree import default_tree, read_tree
from clinx.config.writing import write_whole


def add_parser(commands: Any) -> None:
    """Mount ``clinx fmt``."""
    parser = commands.add_parser("fmt")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="these (default: all of CLINX_ROOT)")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a file would change")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the names of the files that were changed, or would be."""
    try:
        files = args.files or list(_own())
    except NoTreeError as error:
        return complain("fmt", error)
    changed, is_good = 0, True
    for path in files:
        try:
            before = path.read_bytes()
            after = formatted(str(path), before)
            if after != before:
                changed += 1
                print(path)
                if not args.check:
                    write_whole(path, after)
        except ConfigError as error:
            is_good = False
            print(error, file=sys.stderr)
        except OSError as error:
            is_good = False
            print(f"clinx fmt: {path}: {error.strerror or error}", file=sys.stderr)
    return 0 if is_good and not (args.check and changed) else 1


def _own() -> Iterable[Path]:
    """Yield the operator's own YAML files of the tree."""
    root = folder_of(None)
    names = sorted(read_tree(root, default_tree()).files)
    return (root / name for name in names if name.endswith(".yaml") and (root / name).is_file())
