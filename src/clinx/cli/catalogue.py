"""Warnings about names that the configuration tree does not have: a slip in a group is cheaper to mend now than later.

The tree may be elsewhere, broken, or not written yet: then nothing is said. A warning never fails a command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from clinx.config.compile import compile_tree
from clinx.config.diagnostics import ConfigError, did_you_mean
from clinx.config.secrets import SecretResolver
from clinx.config.snapshot import Snapshot
from clinx.config.tree import default_tree, read_tree
from clinx.dialects.registry import DIALECTS
from clinx.settings import Settings


def warn_about(*, group: str | None = None, models: Iterable[str] = ()) -> None:
    """Write a line to standard error for every name that the tree at the settings' root does not have."""
    wanted = sorted(models)
    if group is None and not wanted:
        return
    snapshot = _snapshot()
    if snapshot is None:
        return
    if group is not None and group not in snapshot.groups:
        _warn("group", group, snapshot.groups)
    for model in wanted:
        if snapshot.model(model) is None:
            _warn("model", model, snapshot.models)


def _warn(kind: str, name: str, known: Iterable[str]) -> None:
    hint = did_you_mean(name, known)
    print(f"warning: the configuration has no {kind} {name!r}{f'; {hint}' if hint else ''}", file=sys.stderr)


def _snapshot() -> Snapshot | None:
    """Compile the operator's own tree, secrets or not; None when there is none that compiles."""
    root = Settings().root
    tree = read_tree(root, default_tree())
    if tree.is_builtin:
        return None
    secrets = SecretResolver(os.environ, root, ("*",), placeholders=True)
    try:
        return compile_tree(tree, secrets=secrets, dialects=DIALECTS, at=datetime.now(UTC)).snapshot
    except ConfigError:
        return None
