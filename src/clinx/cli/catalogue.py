"""What commands on accounts read in the configuration tree: the rewards it declares, and names it does not have.

A slip in a group is cheaper to mend now than later. The tree may be elsewhere, broken, or not written yet: then nothing
is said of names, and a warning never fails a command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from clinx.config.compile import compile_tree
from clinx.config.diagnostics import ConfigError, did_you_mean
from clinx.config.last_good import LastGood
from clinx.config.secrets import SecretResolver
from clinx.config.snapshot import Snapshot
from clinx.config.tree import Tree, default_tree, read_tree
from clinx.dialects.registry import DIALECTS
from clinx.domain.invitation import Rewards
from clinx.settings import Settings


def warn_about(*, group: str | None = None, models: Iterable[str] = ()) -> None:
    """Write a line to standard error for every name that the tree at the settings' root does not have."""
    wanted = sorted(models)
    if group is None and not wanted:
        return
    snapshot = _own()
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


def require_channel(name: str) -> None:
    """Let a name pass if the tree at the settings' root has such a channel, or the last good one where that is broken.

    Raises:
        ValueError: there is no such channel.
    """
    known = _channels()
    if known is None:
        print(f"warning: no tree can be read here: whether there is a channel {name!r} is not known", file=sys.stderr)
    elif name not in known:
        hint = did_you_mean(name, known)
        raise ValueError(f"the configuration has no channel {name!r}{f'; {hint}' if hint else ''}")


def _channels() -> Collection[str] | None:
    """Return the names of the channels; None when no tree compiles: an emergency is no time to refuse."""
    own, kept = _read(), LastGood(Settings().state_dir).read()
    for tree in (kept, own) if own.is_builtin else (own, kept):
        try:
            if tree is not None:
                return _compile(tree).channels
        except ConfigError:
            continue
    return None


def declared_rewards() -> Rewards:
    """Return what an invitation is worth by the tree at the settings' root.

    Raises:
        ValueError: it does not compile: nothing is known, which is not the same as nothing.
    """
    try:
        return _compile(_read()).invitations
    except ConfigError as error:
        raise ValueError("the configuration does not compile, and it says the rewards; see `clinx check`") from error


def _own() -> Snapshot | None:
    """Compile the operator's own tree, secrets or not; None when there is none that compiles."""
    tree = _read()
    if tree.is_builtin:
        return None
    try:
        return _compile(tree)
    except ConfigError:
        return None


def _read() -> Tree:
    return read_tree(Settings().root, default_tree())


def _compile(tree: Tree) -> Snapshot:
    secrets = SecretResolver(os.environ, Settings().root, ("*",), placeholders=True)
    return compile_tree(tree, secrets=secrets, dialects=DIALECTS, at=datetime.now(UTC)).snapshot
