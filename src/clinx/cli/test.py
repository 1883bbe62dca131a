"""``clinx test``: run the tests of a tree, print what failed, exit 1 if anything did. Needs no network, no secrets."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clinx.cli.trees import NoTreeError, complain, own
from clinx.config.diagnostics import ConfigError, Format, render
from clinx.relay.trials import Trial, Trials, try_tree


def add_parser(commands: Any) -> None:
    """Mount ``clinx test``."""
    parser = commands.add_parser("test")
    parser.add_argument("path", nargs="?", type=Path, help="folder of the tree, or its gateway.yaml (CLINX_ROOT)")
    parser.add_argument("--format", choices=["text", "json", "github"], default="text", help="how to print results")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print findings to standard output and a summary to standard error."""
    style: Format = args.format
    try:
        source = own(args.path)
    except NoTreeError as error:
        return complain("test", error)
    except ConfigError as error:
        print(render(error.diagnostics, style))
        print("clinx test: the tree does not compile, and nothing was tested", file=sys.stderr)
        return 1
    trials = try_tree(source.snapshot, source.tree)
    if style == "json":
        print(json.dumps(_as_json(trials), indent=2))
    elif trials.findings:
        print(render(trials.findings, style))
    failed = sum(not trial.is_good for trial in trials.run)
    print(f"clinx test: {source.name}: {len(trials.run) - failed} passed, {failed} failed", file=sys.stderr)
    return 1 if trials.findings else 0


def _as_json(trials: Trials) -> dict[str, Any]:
    return {
        "ok": not trials.findings,
        "unread": [asdict(each) for each in trials.unread],
        "tests": [_trial(trial) for trial in trials.run],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    mark = trial.test.mark
    return {
        "test": trial.test.title,
        "file": mark.file,
        "line": mark.line,
        "ok": trial.is_good,
        "findings": [asdict(each) for each in trial.findings],
    }
